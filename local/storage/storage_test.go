package storage_test

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/storage"
)

func crc32c(content string) string {
	sum := crc32.Checksum([]byte(content), crc32.MakeTable(crc32.Castagnoli))
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

func md5Hash(content string) string {
	sum := md5.Sum([]byte(content))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func TestEveryWayInKeepsContentAndMetadata(t *testing.T) {
	t.Parallel()
	b := start(t, storage.Options{})
	metadata := `{"name":"o","contentType":"text/csv","contentEncoding":"x","contentDisposition":"inline","metadata":{"k":"v"},
		"crc32c":"` + crc32c("content") + `","md5Hash":"` + md5Hash("content") + `","acl":[],"eventBasedHold":false,"storageClass":"STANDARD"}`
	body, contentType := multipart(metadata, "content")
	got := b.ask("POST", "/upload/storage/v1/b/bucket/o?uploadType=multipart", body, "Content-Type", contentType).resource(t)
	want := resource{
		Kind: "storage#object", Bucket: "bucket", Name: "o", Size: "7", Generation: got.Generation, Metageneration: "1", ContentType: "text/csv",
		ContentEncoding: "x", ContentDisposition: "inline", CRC32C: crc32c("content"), MD5Hash: md5Hash("content"),
		TimeCreated: got.TimeCreated, Updated: got.TimeCreated, ETag: got.ETag, Metadata: map[string]string{"k": "v"},
	}
	if diff := cmp.Diff(want, got); diff != "" || got.ETag == "" || got.TimeCreated == "" {
		t.Errorf("resource (-want +got):\n%s", diff)
	}
	location := b.ask("POST", "/upload/storage/v1/b/bucket/o?uploadType=resumable", metadata).header.Get("Location")
	resumed := b.ask("PUT", location, "content").resource(t)
	want.Generation, want.TimeCreated, want.Updated, want.ETag = resumed.Generation, resumed.TimeCreated, resumed.Updated, resumed.ETag
	if diff := cmp.Diff(want, resumed); diff != "" || resumed.Generation <= got.Generation {
		t.Errorf("resumable (-want +got):\n%s", diff)
	}
	media := b.ask("POST", "/upload/storage/v1/b/bucket/o?uploadType=media&name=m&contentEncoding=y", "content").resource(t)
	if media.ContentType != "application/octet-stream" || media.ContentEncoding != "y" || media.MD5Hash != md5Hash("content") {
		t.Errorf("media %+v", media)
	}
}

func TestMetadataIsPatchedOrReplaced(t *testing.T) {
	t.Parallel()
	b := start(t, storage.Options{})
	before := b.put("o", "x")
	patched := b.ask("PATCH", objectPath("o"), `{"bucket":"bucket","contentDisposition":"inline","metadata":{"a":"1","b":"2"}}`).resource(t)
	if patched.Metageneration != "2" || patched.Generation != before.Generation || patched.ContentType != "text/plain" || patched.ETag == before.ETag {
		t.Errorf("patched %+v", patched)
	}
	patched = b.ask("PATCH", objectPath("o"), `{"contentDisposition":null,"metadata":{"a":null,"c":"3"}}`).resource(t)
	if patched.Metageneration != "3" || patched.ContentDisposition != "" || !cmp.Equal(patched.Metadata, map[string]string{"b": "2", "c": "3"}) {
		t.Errorf("patched %+v", patched)
	}
	updated := b.ask("PUT", objectPath("o"), `{"kind":"storage#object","generation":"1","contentType":"text/csv"}`).resource(t)
	if updated.ContentType != "text/csv" || updated.Metadata != nil || updated.Generation != before.Generation {
		t.Errorf("updated %+v", updated)
	}
	b.want("a hold", b.ask("PATCH", objectPath("o"), `{"temporaryHold":true}`), 501, "temporaryHold")
	b.want("no JSON", b.ask("PATCH", objectPath("o"), `x`), 400, "no JSON")
	b.want("no text", b.ask("PATCH", objectPath("o"), `{"contentType":5}`), 400, "metadata")
	b.want("too much", b.ask("PATCH", objectPath("o"), `{"metadata":{"k":"`+strings.Repeat("x", 8<<10)+`"}}`), 400, "larger than")
}

func TestList(t *testing.T) {
	t.Parallel()
	b := start(t, storage.Options{})
	for _, name := range []string{"a", "d%2F1", "d%2F2", "d%2Fe%2F3", "d0", "f%2F1", "g"} {
		b.put(name, "x")
	}
	for _, c := range []struct{ query, want string }{
		{"", "a d/1 d/2 d/e/3 d0 f/1 g"}, {"prefix=d/", "d/1 d/2 d/e/3"}, {"delimiter=/", "a d0 g | d/ f/"},
		{"prefix=d/&delimiter=/", "d/1 d/2 | d/e/"}, {"startOffset=d/2", "d/2 d/e/3 d0 f/1 g"}, {"endOffset=d/2", "a d/1"},
		{"startOffset=d/2&endOffset=g&delimiter=/", "d0 | d/ f/"}, {"prefix=x", ""}, {"prefix=d&startOffset=e", ""}, {"versions=false&matchGlob=", "a d/1 d/2 d/e/3 d0 f/1 g"},
	} {
		for _, limit := range []int{1, 2, 3, 100} {
			if got := listed(t, b, c.query, limit); got != c.want {
				t.Errorf("%s by %d: %q, want %q", c.query, limit, got, c.want)
			}
		}
	}
	b.want("a strange token", b.ask("GET", "/storage/v1/b/bucket/o?pageToken=!", ""), 400, "pageToken")
}

// listed are the names of all pages, and the prefixes.
func listed(t *testing.T, b *bench, query string, limit int) string {
	t.Helper()
	var names, prefixes []string
	for token := ""; ; {
		a := b.ask("GET", fmt.Sprintf("/storage/v1/b/bucket/o?%s&maxResults=%d&pageToken=%s", query, limit, token), "")
		var p struct {
			Items         []resource
			Prefixes      []string
			NextPageToken string
		}
		a.decode(t, &p)
		if n := len(p.Items) + len(p.Prefixes); n > limit {
			t.Errorf("a page of %d", n)
		}
		for _, o := range p.Items {
			names = append(names, o.Name)
		}
		prefixes = append(prefixes, p.Prefixes...)
		if token = p.NextPageToken; token == "" {
			break
		}
	}
	if len(prefixes) > 0 {
		names = append(append(names, "|"), prefixes...)
	}
	return strings.Join(names, " ")
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	b := start(t, storage.Options{})
	b.want("create", b.ask("POST", "/storage/v1/b?project=p", `{"name":"new-bucket","location":"EU"}`), 200, `"location":"EU"`)
	b.want("create again", b.ask("POST", "/storage/v1/b?project=p", `{"name":"new-bucket"}`), 409, "already exists")
	b.want("a bad name", b.ask("POST", "/storage/v1/b?project=p", `{"name":"New"}`), 400, "Invalid bucket name")
	b.want("with a life cycle", b.ask("POST", "/storage/v1/b?project=p", `{"name":"new-2","lifecycle":{}}`), 501, "lifecycle")
	b.want("get", b.ask("GET", "/storage/v1/b/new-bucket", ""), 200, `"storage#bucket"`)
	b.want("list", b.ask("GET", "/storage/v1/b?project=p", ""), 200, `"new-bucket"`)
	b.put("o", "x")
	b.want("delete a full one", b.ask("DELETE", "/storage/v1/b/bucket", ""), 409, "not empty")
	b.want("delete", b.ask("DELETE", "/storage/v1/b/new-bucket", ""), 204, "")
	b.restart()
	b.want("get after delete", b.ask("GET", "/storage/v1/b/new-bucket", ""), 404, "bucket does not exist")
}
