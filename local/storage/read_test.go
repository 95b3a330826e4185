package storage_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/storage"
)

func TestReads(t *testing.T) {
	t.Parallel()
	b := start(t, storage.Options{})
	o := b.put("a%2Fb", "0123456789")
	for _, path := range []string{objectPath("a%2Fb") + "?alt=media", "/download" + objectPath("a%2Fb") + "?alt=media", "/bucket/a%2Fb", "/bucket/a/b", "/bucket/a/b?generation=" + o.Generation} {
		for _, c := range []struct {
			rang, want, contentRange string
			status                   int
		}{
			{"", "0123456789", "", 200}, {"bytes=2-4", "234", "bytes 2-4/10", 206}, {"bytes=8-", "89", "bytes 8-9/10", 206},
			{"bytes=-3", "789", "bytes 7-9/10", 206}, {"bytes=-30", "0123456789", "bytes 0-9/10", 206},
			{"bytes=5-99", "56789", "bytes 5-9/10", 206}, {"bytes=10-", "", "bytes */10", 416},
		} {
			a := b.ask("GET", path, "", "Range", c.rang)
			if a.status != c.status || c.status != 416 && a.body != c.want || a.header.Get("Content-Range") != c.contentRange {
				t.Errorf("%s, range %q: %d %q of %q", path, c.rang, a.status, a.body, a.header.Get("Content-Range"))
			}
			if h := a.header; h.Get("X-Goog-Generation") != o.Generation || h.Get("X-Goog-Metageneration") != "1" ||
				!cmp.Equal(h.Values("X-Goog-Hash"), []string{"crc32c=" + o.CRC32C, "md5=" + o.MD5Hash}) {
				t.Errorf("%s, range %q: header %v", path, c.rang, h)
			}
		}
	}
	b.want("several ranges", b.ask("GET", "/bucket/a/b", "", "Range", "bytes=0-1,3-4"), 501, "several ranges")
	head := b.ask("HEAD", "/bucket/a/b", "")
	if head.status != 200 || head.header.Get("Content-Length") != "10" || head.body != "" {
		t.Errorf("HEAD: %+v", head)
	}
}

func TestCompressedContentIsForThoseWhoTakeIt(t *testing.T) {
	t.Parallel()
	zipped := strings.Repeat("as if it were gzip", 1000)
	b := start(t, storage.Options{})
	b.ask("POST", "/upload/storage/v1/b/bucket/o?uploadType=media&name=o&contentEncoding=gzip", zipped).resource(t)
	a := b.ask("GET", "/bucket/o", "", "Accept-Encoding", "gzip")
	if a.body != zipped || a.header.Get("Content-Encoding") != "gzip" || a.header.Get("Content-Length") != strconv.Itoa(len(zipped)) {
		t.Errorf("answer %+v", a)
	}
	b.want("without gzip", b.ask("GET", "/bucket/o", "", "Accept-Encoding", "identity"), 501, "decompressive transcoding")
	b.ask("PATCH", objectPath("o"), `{"cacheControl":"no-transform"}`).resource(t)
	b.want("not to be transformed", b.ask("GET", "/bucket/o", "", "Accept-Encoding", "identity"), 200, zipped)
}

func TestWhatIsNotThere(t *testing.T) {
	t.Parallel()
	b := start(t, storage.Options{})
	a := b.ask("GET", objectPath("none"), "")
	want := `{"error":{"code":404,"message":"No such object: bucket/none","errors":[{"domain":"global","reason":"notFound","message":"No such object: bucket/none"}]}}`
	if a.status != 404 || strings.TrimSpace(a.body) != want || !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
		t.Errorf("answer %+v", a)
	}
	o := b.put("o", "x")
	for _, c := range []struct{ method, path string }{
		{"GET", objectPath("none") + "?alt=media"}, {"PATCH", objectPath("none")}, {"PUT", objectPath("none")}, {"DELETE", objectPath("none")},
		{"GET", objectPath("o") + "?generation=1"}, {"PATCH", objectPath("o") + "?generation=1"}, {"DELETE", objectPath("o") + "?generation=1"},
		{"GET", "/storage/v1/b/none/o"}, {"GET", "/storage/v1/b/none"}, {"DELETE", "/storage/v1/b/none"}, {"GET", "/storage/v1/b/none/o/o"},
		{"POST", "/upload/storage/v1/b/none/o?uploadType=media&name=o"}, {"POST", "/upload/storage/v1/b/none/o?uploadType=resumable&name=o"},
		{"PUT", "/upload/storage/v1/b/bucket/o?upload_id=none"}, {"PUT", "/upload/storage/v1/b/bucket/o?upload_id=../journal"},
		{"DELETE", "/upload/storage/v1/b/bucket/o?upload_id=none"},
		{"POST", objectPath("none") + "/rewriteTo/b/other/o/o"}, {"POST", objectPath("o") + "/rewriteTo/b/none/o/o"},
		{"POST", objectPath("o") + "/copyTo/b/other/o/o?sourceGeneration=1"},
	} {
		b.want(c.method+" "+c.path, b.ask(c.method, c.path, ""), 404, `"notFound"`)
	}
	b.want("XML", b.ask("GET", "/bucket/none", ""), 404, "<Error><Code>NoSuchKey</Code>")
	if diff := cmp.Diff(o, b.stat("o")); diff != "" {
		t.Errorf("another was changed (-before +after):\n%s", diff)
	}
}
