package rpc_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/rpc"
)

const wantService = "TEST_SERVICE"

// be makes this process a service: a call that waits says so on standard output and goes on once standard input ends.
func be(name string) {
	s := newPayments()
	go func() { next <- s }()
	go func() {
		for range s.entered {
			fmt.Println("begun")
		}
	}()
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(s.released)
	}()
	rpc.Main(name)
	os.Exit(0)
}

// process is a service in a process of its own, as the platform runs it.
type process struct {
	*exec.Cmd
	address string
	release func() error // calls that wait go on
	begun   *bufio.Reader
	log     bytes.Buffer // complete once the process has ended
}

func startProcess(t *testing.T, name, address string) *process {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(os.Args[0]), address: address}
	p.Env = append(os.Environ(), wantService+"="+name, "HOST="+host, "PORT="+port,
		"GORACE=atexit_sleep_ms=0") // the race detector ends a process a second late otherwise
	p.Stderr = &p.log
	in, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.release, p.begun = in.Close, bufio.NewReader(out)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Process.Kill() })
	return p
}

// listening waits until the process accepts connections, or no more.
func (p *process) listening(t *testing.T, want bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", p.address)
		if err == nil {
			conn.Close()
		}
		if (err == nil) == want {
			return
		}
	}
	t.Fatalf("the process listens: %v, want %v", !want, want)
}

// begins waits until a call is in flight.
func (p *process) begins(t *testing.T) {
	t.Helper()
	if line, err := p.begun.ReadString('\n'); line != "begun\n" {
		t.Fatalf("the service says %q (%v)", line, err)
	}
}

func (p *process) terminate(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// post calls by JSON.
func (p *process) post(order string) error {
	resp, err := http.Post("http://"+p.address+method, "application/json", strings.NewReader(`{"order_id":"`+order+`"}`))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// free is an address of loopback that nobody listens on.
func free(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestSIGTERMDrainsAService stops a service while a call of each kind is in flight: both finish, new ones are refused,
// and the process ends well.
func TestSIGTERMDrainsAService(t *testing.T) {
	t.Parallel()
	p := startProcess(t, "test-payments", free(t))
	p.listening(t, true)
	client := dial(t, "http://"+p.address)
	byGRPC, byJSON := make(chan error, 1), make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	go func() {
		_, err := get(ctx, client, "waits")
		byGRPC <- err
	}()
	go func() { byJSON <- p.post("waits") }()
	p.begins(t)
	p.begins(t)
	p.terminate(t)
	p.listening(t, false)
	if _, err := get(ctx, client, "new"); fault.Code(err) != codes.Unavailable {
		t.Errorf("a call that comes, by the connection of one in flight: %v, want UNAVAILABLE", err)
	}
	if err := p.release(); err != nil {
		t.Fatal(err)
	}
	if err := <-byGRPC; err != nil {
		t.Errorf("the gRPC call in flight: %v", err)
	}
	if err := <-byJSON; err != nil {
		t.Errorf("the JSON call in flight: %v", err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("the process ended with %v, want 0\n%s", err, &p.log)
	}
}

// TestDrainingEndsBeforeThePlatformKills has a call that never ends: what is lost is logged while there is time.
func TestDrainingEndsBeforeThePlatformKills(t *testing.T) {
	t.Parallel()
	p := startProcess(t, "test-payments", free(t))
	p.listening(t, true)
	lost := make(chan error, 1)
	go func() { lost <- p.post("waits") }()
	p.begins(t)
	start := time.Now()
	p.terminate(t)
	if err := p.Wait(); err != nil {
		t.Errorf("the process ended with %v, want 0", err)
	}
	if err := <-lost; err == nil {
		t.Error("a call that never ends was answered")
	}
	if took := time.Since(start); took >= 10*time.Second {
		t.Errorf("the process ended after %s, want less than the platform's 10s", took)
	}
	if !strings.Contains(p.log.String(), "requests are in flight") {
		t.Errorf("the log does not say that requests are lost:\n%s", &p.log)
	}
}

// TestAServiceThatCannotStartExitsWith1 starts services on an address that is taken: only one that is ready listens, and
// so finds out.
func TestAServiceThatCannotStartExitsWith1(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, want := range map[string]string{
		"test-configured": "TEST_NOWHERE_SET", "nobody": "no service is called", "test-payments": "address already in use",
	} {
		p := startProcess(t, name, taken.Addr().String())
		exit, ok := errors.AsType[*exec.ExitError](p.Wait())
		if !ok || exit.ExitCode() != 1 || !strings.Contains(p.log.String(), want) {
			t.Errorf("%s ended with %v, want status 1 and %q in its log:\n%s", name, exit, want, &p.log)
		}
	}
}
