package gateway_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"orderflow.dev/local/gateway"
)

func TestLimits(t *testing.T) {
	t.Parallel()
	url := serve(t, gateway.Route{Method: "POST", Path: "/v1/orders", Target: echo(t)})
	resp, body := do(t, "POST", url+"/v1/orders", "", http.Header{"X-Long": {strings.Repeat("a", 61<<10)}})
	wantProblem(t, resp, body, http.StatusRequestHeaderFieldsTooLarge)
	many := http.Header{}
	for i := range 4000 {
		many.Set(fmt.Sprintf("X-%d", i), "a long value of a header")
	}
	resp, body = do(t, "POST", url+"/v1/orders", "", many)
	wantProblem(t, resp, body, http.StatusRequestHeaderFieldsTooLarge)
	resp, body = do(t, "POST", url+"/v1/"+strings.Repeat("x", 5000), "", nil)
	wantProblem(t, resp, body, http.StatusNotFound)
	if len(body) > 500 {
		t.Errorf("the answer repeats the path: %d bytes", len(body))
	}
}

// TestBodyOverTheLimit: whether it says so or not.
func TestBodyOverTheLimit(t *testing.T) {
	t.Parallel()
	eats := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = bufio.NewReader(r.Body).WriteTo(discard{})
	}))
	url := serve(t, gateway.Route{Method: "POST", Path: "/v1/orders", Target: eats})
	for name, framing := range map[string]string{"with its length": "Content-Length: 100000000", "in chunks": "Transfer-Encoding: chunked"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST /v1/orders HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", framing)
		if strings.Contains(framing, "chunked") {
			go func() {
				chunk := fmt.Sprintf("10000\r\n%s\r\n", strings.Repeat("a", 64<<10))
				for err == nil {
					_, err = conn.Write([]byte(chunk))
				}
			}()
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var p struct{ Status int }
		if err := json.NewDecoder(resp.Body).Decode(&p); err != nil || p.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: answer %s, problem %+v (%v), want 413", name, resp.Status, p, err)
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func wantProblem(t *testing.T, resp *http.Response, body string, status int) {
	t.Helper()
	var p struct{ Status int }
	if err := json.Unmarshal([]byte(body), &p); err != nil || p.Status != status || resp.StatusCode != status {
		t.Errorf("answer %s %.200s, want %d and a problem", resp.Status, body, status)
	}
}
