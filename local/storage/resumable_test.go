package storage_test

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/storage"
)

const unit = 256 << 10

func (b *bench) begin(metadata string, headers ...string) (location string) {
	b.t.Helper()
	a := b.ask("POST", "/upload/storage/v1/b/bucket/o?uploadType=resumable&name=o", metadata, headers...)
	if a.status != 200 {
		b.t.Fatalf("begin: %d %s", a.status, a.body)
	}
	return a.header.Get("Location")
}

func (b *bench) chunk(location, content, contentRange string) answer {
	b.t.Helper()
	return b.ask("PUT", location, content, "Content-Range", contentRange)
}

// wantThere is the answer that so many bytes are there and more are to come.
func (b *bench) wantThere(what string, a answer, n int) {
	b.t.Helper()
	want := ""
	if n > 0 {
		want = fmt.Sprintf("bytes=0-%d", n-1)
	}
	if a.status != 308 || a.header.Get("Range") != want {
		b.t.Errorf("%s: answer %d %s, range %q, want 308 and %q", what, a.status, a.body, a.header.Get("Range"), want)
	}
}

// TestResumableThroughTrouble interrupts an upload in every way, and it is whole.
func TestResumableThroughTrouble(t *testing.T) {
	t.Parallel()
	b := start(t, storage.Options{})
	all := strings.Repeat("abcdefgh", 3*unit/8) + "end"
	at := b.begin(`{"contentType":"text/csv","metadata":{"k":"v"}}`)
	b.wantThere("at first", b.chunk(at, "", "bytes */*"), 0)
	b.wantThere("a chunk of unknown total", b.chunk(at, all[:unit], fmt.Sprintf("bytes 0-%d/*", unit-1)), unit)
	b.wantThere("the same again", b.chunk(at, all[:unit], fmt.Sprintf("bytes 0-%d/*", unit-1)), unit)
	b.restart()
	b.wantThere("after a restart", b.chunk(at, "", "bytes */*"), unit)
	b.wantThere("of known total", b.chunk(at, "", fmt.Sprintf("bytes */%d", len(all))), unit)

	breakOff(t, at, all[unit:2*unit], 1000, fmt.Sprintf("bytes %d-%d/*", unit, 2*unit-1))
	for deadline := time.Now().Add(10 * time.Second); ; {
		if a := b.chunk(at, "", "bytes */*"); a.header.Get("Range") == fmt.Sprintf("bytes=0-%d", unit+999) {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("after a chunk that broke off: %+v", a)
		}
	}
	b.wantThere("the chunk again", b.chunk(at, all[unit:2*unit], fmt.Sprintf("bytes %d-%d/*", unit, 2*unit-1)), 2*unit)
	b.want("not there yet", b.ask("GET", objectPath("o"), ""), 404, "")
	b.restart()
	last := fmt.Sprintf("bytes %d-%d/%d", 2*unit, len(all)-1, len(all))
	o := b.chunk(at, all[2*unit:], last).resource(t)
	if o.CRC32C != crc32c(all) || o.MD5Hash != md5Hash(all) || o.ContentType != "text/csv" || o.Metadata["k"] != "v" {
		t.Errorf("object %+v", o)
	}
	b.restart()
	b.restart() // the second reads the journal that the first wrote
	for what, a := range map[string]answer{"the last chunk again": b.chunk(at, all[2*unit:], last), "a question": b.chunk(at, "", "bytes */*")} {
		if diff := cmp.Diff(o, a.resource(t)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	b.want("content", b.ask("GET", "/bucket/o", ""), 200, all)
	if n := b.files("drafts"); n != 0 {
		t.Errorf("%d drafts are left", n)
	}
}

// breakOff sends the first n bytes of a chunk and closes the connection.
func breakOff(t *testing.T, location, content string, n int, contentRange string) {
	t.Helper()
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nContent-Range: %s\r\n\r\n%s", u.RequestURI(), u.Host, len(content), contentRange, content[:n])
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadAll(conn)
}

func TestChunksThatAreNone(t *testing.T) {
	t.Parallel()
	b := start(t, storage.Options{})
	at := b.begin("")
	b.wantThere("a chunk", b.chunk(at, strings.Repeat("x", unit), fmt.Sprintf("bytes 0-%d/*", unit-1)), unit)
	for contentRange, says := range map[string]string{
		"bytes 262144-262145/*": "multiple of 262144", "bytes 300000-300001/300002": "262144 bytes are there", "bytes 262144-262144/262145": "Content-Length 2",
		"bytes 262145-262144/*": "ends before it begins", "bytes 262144-262145/262145": "after the total", "bytes */5": "bytes are there", "items 0-1/2": "Content-Range is",
	} {
		content := "xx"
		if contentRange == "bytes */5" {
			content = ""
		}
		b.want(contentRange, b.chunk(at, content, contentRange), 400, says)
	}
	if o := b.chunk(at, "", fmt.Sprintf("bytes */%d", unit)).resource(t); o.Size != fmt.Sprint(unit) { // how Go's client ends an upload of whole chunks
		t.Errorf("object %+v", o)
	}
	at = b.begin("", "X-Upload-Content-Length", "5")
	b.want("another length than announced", b.chunk(at, "xx", "bytes 0-1/2"), 400, "announced 5 bytes, 2 came")
	at = b.begin("")
	b.want("by another path", b.chunk(strings.Replace(at, "upload_id=", "upload_id=../drafts/", 1), "", "bytes */*"), 404, "begin another")
	a := b.ask("POST", at, strings.Repeat("x", unit), "Content-Range", fmt.Sprintf("bytes 0-%d/*", unit-1), "X-GUploader-No-308", "yes")
	if a.status != 200 || a.header.Get("X-Http-Status-Code-Override") != "308" || a.header.Get("Range") != "bytes=0-262143" {
		t.Errorf("for a client without 308: %+v", a)
	}
	b.want("cancelled", b.ask("DELETE", at, ""), 499, "")
	b.want("after that", b.chunk(at, "", "bytes */*"), 404, "begin another")
}

func TestResumableIsHeldToItsPreconditionsAtTheEnd(t *testing.T) {
	t.Parallel()
	b := start(t, storage.Options{})
	a := b.ask("POST", "/upload/storage/v1/b/bucket/o?uploadType=resumable&name=o&ifGenerationMatch=0", "")
	b.put("o", "first")
	b.restart()
	b.want("the end", b.ask("PUT", a.header.Get("Location"), "second"), 412, "conditionNotMet")
	b.want("what is there", b.ask("GET", "/bucket/o", ""), 200, "first")
}
