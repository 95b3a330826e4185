package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"orderflow.dev/e2e"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/local/child"
	"orderflow.dev/local/cloudtest"
	"orderflow.dev/local/stack"
)

// beCommand has this program be the command, so that tests run it in processes of its own.
const beCommand = "ORDERFLOW_TEST_BE_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(beCommand) != "" {
		main()
		os.Exit(0)
	}
	cloudtest.Main(m, cloudtest.Storage)
}

// running is a stack that `orderflow up` runs, in a process of its own, and which other commands find.
type running struct {
	stack.Endpoints
	cache string // where commands look for it
}

// up starts a stack for a test.
func up(t *testing.T) *running {
	t.Helper()
	r := &running{cache: t.TempDir()}
	out := &awaited{mark: "Try, in another terminal", seen: make(chan struct{})}
	cmd := r.command(t, "up", "--quiet", "--sweep-every", "1s")
	cmd.Stdout, cmd.Stderr = out, out
	ended, err := child.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-out.seen:
	case err := <-ended:
		t.Fatalf("orderflow up ended: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT) // it may have ended
		if err := <-ended; err != nil {
			t.Errorf("orderflow up after Ctrl-C: %v\n%s", err, out)
		}
	})
	body, err := os.ReadFile(filepath.Join(r.cache, "orderflow", "stack.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &r.Endpoints); err != nil {
		t.Fatal(err)
	}
	return r
}

// command is a command in a process of its own, which finds this stack and no other.
func (r *running) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...) // not of the test's context: it ends before the cleanup, which lets a stack end by itself
	cmd.Env = append(os.Environ(), beCommand+"=1", "XDG_CACHE_HOME="+r.cache, "GOCOVERDIR="+r.cache)
	return cmd
}

// run runs a command in a process of its own, to its end.
func (r *running) run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd := r.command(t, args...)
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		if _, ok := errors.AsType[*exec.ExitError](err); !ok {
			t.Fatal(err)
		}
	}
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

// tokenFile is a file with a person's token, which has scopes.
func (r *running) tokenFile(t *testing.T, person string, scopes ...string) string {
	t.Helper()
	token, err := stack.Token(t.Context(), r.Endpoints, person, scopes...)
	if err != nil {
		t.Fatal(err)
	}
	return file(t, "operator.jwt", token+"\n")
}

// customer is a customer of the stack.
func (r *running) customer(t *testing.T, subject string) e2e.Customer {
	t.Helper()
	token, err := stack.Token(t.Context(), r.Endpoints, subject)
	if err != nil {
		t.Fatal(err)
	}
	return e2e.Customer{Gateway: r.Gateway, Token: token}
}

// ordered is the id of an order of two mugs, GBP 19.00, whose payment method leads it to a status.
func (r *running) ordered(t *testing.T, subject, method string, status orderv1.OrderStatus) string {
	t.Helper()
	c := r.customer(t, subject)
	placed, err := c.Place(t.Context(), cloudtest.NewID(), &orderv1.PlaceOrderRequest{
		Lines: []*orderv1.RequestedLine{{Sku: e2e.Plenty, Quantity: 2}}, PaymentMethod: method,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.await(t, subject, placed.Order.GetOrderId(), func(o *orderv1.Order) bool { return o.GetStatus() == status })
	return placed.Order.GetOrderId()
}

func (r *running) await(t *testing.T, subject, id string, done func(*orderv1.Order) bool) {
	t.Helper()
	if _, err := r.customer(t, subject).Await(t.Context(), id, done); err != nil {
		t.Fatal(err)
	}
}

// awaited keeps what is written, and tells when a mark was.
type awaited struct {
	mark string
	seen chan struct{}

	mu   sync.Mutex
	all  strings.Builder
	told bool
}

// Write implements io.Writer.
func (a *awaited) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all.Write(p)
	if !a.told && strings.Contains(a.all.String(), a.mark) {
		a.told = true
		close(a.seen)
	}
	return len(p), nil
}

func (a *awaited) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.all.String()
}
