package storage_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	gcs "cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"orderflow.dev/local/storage"
)

// TestOfficialClient goes through what the contract of internal/platform/bucket does not: other ways to name the server,
// reads by JSON, uploads without chunks, buckets and metadata.
func TestOfficialClient(t *testing.T) {
	b := start(t, storage.Options{})
	for name, host := range map[string]string{"URL": b.url, "host and port": strings.TrimPrefix(b.url, "http://")} {
		for reads, options := range map[string][]option.ClientOption{"XML": nil, "JSON": {gcs.WithJSONReads()}} {
			t.Run(name+", "+reads, func(t *testing.T) {
				t.Setenv("STORAGE_EMULATOR_HOST", host)
				client, err := gcs.NewClient(t.Context(), options...)
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				roundTrip(t, client.Bucket("client-bucket"))
			})
		}
	}
}

func roundTrip(t *testing.T, bucket *gcs.BucketHandle) {
	ctx := t.Context()
	must(t, bucket.Create(ctx, "p", nil))
	o := bucket.Object("dir/é o")
	for _, chunkSize := range []int{0, 256 << 10, 16 << 20} {
		content := strings.Repeat("x", 600<<10)
		w := o.NewWriter(ctx)
		w.ChunkSize = chunkSize
		_, err := io.WriteString(w, content)
		must(t, errors.Join(err, w.Close()))
		r, err := o.NewReader(ctx)
		must(t, err)
		got, err := io.ReadAll(r)
		if string(got) != content || err != nil || r.Attrs.Generation != w.Attrs().Generation || r.Attrs.ContentType != w.Attrs().ContentType {
			t.Errorf("chunks of %d: read %d bytes, %+v, error %v", chunkSize, len(got), r.Attrs, err)
		}
	}
	r, err := o.NewRangeReader(ctx, -3, -1)
	must(t, err)
	if got, err := io.ReadAll(r); string(got) != "xxx" || r.Attrs.Size != 600<<10 || err != nil {
		t.Errorf("the last bytes: %q of %d, error %v", got, r.Attrs.Size, err)
	}
	updated, err := o.Update(ctx, gcs.ObjectAttrsToUpdate{ContentType: "text/csv", Metadata: map[string]string{"k": "v"}})
	must(t, err)
	if updated.ContentType != "text/csv" || updated.Metadata["k"] != "v" || updated.Metageneration != 2 {
		t.Errorf("updated %+v", updated)
	}
	wantStatus(t, o.If(gcs.Conditions{GenerationMatch: 1}).Delete(ctx), http.StatusPreconditionFailed)
	it := bucket.Objects(ctx, &gcs.Query{Delimiter: "/"})
	if a, err := it.Next(); err != nil || a.Prefix != "dir/" {
		t.Errorf("listed %+v, error %v", a, err)
	}
	if _, err := it.Next(); !errors.Is(err, iterator.Done) {
		t.Errorf("listed more: %v", err)
	}
	wantStatus(t, bucket.Delete(ctx), http.StatusConflict)
	must(t, o.Delete(ctx))
	if _, err := o.NewReader(ctx); !errors.Is(err, gcs.ErrObjectNotExist) {
		t.Errorf("read what is deleted: %v", err)
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond) // it tries what is not implemented until then
	defer cancel()
	_, err = bucket.Object("o").ACL().List(short)
	wantStatus(t, err, http.StatusNotImplemented)
	must(t, bucket.Delete(ctx))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantStatus(t *testing.T, err error, want int) {
	t.Helper()
	if answer, ok := errors.AsType[*googleapi.Error](err); !ok || answer.Code != want {
		t.Errorf("error %v, want status %d", err, want)
	}
}
