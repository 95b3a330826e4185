package function_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/local/cloudtest"
)

// held has requests of "test-held" wait until they are let go.
var held = struct{ come, leave chan struct{} }{make(chan struct{}), make(chan struct{})}

func init() {
	function.API("test-held", http.MethodGet, func(context.Context, struct{}) (function.APIHandler, error) {
		return func(_ context.Context, r *function.Request) (*function.Reply, error) {
			if r.URL.Query().Has("wait") {
				held.come <- struct{}{}
				<-held.leave
			}
			return &function.Reply{Body: &orderv1.Order{OrderId: "o1"}}, nil
		}, nil
	})
}

// TestACustomerHoldsAShareOfAnInstance: what one customer asks beyond his share is refused, with what to do; others are
// served meanwhile, and so is he once some of his requests are answered.
func TestACustomerHoldsAShareOfAnInstance(t *testing.T) {
	t.Parallel()
	const share = 20
	target := cloudtest.Function(t, "test-held")
	answers := make(chan int, share)
	for range share {
		go func() { answers <- cloudtest.Send(t, http.MethodGet, target+"?wait", signed(t), "").Status }()
	}
	for range share {
		<-held.come
	}
	a := cloudtest.Send(t, http.MethodGet, target, signed(t), "")
	p := wantProblem(t, "beyond the share", a, http.StatusTooManyRequests, "too_many_requests")
	if a.Header.Get("Retry-After") == "" || !strings.Contains(p.Detail, fmt.Sprint(share)) {
		t.Errorf("answer %v %q: it does not say when to try again, or how many are under way", a.Header, p.Detail)
	}
	if a := cloudtest.Send(t, http.MethodGet, target, cloudtest.Bearer(t, "bob"), ""); a.Status != http.StatusOK {
		t.Errorf("another customer gets %d %s", a.Status, a.Body)
	}
	close(held.leave)
	for range share {
		if status := <-answers; status != http.StatusOK {
			t.Errorf("a request within the share gets %d", status)
		}
	}
	if a := cloudtest.Send(t, http.MethodGet, target, signed(t), ""); a.Status != http.StatusOK {
		t.Errorf("after that the customer gets %d %s", a.Status, a.Body)
	}
}

// TestABodyThatDoesNotComeIsAnswered: also of somebody without a token, for the server waits for a body that nobody reads.
func TestABodyThatDoesNotComeIsAnswered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		token  string
		status int
	}{
		"of a customer": {cloudtest.Bearer(t, "alice")["Authorization"], http.StatusRequestTimeout},
		"of nobody":     {"", http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target, err := url.Parse(cloudtest.Function(t, "test-api"))
			if err != nil {
				t.Fatal(err)
			}
			conn, err := net.Dial("tcp", target.Host)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", target.Path, c.token)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatalf("no answer: %v", err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != c.status || resp.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("answer %d %s, want %d and a problem", resp.StatusCode, resp.Header.Get("Content-Type"), c.status)
			}
		})
	}
}
