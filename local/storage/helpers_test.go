package storage_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"orderflow.dev/local/storage"
)

// bench is a server on a folder, that can be started anew at the same address.
type bench struct {
	t       *testing.T
	url     string
	options storage.Options
	server  atomic.Pointer[storage.Server]
}

func start(t *testing.T, o storage.Options) *bench {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	o.Buckets = append(o.Buckets, "bucket", "other")
	b := &bench{t: t, options: o}
	b.open()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.server.Load().Handler().ServeHTTP(w, r) }))
	b.url = srv.URL
	t.Cleanup(func() { srv.Close(); b.server.Load().Close() })
	return b
}

func (b *bench) open() {
	b.t.Helper()
	s, err := storage.Open(b.options)
	if err != nil {
		b.t.Fatal(err)
	}
	b.server.Store(s)
}

// restart is what a killed process does: the new server finds what is in the files.
func (b *bench) restart() {
	b.t.Helper()
	b.server.Load().Close()
	b.open()
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// resource is the body as an object.
func (a answer) resource(t *testing.T) (o resource) {
	t.Helper()
	a.decode(t, &o)
	return o
}

func (a answer) decode(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil || a.status != http.StatusOK {
		t.Fatalf("answer %d %s: %v", a.status, a.body, err)
	}
}

type resource struct {
	Bucket, Name, Size, Generation, Metageneration    string
	ContentType, ContentEncoding, ContentDisposition  string
	CRC32C, MD5Hash, TimeCreated, Updated, ETag, Kind string
	ComponentCount                                    int
	Metadata                                          map[string]string
}

// ask sends a request; headers are name, value, name, value.
func (b *bench) ask(method, path, body string, headers ...string) answer {
	b.t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.absolute(path), content)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

func (b *bench) absolute(path string) string {
	if strings.HasPrefix(path, "http://") {
		return path
	}
	return b.url + path
}

// put uploads an object in one request.
func (b *bench) put(name, content string) resource {
	b.t.Helper()
	return b.ask("POST", "/upload/storage/v1/b/bucket/o?uploadType=media&name="+name, content, "Content-Type", "text/plain").resource(b.t)
}

func (b *bench) stat(name string) resource {
	b.t.Helper()
	return b.ask("GET", objectPath(name), "").resource(b.t)
}

func objectPath(name string) string { return "/storage/v1/b/bucket/o/" + name }

// multipart is a body of metadata and content, and its content type.
func multipart(metadata, content string) (body, contentType string) {
	body = fmt.Sprintf("--sep\r\nContent-Type: application/json\r\n\r\n%s\r\n--sep\r\nContent-Type: text/csv\r\n\r\n%s\r\n--sep--\r\n", metadata, content)
	return body, "multipart/related; boundary=sep"
}

func (b *bench) want(what string, a answer, status int, says string) {
	b.t.Helper()
	if a.status != status || !strings.Contains(a.body, says) {
		b.t.Errorf("%s: answer %d %s, want %d that says %q", what, a.status, a.body, status, says)
	}
}

// files are how many there are in a folder of the server's.
func (b *bench) files(dir string) int {
	b.t.Helper()
	entries, err := os.ReadDir(b.options.Dir + "/" + dir)
	if err != nil {
		b.t.Fatal(err)
	}
	return len(entries)
}
