package bucket_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/platform/bucket"
)

// disturb has requests that name a bucket answered by f, if that answers true, until the test's end. Tests that use it
// do not run in parallel.
func disturb(t *testing.T, b *bucket.Bucket, f func(http.ResponseWriter, *http.Request) bool) {
	t.Helper()
	disturbed := func(w http.ResponseWriter, r *http.Request) bool {
		return strings.Contains(r.URL.Path, b.Name()) && f(w, r)
	}
	trouble.Store(&disturbed)
	t.Cleanup(func() { trouble.Store(nil) })
}

func TestAnswersAreFaults(t *testing.T) {
	b := newBucket(t)
	for status, want := range map[int]codes.Code{
		400: codes.InvalidArgument, 401: codes.Unauthenticated, 403: codes.PermissionDenied, 404: codes.NotFound,
		412: codes.FailedPrecondition, 416: codes.OutOfRange, 418: codes.Unknown, 501: codes.Unimplemented,
	} {
		calls := 0
		disturb(t, b, func(w http.ResponseWriter, _ *http.Request) bool {
			calls++
			w.WriteHeader(status)
			return true
		})
		_, err := b.Stat(t.Context(), "o", 0)
		wantCode(t, http.StatusText(status), err, want)
		if calls != 1 || !strings.Contains(err.Error(), "look at gs://"+b.Name()+"/o") {
			t.Errorf("status %d: %d calls, error %v", status, calls, err)
		}
	}
}

func TestTroubleThatPassesIsNotSeen(t *testing.T) {
	b := newBucket(t)
	failing := map[string]func(w http.ResponseWriter){
		"503":                  func(w http.ResponseWriter) { w.WriteHeader(503) },
		"429":                  func(w http.ResponseWriter) { w.WriteHeader(429) },
		"a broken connection":  func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"nothing that is HTTP": hangUp(t),
	}
	for name, fail := range failing {
		var n atomic.Int64
		disturb(t, b, func(w http.ResponseWriter, r *http.Request) bool {
			if n.Add(1)%2 == 0 {
				return false
			}
			_, _ = io.Copy(io.Discard, r.Body)
			fail(w)
			return true
		})
		content := strings.Repeat("x", 9*mib)
		create(t, b, name, "x")
		o := replace(t, b, name, content)
		create(t, b, name+" too", content)
		if _, err := b.Stat(t.Context(), name, 0); err != nil {
			t.Errorf("%s: Stat: %v", name, err)
		}
		wantContent(t, b, name, content)
		if err := b.Delete(t.Context(), name, o.Generation); err != nil {
			t.Errorf("%s: Delete: %v", name, err)
		}
	}
}

func hangUp(t *testing.T) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		conn.Close()
	}
}

func TestTroubleThatStaysIsUnavailable(t *testing.T) {
	b := newBucket(t)
	var calls atomic.Int64
	disturb(t, b, func(w http.ResponseWriter, _ *http.Request) bool {
		calls.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	_, err := b.Stat(t.Context(), "o", 0)
	wantCode(t, "Stat", err, codes.Unavailable)
	if n := calls.Load(); n != 5 {
		t.Errorf("tried %d times, want 5", n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = b.Stat(ctx, "o", 0)
	wantCode(t, "Stat without time", err, codes.DeadlineExceeded)
}

// TestLostAnswer: a Create whose answer is lost is tried again and finds its own object.
func TestLostAnswer(t *testing.T) {
	b := newBucket(t)
	var first atomic.Bool
	disturb(t, b, func(w http.ResponseWriter, r *http.Request) bool {
		if !first.CompareAndSwap(false, true) {
			return false
		}
		forward(t, r)
		panic(http.ErrAbortHandler)
	})
	w := b.Create(t.Context(), "o", "text/plain", nil)
	if _, err := io.WriteString(w, "x"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "Close", w.Close(), codes.AlreadyExists)
	wantContent(t, b, "o", "x")
}

// forward has a request done without an answer to whoever asked.
func forward(t *testing.T, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	again, err := http.NewRequest(r.Method, server.URL+r.URL.String(), bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	again.Header = r.Header
	resp, err := http.DefaultClient.Do(again)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("forwarded: %v, error %v", resp, err)
		return
	}
	resp.Body.Close()
}

func TestCompressedContentStaysSo(t *testing.T) {
	b := newBucket(t)
	client, err := storage.NewClient(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	w := client.Bucket(b.Name()).Object("o.gz").NewWriter(t.Context())
	w.ContentEncoding = "gzip"
	if _, err := io.WriteString(w, "as if it were gzip"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	wantContent(t, b, "o.gz", "as if it were gzip")
	if got, err := read(t.Context(), b, "o.gz", 0, 6, 2); got != "it" {
		t.Errorf("a range: %q, error %v", got, err)
	}
	if o, err := b.Stat(t.Context(), "o.gz", 0); err != nil || o.ContentEncoding != "gzip" {
		t.Errorf("object %+v, error %v", o, err)
	}
}
