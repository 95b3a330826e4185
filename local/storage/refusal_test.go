package storage_test

import (
	"fmt"
	"html"
	"net"
	"strings"
	"testing"

	"orderflow.dev/local/storage"
)

func TestWhatIsSentIsVerified(t *testing.T) {
	t.Parallel()
	b := start(t, storage.Options{})
	wrong := crc32c("other")
	for _, hash := range []string{"crc32c=" + wrong, "md5=" + md5Hash("other"), "crc32c=" + crc32c("x") + ",md5=" + md5Hash("other")} {
		b.want("media with "+hash, b.ask("POST", "/upload/storage/v1/b/bucket/o?uploadType=media&name=o", "x", "X-Goog-Hash", hash), 400, "doesn't match")
		location := b.ask("POST", "/upload/storage/v1/b/bucket/o?uploadType=resumable&name=o", "").header.Get("Location")
		b.want("resumable with "+hash, b.ask("PUT", location, "x", "X-Goog-Hash", hash), 400, "doesn't match")
		b.want("it is gone then", b.ask("PUT", location, "x"), 404, "begin another")
	}
	for _, field := range []string{`"crc32c":"` + wrong + `"`, `"md5Hash":"` + md5Hash("other") + `"`} {
		body, contentType := multipart(`{"name":"o",`+field+`}`, "x")
		b.want("multipart with "+field, b.ask("POST", "/upload/storage/v1/b/bucket/o?uploadType=multipart", body, "Content-Type", contentType), 400, "doesn't match")
	}
	b.want("a hash that is none", b.ask("POST", "/upload/storage/v1/b/bucket/o?uploadType=media&name=o", "x", "X-Goog-Hash", "sha1=x"), 501, "sha1")
	for name, path := range map[string]string{"none": "", "too long": strings.Repeat("x", 1025), "dots": "..", "lines": "a%0Ab", "no text": "%FF"} {
		b.want("a name: "+name, b.ask("POST", "/upload/storage/v1/b/bucket/o?uploadType=media&name="+path, "x"), 400, "")
	}
	b.want("nothing came of it", b.ask("GET", objectPath("o"), ""), 404, "")
	if b.files("data") != 0 || b.files("drafts") != 0 {
		t.Error("something is left in the folder")
	}
}

// TestUploadThatBreaksOff: Go's client closes the last part properly even when the caller gives up in the middle.
func TestUploadThatBreaksOff(t *testing.T) {
	t.Parallel()
	b := start(t, storage.Options{})
	body, contentType := multipart(`{"name":"o"}`, "x")
	for name, send := range map[string]string{
		"in the content":       fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body)+10, strings.Split(body, "x\r\n--sep--")[0]),
		"after the boundary":   fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body)+10, body),
		"without a last chunk": fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(body), body),
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /upload/storage/v1/b/bucket/o?uploadType=multipart HTTP/1.1\r\nHost: h\r\nContent-Type: %s\r\n%s", contentType, send)
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 12)
		_, _ = conn.Read(answer)
		conn.Close()
		if !strings.HasPrefix(string(answer), "HTTP/1.1 400") {
			t.Errorf("%s: %q", name, answer)
		}
	}
	b.want("nothing came of it", b.ask("GET", objectPath("o"), ""), 404, "")
}

func TestUnsupportedIsRefusedByName(t *testing.T) {
	t.Parallel()
	b := start(t, storage.Options{})
	b.put("o", "x")
	for _, c := range []struct{ method, path, header, says string }{
		{"GET", objectPath("o") + "?fields=name", "", "parameter fields"}, {"GET", objectPath("o") + "?softDeleted=true", "", "parameter softDeleted"},
		{"GET", "/storage/v1/b/bucket/o?versions=true", "", "parameter versions"}, {"GET", "/storage/v1/b/bucket/o?matchGlob=*", "", "parameter matchGlob"},
		{"GET", "/storage/v1/b/bucket/o?userProject=p", "", "parameter userProject"}, {"PATCH", "/storage/v1/b/bucket", "", "PATCH /storage/v1/b/bucket"},
		{"POST", "/upload/storage/v1/b/bucket/o?uploadType=media&name=o&predefinedAcl=private", "", "parameter predefinedAcl"},
		{"POST", "/upload/storage/v1/b/bucket/o?uploadType=other&name=o", "", `uploadType "other"`},
		{"POST", "/upload/storage/v1/b/bucket/o?uploadType=media&name=o", "Content-Encoding", "encoded with"},
		{"POST", "/upload/storage/v1/b/bucket/o?uploadType=media&name=o", "X-Goog-Encryption-Key", "header X-Goog-Encryption-Key"},
		{"DELETE", objectPath("o"), "If-Match", "If-Match"}, {"POST", objectPath("o") + "/moveTo/o/p", "", "moveTo"}, {"GET", objectPath("o") + "/acl", "", "/acl"},
		{"GET", "/storage/v1/b/bucket/iam", "", "/iam"}, {"POST", "/storage/v1/b/bucket/notificationConfigs", "", "notificationConfigs"},
		{"POST", "/batch/storage/v1", "", "/batch/storage/v1"}, {"PUT", "/bucket/o", "", "PUT /bucket/o of the XML API"}, {"GET", "/bucket", "", "GET /bucket of the XML API"},
		{"GET", "/bucket/o?X-Goog-Signature=x", "", "parameter X-Goog-Signature"}, {"GET", "/", "", "XML API"},
	} {
		var headers []string
		if c.header != "" {
			headers = []string{c.header, "x"}
		}
		a := b.ask(c.method, c.path, "", headers...)
		a.body = html.UnescapeString(strings.ReplaceAll(a.body, `\"`, `"`)) // JSON's escapes, and XML's
		b.want(c.method+" "+c.path, a, 501, "the local storage server does not support")
		b.want(c.method+" "+c.path, a, 501, c.says)
	}
}
