package storage

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// power knows what a loss of power leaves: of files the content that was synced last, of folders the entries.
type power struct {
	mu      sync.Mutex
	files   []syncedFile
	folders map[string][]entry // by path
}

type syncedFile struct {
	info    fs.FileInfo // which file it is, whatever its name
	content []byte
}

type entry struct {
	name string
	info fs.FileInfo
}

func (p *power) sync(f *os.File) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return p.syncFolder(f.Name())
	}
	content, err := os.ReadFile(f.Name())
	p.files = append(p.files, syncedFile{info, content})
	return err
}

func (p *power) syncFolder(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	p.folders[path] = nil
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return err
		}
		p.folders[path] = append(p.folders[path], entry{e.Name(), info})
	}
	return nil
}

// lost is what is left of a folder: the entries of folders never synced, and the content of files, are gone.
func (p *power) lost(t *testing.T, dir string) string {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	to := t.TempDir()
	for folder, entries := range p.folders {
		below, err := filepath.Rel(dir, folder)
		if err != nil || strings.HasPrefix(below, "..") {
			continue
		}
		for _, e := range entries {
			path := filepath.Join(to, below, e.name)
			if e.info.IsDir() {
				continue
			}
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, p.content(e.info), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return to
}

func (p *power) content(of fs.FileInfo) (content []byte) {
	for _, f := range p.files {
		if os.SameFile(f.info, of) {
			content = f.content
		}
	}
	return content
}

// afterPowerLoss does something and answers what a server finds that starts after a loss of power, right after the answer.
func afterPowerLoss(t *testing.T, do func(ask asker)) asker {
	t.Helper()
	p := &power{folders: map[string][]entry{}}
	o := Options{Dir: filepath.Join(t.TempDir(), "storage"), Buckets: []string{"bucket"}}
	before, err := open(o, p.sync)
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	if p.folders[filepath.Dir(o.Dir)] == nil {
		t.Error("the folder itself may be lost")
	}
	do(asker{t, before.Handler()})
	o.Dir = p.lost(t, o.Dir)
	after, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { after.Close() })
	return asker{t, after.Handler()}
}

// asker asks a server without a network.
type asker struct {
	t       *testing.T
	handler http.Handler
}

func (a asker) ask(method, target, body string, header ...string) *http.Response {
	a.t.Helper()
	r := httptest.NewRequestWithContext(a.t.Context(), method, target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	return w.Result()
}

// want asks and compares status and body.
func (a asker) want(status int, body, method, target, send string, header ...string) *http.Response {
	a.t.Helper()
	resp := a.ask(method, target, send, header...)
	var got strings.Builder
	if err := resp.Write(&got); err != nil {
		a.t.Fatal(err)
	}
	_, content, _ := strings.Cut(got.String(), "\r\n\r\n")
	if resp.StatusCode != status || body != "" && body != content {
		a.t.Errorf("%s %s: %d %q, want %d %q", method, target, resp.StatusCode, content, status, body)
	}
	return resp
}

const (
	media     = "/upload/storage/v1/b/bucket/o?uploadType=media&name="
	resumable = "/upload/storage/v1/b/bucket/o?uploadType=resumable&name="
)

func TestWhatIsAnsweredInDurableModeSurvivesALossOfPower(t *testing.T) {
	t.Parallel()
	after := afterPowerLoss(t, func(a asker) {
		for _, name := range []string{"kept", "replaced", "deleted", "described"} {
			a.want(200, "", "POST", media+name, "first")
		}
		a.want(200, "", "POST", media+"replaced", "second")
		a.want(204, "", "DELETE", "/storage/v1/b/bucket/o/deleted", "")
		a.want(200, "", "POST", "/storage/v1/b/bucket/o/kept/copyTo/b/bucket/o/copied", "")
		a.want(200, "", "PATCH", "/storage/v1/b/bucket/o/described", `{"metadata":{"k":"v"}}`)
	})
	after.want(200, "first", "GET", "/bucket/kept", "")
	after.want(200, "second", "GET", "/bucket/replaced", "")
	after.want(200, "first", "GET", "/bucket/copied", "")
	after.want(404, "", "GET", "/bucket/deleted", "")
	resp := after.want(200, "first", "GET", "/bucket/described", "")
	if diff := cmp.Diff("v", resp.Header.Get("X-Goog-Meta-K")); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
}

func TestAnsweredChunksOfAResumableUploadSurviveALossOfPower(t *testing.T) {
	t.Parallel()
	chunk := strings.Repeat("x", chunkUnit)
	var upload string
	after := afterPowerLoss(t, func(a asker) {
		upload = a.want(200, "", "POST", resumable+"o", "").Header.Get("Location")
		a.want(308, "", "PUT", upload, chunk, "Content-Range", fmt.Sprintf("bytes 0-%d/*", chunkUnit-1))
	})
	resp := after.want(308, "", "PUT", upload, "", "Content-Range", "bytes */*")
	if diff := cmp.Diff(fmt.Sprintf("bytes=0-%d", chunkUnit-1), resp.Header.Get("Range")); diff != "" {
		t.Errorf("range (-want +got):\n%s", diff)
	}
	after.want(200, "", "PUT", upload, "y", "Content-Range", fmt.Sprintf("bytes %d-%d/%d", chunkUnit, chunkUnit, chunkUnit+1))
	after.want(200, chunk+"y", "GET", "/bucket/o", "")
}

// TestARestartInDurableModeKeepsTheJournal: it is written anew at each start.
func TestARestartInDurableModeKeepsTheJournal(t *testing.T) {
	t.Parallel()
	p := &power{folders: map[string][]entry{}}
	o := Options{Dir: filepath.Join(t.TempDir(), "storage"), Buckets: []string{"bucket"}}
	for range 2 {
		s, err := open(o, p.sync)
		if err != nil {
			t.Fatal(err)
		}
		asker{t, s.Handler()}.want(200, "", "POST", media+"o", "content")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := open(o, p.sync)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	o.Dir = p.lost(t, o.Dir)
	after, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	asker{t, after.Handler()}.want(200, "content", "GET", "/bucket/o", "")
}

func TestADiskThatFailsRefusesTheChange(t *testing.T) {
	t.Parallel()
	left := 1000 // what is synced before the disk fails
	s, err := open(Options{Dir: filepath.Join(t.TempDir(), "storage"), Buckets: []string{"bucket"}}, func(*os.File) error {
		if left--; left < 0 {
			return os.ErrInvalid
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	a := asker{t, s.Handler()}
	a.want(200, "", "POST", media+"o", "content")
	for left = range 3 { // content, folder, journal
		a.want(500, "", "POST", media+"o", "other")
		a.want(200, "content", "GET", "/bucket/o", "")
	}
	left = 0
	a.want(500, "", "DELETE", "/storage/v1/b/bucket/o/o", "")
	a.want(200, "content", "GET", "/bucket/o", "")
}

func TestOptionsDurableSyncs(t *testing.T) {
	t.Parallel()
	for _, durable := range []bool{false, true} {
		s, err := Open(Options{Dir: t.TempDir(), Durable: durable})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.store.disk != nil; got != durable {
			t.Errorf("durable %v: waits for the disk: %v", durable, got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
