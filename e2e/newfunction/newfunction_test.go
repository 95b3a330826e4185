// Package newfunction adds a function to a copy of this tree: a folder, and nothing else.
package newfunction

import (
	"bufio"
	"context"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"orderflow.dev/local/child"
)

const repository = "../.."

// TestAFolderIsAllThatAFunctionTakes runs a copy of the tree with one more function, which is get-order under another name
// and path, and asks it through the gateway. That it is bundled is tested by scripts/bundle, that it is planned, routed and
// on the dashboard by terraform/check.
func TestAFolderIsAllThatAFunctionTakes(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	copyTree(t, root)
	addFunction(t, root)
	run(t, root, "go", "generate", "./local/stack")
	run(t, root, "go", "build", "-o", "orderflow", "./cmd/orderflow")
	gateway := up(t, filepath.Join(root, "orderflow"))
	resp, err := http.Get(gateway + "/v1/looks/x")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || !strings.Contains(string(body), "missing_token") {
		t.Errorf("the new function answered %s, %s, error %v: want its own refusal of a request without a token", resp.Status, body, err)
	}
}

// copyTree copies what is built.
func copyTree(t *testing.T, to string) {
	t.Helper()
	from := os.DirFS(repository)
	err := fs.WalkDir(from, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (path == ".git" || path == "bin" || path == "dist" || d.Name() == ".terraform" || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, path), 0o755)
		case strings.HasSuffix(path, "_test.go") || !d.Type().IsRegular():
			return nil
		}
		data, err := fs.ReadFile(from, path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func addFunction(t *testing.T, root string) {
	t.Helper()
	rename := strings.NewReplacer("getorder", "lookorder", "get-order", "look-order", "/v1/orders/", "/v1/looks/")
	to := filepath.Join(root, "functions/orders/look-order")
	if err := os.MkdirAll(to, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"function.go", "function.yaml"} {
		data, err := os.ReadFile(filepath.Join(repository, "functions/orders/get-order", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), []byte(rename.Replace(string(data))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

var gatewayLine = regexp.MustCompile(`^Gateway +(http://\S+)`)

// up runs the stack until the test ends, and answers where its gateway is.
func up(t *testing.T, program string) string {
	t.Helper()
	cmd := exec.Command(program, "up", "--quiet")
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+t.TempDir()) // no other command finds this stack
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	ended, err := child.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT) // it may have ended
		<-ended
	})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	found := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if m := gatewayLine.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
			}
		}
		found <- ""
	}()
	select {
	case gateway := <-found:
		if gateway == "" {
			t.Fatalf("%s ended before it was ready", program)
		}
		return gateway
	case <-ctx.Done():
		t.Fatal("the stack is not ready")
	}
	return ""
}
