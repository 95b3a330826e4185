package storage_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/internal/platform/object"
	"orderflow.dev/local/eventarc"
	"orderflow.dev/local/storage"
)

// function is one that hears of objects, and fails as often as it is told to.
type function struct {
	*httptest.Server
	mu    sync.Mutex
	fails int
	heard []object.Object
	calls []*http.Request
	body  []string
}

func newFunction(t *testing.T, fails int) *function {
	f := &function{fails: fails}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *function) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	f.calls, f.body = append(f.calls, r), append(f.body, string(body))
	if f.fails--; f.fails >= 0 {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	o, err := object.Finalized(again)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	f.heard = append(f.heard, o)
}

func (f *function) names() (names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, o := range f.heard {
		names = append(names, o.Name+" "+strconv.FormatInt(o.Generation, 10))
	}
	return names
}

// deliver delivers a trigger's events until the returned function is called.
func (b *bench) deliver(name string, f *function) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- eventarc.RunTriggers(ctx, []eventarc.Trigger{{
			Name: name, Endpoint: f.URL, Source: b.server.Load().Events(name), MinBackoff: time.Millisecond, MaxBackoff: 10 * time.Millisecond,
			Token: func(_ context.Context, audience string) (string, error) { return "token for " + audience, nil },
		}}, eventarc.Options{})
	}()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Error(err)
		}
	})
}

func waitFor(t *testing.T, what string, true func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !true(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

func TestEnvelope(t *testing.T) {
	t.Parallel()
	b := start(t, storage.Options{Triggers: []storage.Trigger{{Name: "plan", Bucket: "bucket"}}})
	f := newFunction(t, 0)
	defer b.deliver("plan", f)()
	body, contentType := multipart(`{"name":"in/o.csv","contentEncoding":"gzip","metadata":{"k":"v"}}`, "content")
	o := b.ask("POST", "/upload/storage/v1/b/bucket/o?uploadType=multipart", body, "Content-Type", contentType).resource(t)
	waitFor(t, "an event", func() bool { return len(f.names()) == 1 })
	header := map[string]string{}
	for name := range f.calls[0].Header {
		if name != "User-Agent" && name != "Content-Length" {
			header[name] = f.calls[0].Header.Get(name)
		}
	}
	want := map[string]string{
		"Ce-Id": o.Generation, "Ce-Specversion": "1.0", "Ce-Type": "google.cloud.storage.object.v1.finalized", "Ce-Subject": "objects/in/o.csv",
		"Ce-Source": "//storage.googleapis.com/projects/_/buckets/bucket", "Ce-Time": o.TimeCreated, "Ce-Bucket": "bucket",
		"Content-Type": "application/json", "Authorization": "Bearer token for " + f.URL,
	}
	if diff := cmp.Diff(want, header); diff != "" || f.calls[0].Method != http.MethodPost {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	var data resource
	if err := json.Unmarshal([]byte(f.body[0]), &data); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(o, data); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
	if got := f.heard[0]; got.Bucket != "bucket" || got.Size != 7 || got.ContentEncoding != "gzip" || got.Metadata["k"] != "v" {
		t.Errorf("heard %+v", got)
	}
}

func TestEveryFinalizedObjectIsToldAndNothingElse(t *testing.T) {
	t.Parallel()
	b := start(t, storage.Options{Triggers: []storage.Trigger{{Name: "plan", Bucket: "bucket"}, {Name: "other", Bucket: "other"}}})
	f, other := newFunction(t, 0), newFunction(t, 0)
	defer b.deliver("plan", f)()
	defer b.deliver("other", other)()
	var want []string
	told := func(o resource) { want = append(want, o.Name+" "+o.Generation) }
	told(b.put("o", "1"))
	told(b.put("o", "2"))
	told(b.ask("PUT", b.begin(""), "3").resource(t))
	told(b.ask("POST", objectPath("o")+"/copyTo/b/bucket/o/copy", "").resource(t))
	told(b.ask("POST", objectPath("composed")+"/compose", `{"sourceObjects":[{"name":"o"}]}`).resource(t))
	b.ask("PATCH", objectPath("o"), `{"metadata":{"k":"v"}}`)
	b.ask("DELETE", objectPath("o"), "")
	b.want("a refused one", b.ask("POST", "/upload/storage/v1/b/bucket/o?uploadType=media&name=copy&ifGenerationMatch=0", "x"), 412, "")
	there := b.ask("POST", objectPath("copy")+"/rewriteTo/b/other/o/there", "")
	b.want("to the other", there, 200, "")
	waitFor(t, "all events", func() bool { return len(f.names()) >= len(want) && len(other.names()) > 0 })
	time.Sleep(50 * time.Millisecond) // for those that must not come
	got := map[string]bool{}
	for _, name := range f.names() {
		got[name] = true
	}
	for _, name := range want {
		if !got[name] {
			t.Errorf("%s was not told: %v", name, f.names())
		}
	}
	if len(f.names()) != len(want) || len(other.names()) != 1 {
		t.Errorf("told %v, want %v; the other %v", f.names(), want, other.names())
	}
}

// TestEventsOutliveTheServer: a function that fails, and servers that end before it succeeds.
func TestEventsOutliveTheServer(t *testing.T) {
	t.Parallel()
	b := start(t, storage.Options{Triggers: []storage.Trigger{{Name: "plan", Bucket: "bucket"}}})
	failing := newFunction(t, 1<<30)
	b.put("undelivered", "x") // nobody listens yet
	stop := b.deliver("plan", failing)
	b.put("o", "old")
	b.put("o", "new")
	waitFor(t, "some tries", func() bool { failing.mu.Lock(); defer failing.mu.Unlock(); return len(failing.calls) > 10 })
	stop()
	b.restart()
	b.restart()
	f := newFunction(t, 2)
	stop = b.deliver("plan", f)
	waitFor(t, "all events", func() bool { return len(f.names()) == 3 })
	stop()
	b.restart() // what is delivered is done
	b.put("last", "x")
	defer b.deliver("plan", f)()
	waitFor(t, "the last event", func() bool { return len(f.names()) > 3 })
	if names := f.names(); len(names) != 4 {
		t.Errorf("told %v", names)
	}
}
