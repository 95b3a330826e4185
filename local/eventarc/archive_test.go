package eventarc_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"orderflow.dev/internal/archive"
	"orderflow.dev/internal/platform/bucket"
	"orderflow.dev/local/eventarc"
	"orderflow.dev/local/storage"
)

// archiving is an archiver of a topic of its own, and where its files go.
type archiving struct {
	*eventarc.Archiver
	t     *testing.T
	topic string
}

func newArchiving(t *testing.T, kept *bucket.Bucket) archiving {
	t.Helper()
	topic := "archived-" + uuid.NewString()
	sub := eventarc.Subscription{ID: "archive." + topic, Topic: topic, AckDeadline: time.Minute}
	client := connect(t)
	if err := eventarc.Setup(t.Context(), client, project, nil, []eventarc.Subscription{sub}); err != nil {
		t.Fatal(err)
	}
	return archiving{&eventarc.Archiver{Client: client, Bucket: kept, Subscriptions: []eventarc.Subscription{sub}}, t, topic}
}

// newBucket is a bucket of a Cloud Storage of its own.
func newBucket(t *testing.T) *bucket.Bucket {
	t.Helper()
	s, err := storage.Open(storage.Options{Dir: t.TempDir(), Buckets: []string{"kept"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	t.Setenv("STORAGE_EMULATOR_HOST", server.URL)
	return open(t, "kept")
}

func open(t *testing.T, name string) *bucket.Bucket {
	t.Helper()
	b, err := bucket.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func (a archiving) publish(messages ...*pubsub.Message) {
	a.t.Helper()
	p := a.Client.Publisher(a.topic)
	p.EnableMessageOrdering = true
	defer p.Stop()
	for _, m := range messages {
		if _, err := p.Publish(a.t.Context(), m).Get(a.t.Context()); err != nil {
			a.t.Fatal(err)
		}
	}
}

// records are those of all files.
func (a archiving) records(b *bucket.Bucket) (records []archive.Record) {
	a.t.Helper()
	files, err := archive.Files(a.t.Context(), b, a.topic, archive.Window{From: time.Now().Add(-time.Hour), To: time.Now()})
	if err != nil {
		a.t.Fatal(err)
	}
	for _, f := range files {
		err := archive.Read(a.t.Context(), b, f, func(r archive.Record) error {
			records = append(records, r)
			return nil
		})
		if err != nil {
			a.t.Fatal(err)
		}
	}
	return records
}

func TestMessagesAreArchivedAsPubSubDoes(t *testing.T) {
	kept := newBucket(t)
	a := newArchiving(t, kept)
	a.publish(&pubsub.Message{Data: []byte("\x00one"), Attributes: map[string]string{"ce-id": "1"}},
		&pubsub.Message{Data: []byte("two"), OrderingKey: "key"})
	for range 2 { // nothing is archived twice
		if err := a.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	got := a.records(kept)
	if len(got) != 2 {
		t.Fatalf("%d records, want 2", len(got))
	}
	want := []archive.Record{
		{Attributes: map[string]string{"ce-id": "1"}, Data: []byte("\x00one")},
		{Attributes: map[string]string{"ordering_key": "key"}, Data: []byte("two")},
	}
	for i, r := range got {
		if r.MessageID == "" || time.Since(r.PublishTime) > time.Minute {
			t.Errorf("record %+v", r)
		}
		want[i].Subscription, want[i].MessageID, want[i].PublishTime = "projects/"+project+"/subscriptions/archive."+a.topic, r.MessageID, r.PublishTime
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// TestWhatCannotBeArchivedWaits: the bucket is not there, and then it is.
func TestWhatCannotBeArchivedWaits(t *testing.T) {
	kept := newBucket(t)
	a := newArchiving(t, open(t, "none"))
	var failures atomic.Int64
	a.Every, a.OnError = 10*time.Millisecond, func(error) { failures.Add(1) }
	const n = 2500 // more than one file takes
	for i := range n / 100 {
		var some []*pubsub.Message
		for j := range 100 {
			some = append(some, &pubsub.Message{Data: fmt.Append(nil, i*100+j)})
		}
		a.publish(some...)
	}
	if err := a.Flush(t.Context()); err == nil {
		t.Error("a bucket that is not there took files")
	}
	stop := start(t, a)
	until(t, "the archiver to fail", func() bool { return failures.Load() > 0 })
	stop()
	a.Bucket = kept
	stop = start(t, a)
	defer stop()
	until(t, "everything to be archived", func() bool {
		seen := map[string]bool{}
		for _, r := range a.records(kept) {
			seen[string(r.Data)] = true
		}
		return len(seen) == n
	})
}

// start runs the archiver until it is stopped.
func start(t *testing.T, a archiving) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.Run(ctx)
	}()
	return func() {
		cancel()
		<-ended
	}
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute for %s", what)
		}
	}
}
