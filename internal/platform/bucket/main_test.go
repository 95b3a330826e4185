package bucket_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/bucket"
	"orderflow.dev/internal/platform/object"
	"orderflow.dev/local/storage"
)

// TestMain runs the tests against the local Cloud Storage, by the client's own environment variable.
func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// trouble comes between client and server: a test may have requests of its bucket fail.
var (
	server  *httptest.Server
	trouble atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
)

func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "object-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	st, err := storage.Open(storage.Options{Dir: dir})
	if err != nil {
		return 0, err
	}
	defer st.Close()
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := trouble.Load(); f == nil || !(*f)(w, r) {
			st.Handler().ServeHTTP(w, r)
		}
	}))
	defer server.Close()
	os.Setenv("STORAGE_EMULATOR_HOST", server.URL)
	return m.Run(), nil
}

var buckets atomic.Int64

// newBucket is a bucket of the test's own.
func newBucket(t *testing.T) *bucket.Bucket {
	t.Helper()
	name := fmt.Sprintf("bucket-%d", buckets.Add(1))
	resp, err := http.Post(server.URL+"/storage/v1/b?project=p", "application/json", strings.NewReader(`{"name":"`+name+`"}`))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("create bucket: %v, error %v", resp, err)
	}
	resp.Body.Close()
	return open(t, name)
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

func write(t *testing.T, w *bucket.Writer, content string) object.Object {
	t.Helper()
	defer w.Abort()
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.Object()
}

func create(t *testing.T, b *bucket.Bucket, name, content string) object.Object {
	t.Helper()
	return write(t, b.Create(t.Context(), name, "text/plain", nil), content)
}

func replace(t *testing.T, b *bucket.Bucket, name, content string) object.Object {
	t.Helper()
	return write(t, b.Replace(t.Context(), name, "text/plain", nil), content)
}

// read is the content of a generation, or why there is none.
func read(ctx context.Context, b *bucket.Bucket, name string, generation, offset, length int64) (string, error) {
	r, err := b.Read(ctx, name, generation, offset, length)
	if err != nil {
		return "", err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	return string(content), err
}

func wantContent(t *testing.T, b *bucket.Bucket, name, want string) {
	t.Helper()
	if got, err := read(t.Context(), b, name, 0, 0, -1); got != want {
		t.Errorf("%s has %d bytes, want %d; error %v", name, len(got), len(want), err)
	}
}

func wantCode(t *testing.T, what string, err error, want codes.Code) {
	t.Helper()
	if got := fault.Code(err); got != want {
		t.Errorf("%s: code %s, want %s; error %v", what, got, want, err)
	}
}
