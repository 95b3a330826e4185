package iam_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"orderflow.dev/internal/unit"
	"orderflow.dev/local/cloudtest"
	"orderflow.dev/local/iam"
)

func TestABucketThatMayBeRead(t *testing.T) {
	kept := cloudtest.Upload(t, cloudtest.NewID()+"/a b.csv", "text")
	g := behind(t, unit.Unit{Buckets: map[string]unit.Access{"uploads": "read"}})
	uploads, reports := cloudtest.Bucket(t, "uploads"), cloudtest.Bucket(t, "reports")
	r, err := uploads.Read(t.Context(), kept.Name, kept.Generation, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if text, err := io.ReadAll(r); string(text) != "text" || err != nil {
		t.Errorf("read %q, error %v", text, err)
	}
	if _, err := uploads.Stat(t.Context(), kept.Name, 0); err != nil {
		t.Error(err)
	}
	if found, _, err := uploads.List(t.Context(), "", "", 10); err != nil || len(found) == 0 {
		t.Errorf("list %v, error %v", found, err)
	}
	may := func(permission string) string {
		return "some-function@" + cloudtest.Project() + ".iam.gserviceaccount.com does not have storage.objects." + permission + " access"
	}
	const missing = "buckets: {uploads: write}"
	w := uploads.Create(t.Context(), cloudtest.NewID(), "text/csv", nil)
	_, _ = io.WriteString(w, "x") // Close says it
	refused(t, "write", w.Close(), may("create"), missing)
	refused(t, "delete", uploads.Delete(t.Context(), kept.Name, kept.Generation), may("delete"), missing)
	_, err = uploads.Copy(t.Context(), kept.Name, kept.Generation, uploads, cloudtest.NewID())
	refused(t, "copy", err, may("create"), missing)
	_, err = reports.Stat(t.Context(), "none", 0)
	refused(t, "another bucket", err, may("get"), "buckets: {reports: read}")
	_, err = reports.Read(t.Context(), "none", 0, 0, -1)
	refused(t, "another bucket's content", err, may("get"), "buckets: {reports: read}")
	same(t, "used", []iam.Grant{{"buckets", "uploads", "read"}}, g.Used())
}

// TestABucketThatMayBeWritten also uploads in more than one request.
func TestABucketThatMayBeWritten(t *testing.T) {
	g := behind(t, unit.Unit{Buckets: map[string]unit.Access{"uploads": "write"}})
	uploads := cloudtest.Bucket(t, "uploads")
	content := bytes.Repeat([]byte("0123456789abcdef"), 5<<20/4)
	w := uploads.Create(t.Context(), cloudtest.NewID(), "text/csv", nil)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	o := w.Object()
	if o.Size != int64(len(content)) {
		t.Errorf("%d bytes arrived, want %d", o.Size, len(content))
	}
	there, err := uploads.Copy(t.Context(), o.Name, o.Generation, uploads, cloudtest.NewID())
	if err != nil {
		t.Fatal(err)
	}
	for name, generation := range map[string]int64{o.Name: o.Generation, there.Name: there.Generation} {
		if err := uploads.Delete(t.Context(), name, generation); err != nil {
			t.Error(err)
		}
	}
	same(t, "used", []iam.Grant{{"buckets", "uploads", "read"}, {"buckets", "uploads", "write"}}, g.Used())
	if d := g.Denied(); len(d) > 0 {
		t.Errorf("denied %v", d)
	}
}

// TestAnUploadIsContinuedWhereItBegan: the address of its later requests is the answer of the first.
func TestAnUploadIsContinuedWhereItBegan(t *testing.T) {
	behind(t, unit.Unit{Buckets: map[string]unit.Access{"uploads": "write"}})
	guard := os.Getenv("STORAGE_EMULATOR_HOST")
	url := guard + "/upload/storage/v1/b/" + unit.BucketName(cloudtest.Project(), "uploads") + "/o?uploadType=resumable&name=x"
	resp, err := http.Post(url, "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if session := resp.Header.Get("Location"); !strings.HasPrefix(session, guard+"/") {
		t.Errorf("%s, and it goes on at %q, past the guard at %s", resp.Status, session, guard)
	}
}

// TestWhatNoFileGrants is refused whatever is declared: a bucket's settings, other projects' buckets, and paths that look
// like another API's.
func TestWhatNoFileGrants(t *testing.T) {
	behind(t, unit.Unit{Buckets: map[string]unit.Access{"uploads": "write"}})
	bucket := unit.BucketName(cloudtest.Project(), "uploads")
	for _, request := range []string{
		"GET /storage/v1/b/" + bucket, "DELETE /storage/v1/b/" + bucket, "GET /storage/v1/b", "POST /storage/v1/b",
		"GET /storage/v1/b/" + bucket + "/iam", "POST /batch/storage/v1", "GET /others/o", "GET /reports/storage/v1/b/" + bucket + "/o/x",
		"POST /storage/v1/b/" + bucket + "/o/a/rewriteTo/b/others/o/a", "POST /storage/v1/b/others/o/a/copyTo/b/" + bucket + "/o/a",
	} {
		method, path, _ := strings.Cut(request, " ")
		r, err := http.NewRequestWithContext(t.Context(), method, os.Getenv("STORAGE_EMULATOR_HOST")+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s, want 403", request, resp.Status)
		}
	}
}
