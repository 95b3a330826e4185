package function_test

import (
	"bufio"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const wantServe = "TEST_SERVE_ON_PORT"

// TestSIGTERMDrainsAFunction runs a function in a process of its own, as the platform does: after SIGTERM what is in
// flight finishes, what comes is refused, and the process ends well.
func TestSIGTERMDrainsAFunction(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "FUNCTION_TARGET=test-slow", wantServe+"="+port)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })

	gate := filepath.Join(t.TempDir(), "gate")
	inFlight := make(chan int, 1)
	go func() { inFlight <- post(t, port, gate) }()
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "begun\n" {
		t.Fatalf("the function says %q", line)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for status := 0; status != http.StatusServiceUnavailable; { // the signal takes a moment
		if status = post(t, port, os.Args[0]); status != http.StatusNoContent && status != http.StatusServiceUnavailable {
			t.Fatalf("a request that comes gets %d, want 503", status)
		}
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if status := <-inFlight; status != http.StatusNoContent {
		t.Errorf("the request in flight got %d, want 204", status)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the process ended with %v, want 0", err)
	}
}

// post posts a body until somebody listens, and answers the status.
func post(t *testing.T, port, body string) int {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		resp, err := http.Post("http://127.0.0.1:"+port, "text/plain", strings.NewReader(body))
		if err == nil {
			resp.Body.Close()
			return resp.StatusCode
		}
	}
	t.Error("nobody listens")
	return 0
}
