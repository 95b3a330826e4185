package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/gateway"
)

// echo answers what a function sees of a request.
func echo(t *testing.T) string {
	t.Helper()
	return listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("X-Seen-Auth", r.Header.Get("Authorization")+", forwarded "+r.Header.Get("X-Forwarded-Authorization"))
		w.Header().Set("X-Seen-Encoding", r.Header.Get("Accept-Encoding"))
		w.Header().Set("X-Seen-Agent", r.Header.Get("User-Agent"))
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintf(w, "%s %s %s", r.Method, r.RequestURI, body)
	}))
}

func listen(t *testing.T, h http.Handler) string {
	t.Helper()
	ts := httptest.NewServer(h)
	t.Cleanup(ts.Close)
	return ts.URL
}

func serve(t *testing.T, routes ...gateway.Route) string {
	t.Helper()
	h, err := gateway.New(routes)
	if err != nil {
		t.Fatal(err)
	}
	return listen(t, h)
}

func do(t *testing.T, method, url, body string, header http.Header) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		req.Header = header
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(answer)
}

func TestRouting(t *testing.T) {
	t.Parallel()
	function := echo(t)
	url := serve(t,
		gateway.Route{Method: "POST", Path: "/v1/orders", Target: function + "/place-order"},
		gateway.Route{Method: "GET", Path: "/v1/orders/{order_id}", Target: function + "/get-order"},
		gateway.Route{Method: "GET", Path: "/v1/orders/search", Target: function + "/search?fixed=1"},
		gateway.Route{Method: "POST", Path: "/v1/orders/{order_id}/lines/{n}", Target: function},
		gateway.Route{Method: "GET", Path: "/", Target: function + "/home"},
	)
	tests := map[string]struct{ method, path, want string }{
		"literal":               {"POST", "/v1/orders", "POST /place-order body"},
		"query is kept":         {"POST", "/v1/orders?a=1&b=x%20y;z", "POST /place-order?a=1&b=x%20y;z body"},
		"parameter":             {"GET", "/v1/orders/o1", "GET /get-order?order_id=o1 body"},
		"parameter after query": {"GET", "/v1/orders/o1?order_id=forged", "GET /get-order?order_id=forged&order_id=o1 body"},
		"escaped parameter":     {"GET", "/v1/orders/a%2Fb%20%26c", "GET /get-order?order_id=a%2Fb+%26c body"},
		"literal comes first":   {"GET", "/v1/orders/search?q=1", "GET /search?fixed=1&q=1 body"},
		"two parameters":        {"POST", "/v1/orders/o1/lines/2", "POST /?order_id=o1&n=2 body"},
		"root":                  {"GET", "/", "GET /home body"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, got := do(t, tt.method, url+tt.path, "body", nil)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("seen (-want +got):\n%s", diff)
			}
			if resp.StatusCode != http.StatusAccepted {
				t.Errorf("status %d, want the function's 202", resp.StatusCode)
			}
		})
	}
}

func TestHeadersButTheTokenAreUnchanged(t *testing.T) {
	t.Parallel()
	url := serve(t, gateway.Route{Method: "GET", Path: "/x", Target: echo(t)})
	for _, encoding := range []string{"", "gzip", "br"} {
		header := http.Header{"Authorization": {"Bearer t"}, "User-Agent": {"test"}, "Accept-Encoding": {encoding}}
		resp, _ := do(t, http.MethodGet, url+"/x", "", header)
		got := []string{
			resp.Header.Get("X-Seen-Auth"), resp.Header.Get("X-Seen-Agent"), resp.Header.Get("X-Seen-Encoding"),
		}
		if diff := cmp.Diff([]string{"Bearer the-gateways-own, forwarded Bearer t", "test", encoding}, got); diff != "" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	function := echo(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	url := serve(t,
		gateway.Route{Method: "POST", Path: "/v1/orders", Target: function},
		gateway.Route{Method: "GET", Path: "/v1/orders", Target: function},
		gateway.Route{Method: "GET", Path: "/v1/orders/{id}", Target: function},
		gateway.Route{Method: "GET", Path: "/gone", Target: gone.URL + "/gone"},
	)
	tests := map[string]struct {
		method, path string
		status       int
		allow        string
	}{
		"unknown":               {"GET", "/v2/orders", 404, ""},
		"slash at the end":      {"GET", "/v1/orders/", 404, ""},
		"double slash":          {"GET", "/v1//orders", 404, ""},
		"too long":              {"GET", "/v1/orders/o1/x", 404, ""},
		"method of two":         {"DELETE", "/v1/orders", 405, "GET, POST"},
		"method of a parameter": {"POST", "/v1/orders/o1", 405, "GET"},
		"HEAD is not GET":       {"HEAD", "/v1/orders/o1", 405, "GET"},
		"unreachable":           {"GET", "/gone", 502, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, body := do(t, tt.method, url+tt.path, "", nil)
			got := []string{resp.Status[:3], resp.Header.Get("Content-Type"), resp.Header.Get("Allow")}
			want := []string{fmt.Sprint(tt.status), "application/problem+json", tt.allow}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if tt.method == "HEAD" {
				return
			}
			var problem struct {
				Type, Title, Detail string
				Status              int
			}
			if err := json.Unmarshal([]byte(body), &problem); err != nil {
				t.Fatal(err)
			}
			if problem.Status != tt.status || problem.Title != http.StatusText(tt.status) ||
				problem.Type != "about:blank" || !strings.Contains(problem.Detail, strings.TrimSuffix(tt.path, "/")) {
				t.Errorf("problem %+v", problem)
			}
		})
	}
}

// TestStreaming reads the first part of an answer before the second is written.
func TestStreaming(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	function := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "one")
		_ = http.NewResponseController(w).Flush()
		<-next
		fmt.Fprintln(w, "two")
	}))
	resp, err := http.Get(serve(t, gateway.Route{Method: "GET", Path: "/s", Target: function}) + "/s")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, 4)
	if _, err := io.ReadFull(resp.Body, first); err != nil {
		t.Fatal(err)
	}
	close(next)
	rest, err := io.ReadAll(resp.Body)
	if err != nil || string(first)+string(rest) != "one\ntwo\n" {
		t.Errorf("read %q and %q, %v", first, rest, err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	get := func(path string) gateway.Route { return gateway.Route{Method: "GET", Path: path, Target: "http://x"} }
	tests := map[string]struct {
		routes []gateway.Route
		want   string
	}{
		"no method":         {[]gateway.Route{{Path: "/", Target: "http://x"}}, `method ""`},
		"method and path":   {[]gateway.Route{{Method: "GET /", Path: "/", Target: "http://x"}}, `method "GET /"`},
		"relative path":     {[]gateway.Route{get("v1")}, "does not begin with a slash"},
		"empty segment":     {[]gateway.Route{get("/a//b")}, "empty segment"},
		"slash at the end":  {[]gateway.Route{get("/a/")}, "empty segment"},
		"half a parameter":  {[]gateway.Route{get("/{a")}, `segment "{a"`},
		"part of a segment": {[]gateway.Route{get("/a{b}")}, `segment "a{b}"`},
		"many segments":     {[]gateway.Route{get("/{a=**}")}, `segment "{a=**}"`},
		"parameter twice":   {[]gateway.Route{get("/{a}/{a}")}, "parameter {a} twice"},
		"no target":         {[]gateway.Route{{Method: "GET", Path: "/"}}, `target ""`},
		"same":              {[]gateway.Route{get("/a"), get("/a")}, "conflicts with /a"},
		"same shape":        {[]gateway.Route{get("/a/{b}"), get("/a/{c}")}, "conflicts with /a/{b}"},
		"neither first":     {[]gateway.Route{get("/a/{b}"), get("/{a}/b")}, "conflicts with /a/{b}"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := gateway.New(tt.routes); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("New = %v, want %s", err, tt.want)
			}
		})
	}
}
