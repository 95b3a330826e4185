package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"orderflow.dev/e2e"
	"orderflow.dev/local/stack"
)

// run runs the command as a shell does.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	c := smoke(&out)
	c.SetArgs(args)
	err := c.ExecuteContext(t.Context())
	t.Logf("smoke %s\n%serror: %v", strings.Join(args, " "), out.String(), err)
	return out.String(), err
}

// TestAgainstTheLocalStack plays what a release plays, first at a whole pipeline and then at one without sagas. It is one
// test because a process has one stack.
func TestAgainstTheLocalStack(t *testing.T) {
	s, err := stack.Start(t.Context(), stack.Options{SweepEvery: time.Second, SagaPatience: 40 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if err := e2e.LoadCatalogue(t.Context(), s.Endpoints, e2e.Catalogue, nil); err != nil {
		t.Fatal(err)
	}
	token, err := stack.Token(t.Context(), s.Endpoints, "smoke")
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/token"
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := []string{"--url", s.Gateway, "--token-command", "cat " + file}

	out, err := run(t, append(at, "--timeout", "2m")...)
	if err != nil {
		t.Errorf("a whole pipeline: %v", err)
	}
	for _, want := range []string{"✓  no token", "✓  bad request", "✓  confirmed", "✓  declined", "✓  cancelled before payment", "✓  same key again", "all 6 as"} {
		if !strings.Contains(out, want) {
			t.Errorf("the table has no %q", want)
		}
	}
	if strings.Contains(out, token) {
		t.Error("the token is printed")
	}

	s.Engine.Close() // no saga starts from here on
	_, err = run(t, append(at, "--timeout", "6s", "--endings", "confirmed")...)
	if err == nil || !strings.Contains(err.Error(), "confirmed: ") || !strings.Contains(err.Error(), "carried it to its end") || !strings.Contains(err.Error(), "2 of 4 failed") {
		t.Errorf("without sagas: %v; want to hear that the orders stand still, and nothing else", err)
	}
}

func TestABrokenGatewayIsNamed(t *testing.T) {
	t.Setenv("ORDERFLOW_TOKEN", "t")
	for _, tt := range []struct {
		status int
		want   string
	}{
		{500, "confirmed: place: 500 Internal Server Error: out of order"},
		{503, "confirmed: place: 503 Service Unavailable: out of order"},
		{200, "no token: was let in, want 401"},
	} {
		t.Run(fmt.Sprint(tt.status), func(t *testing.T) {
			gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				if tt.status == 200 {
					fmt.Fprint(w, "{}")
				} else {
					fmt.Fprint(w, "out of order")
				}
			}))
			defer gateway.Close()
			if _, err := run(t, "--url", gateway.URL, "--timeout", "10s"); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestAReadWaitsForAnInstance: the first request after a deployment may be answered 503.
func TestAReadWaitsForAnInstance(t *testing.T) {
	asked := 0
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprint(w, r.Header.Get("x-api-key"))
	}))
	defer gateway.Close()
	client := http.Client{Transport: newDoor("k")}
	resp, err := client.Get(gateway.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil || resp.StatusCode != 200 || asked != 3 || body.String() != "k" {
		t.Errorf("got %d %q after %d requests (%v), want 200 with the key after 3", resp.StatusCode, body.String(), asked, err)
	}
}

func TestWhatItCannotDoIsSaidAtOnce(t *testing.T) {
	t.Setenv("ORDERFLOW_TOKEN", "")
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, `required flag(s) "url" not set`},
		{[]string{"--url", "http://127.0.0.1:1"}, "set ORDERFLOW_TOKEN"},
		{[]string{"--url", "http://127.0.0.1:1", "--token-command", "true"}, "that prints one"},
		{[]string{"--url", "http://127.0.0.1:1", "--token-command", "echo a b c"}, "two words at most"},
		{[]string{"--url", "http://127.0.0.1:1", "--token-command", "exit 3"}, "exit status 3"},
		{[]string{"--url", "http://127.0.0.1:1", "--endings", "lost"}, `there is no ending "lost"`},
	} {
		if _, err := run(t, tt.args...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: got %v, want %q", tt.args, err, tt.want)
		}
	}
}

// TestNoneOrdersNothing: where every order costs somebody money, the doors are still tried.
func TestNoneOrdersNothing(t *testing.T) {
	if got := checks(e2e.Customer{}, "", nil); len(got) != 2 {
		t.Errorf("%d checks, want the two that place no order", len(got))
	}
	if chosen, err := choose([]string{"none"}); chosen != nil || err != nil {
		t.Errorf("got %v %v", chosen, err)
	}
}

func TestATokenMayComeWithAnAPIKey(t *testing.T) {
	t.Setenv("ORDERFLOW_TOKEN", "ignored")
	o := options{tokenCommand: "printf 'token\nkey\n'"}
	if token, key, err := o.credentials(t.Context()); token != "token" || key != "key" || err != nil {
		t.Errorf("got %q, %q, %v", token, key, err)
	}
}

func TestTheDeadlineIsNamed(t *testing.T) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Nanosecond, fmt.Errorf("not within 1ns (--timeout)"))
	defer cancel()
	<-ctx.Done()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newDoor("").RoundTrip(req); err == nil || !strings.Contains(err.Error(), "--timeout") {
		t.Errorf("got %v", err)
	}
}
