package cloudtest

import (
	"context"
	"io"
	"net/http"
	"os"
	"testing"

	"orderflow.dev/internal/archive"
	"orderflow.dev/internal/platform/bucket"
	"orderflow.dev/internal/platform/object"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/storage"
)

// Storage is a Preparation: it starts Cloud Storage with a project's buckets, whose events go nowhere.
func Storage(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "cloudtest-")
	if err != nil {
		return err
	}
	dirs = append(dirs, dir)
	o := storage.Options{Dir: dir}
	o.Buckets = []string{unit.BucketName(project, archive.Bucket)}
	for _, b := range unit.Buckets {
		o.Buckets = append(o.Buckets, unit.BucketName(project, b))
		os.Setenv(unit.BucketEnvName(b), unit.BucketName(project, b))
	}
	server, err := storage.Open(o)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { server.Close() })
	url, err := serve(ctx, func(string) (http.Handler, error) { return server.Handler(), nil })
	os.Setenv("STORAGE_EMULATOR_HOST", url)
	return err
}

// Bucket opens one of the project's buckets: uploads, reports, archive.
func Bucket(t testing.TB, name string) *bucket.Bucket {
	t.Helper()
	b, err := bucket.Open(context.WithoutCancel(t.Context()), unit.BucketName(project, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// Upload writes an object to the bucket of uploads.
func Upload(t testing.TB, name, text string) object.Object {
	t.Helper()
	w := Bucket(t, "uploads").Replace(t.Context(), name, "text/csv", nil)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.Object()
}
