package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

// serve starts a server that is closed with the test.
func serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// call runs one call step against a server and returns its result or the
// raised error.
const caller = `
main:
  params: [args]
  steps:
  - a:
      try: {call: http.request, args: "${args}", result: r}
      except: {as: e, steps: [{b: {return: {raised: "${e}"}}}]}
  - c:
      return: ${r}
`

func request(t *testing.T, o workflows.Options, args map[string]any) map[string]any {
	t.Helper()
	b, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	x := run(t, o, caller, string(b))
	var out map[string]any
	if err := json.Unmarshal(x.Result, &out); err != nil {
		t.Fatalf("%v; error %+v", err, x.Error)
	}
	return out
}

// TestRequest checks what a server receives.
func TestRequest(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintf(w, "%s %s|%s|%s|%s|%s", r.Method, r.URL.RequestURI(), r.Header.Get("Content-Type"), r.Header.Get("User-Agent"), r.Header.Get("X-A"), body)
	})
	const agent = "GoogleCloudWorkflows; (+https://cloud.google.com/workflows/docs)"
	for _, tc := range []struct {
		name string
		args map[string]any
		want string
	}{
		{"get", map[string]any{"method": "GET"}, "GET /p||" + agent + "||"},
		{"json body", map[string]any{"method": "post", "body": map[string]any{"b": 1.5, "a": "é<"}}, "POST /p|application/json; charset=utf-8|" + agent + `||{"a":"é<","b":1.5}`},
		{"string body is JSON without a content type", map[string]any{"method": "POST", "body": "x"}, "POST /p|application/json; charset=utf-8|" + agent + `||"x"`},
		{"text body", map[string]any{"method": "POST", "body": "x y", "headers": map[string]any{"content-type": "text/csv"}}, "POST /p|text/csv|" + agent + "||x y"},
		{"form body", map[string]any{"method": "POST", "body": "a=1&b=2", "headers": map[string]any{"Content-Type": "application/x-www-form-urlencoded"}}, "POST /p|application/x-www-form-urlencoded|" + agent + "||a=1&b=2"},
		{"headers", map[string]any{"method": "DELETE", "headers": map[string]any{"x-a": "5", "User-Agent": "me"}}, "DELETE /p||me " + agent + "|5|"},
		{"query", map[string]any{"method": "GET", "query": map[string]any{"q": "a b&", "n": []any{1, true}}}, "GET /p?n=1&n=true&q=a+b%26||" + agent + "||"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.args["url"] = url + "/p"
			if diff := cmp.Diff(tc.want, request(t, workflows.Options{}, tc.args)["body"]); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

// TestResponse checks how responses are typed and raised.
func TestResponse(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, contentType, body string
		code                    int
		want                    map[string]any
	}{
		{"json", "application/json", `{"n":1}`, 200, map[string]any{"body": map[string]any{"n": 1.0}, "code": 200.0}},
		{"problem json", "application/problem+json", `[1]`, 201, map[string]any{"body": []any{1.0}, "code": 201.0}},
		{"text", "text/html; charset=utf-8", `<p>`, 200, map[string]any{"body": "<p>", "code": 200.0}},
		{"nothing", "", ``, 204, map[string]any{"body": nil, "code": 204.0}},
		{"untyped error", "", `oops`, 500, map[string]any{"raised": map[string]any{
			"tags": []any{"HttpError"}, "message": "HTTP server responded with error code 500", "code": 500.0, "body": "oops"}}},
		{"error of opaque bytes", "application/octet-stream", `oops`, 500, map[string]any{"raised": map[string]any{
			"tags": []any{"HttpError"}, "message": "HTTP server responded with error code 500", "code": 500.0, "body": "oops"}}},
		{"not modified", "", ``, 304, map[string]any{"raised": map[string]any{
			"tags": []any{"HttpError"}, "message": "HTTP server responded with error code 304", "code": 304.0, "body": nil}}},
		{"empty json", "application/json", ``, 204, map[string]any{"body": nil, "code": 204.0}},
		{"error", "application/json", `{"reason":"declined"}`, 409, map[string]any{"raised": map[string]any{
			"tags": []any{"HttpError"}, "message": "HTTP server responded with error code 409", "code": 409.0, "body": map[string]any{"reason": "declined"}}}},
		{"malformed error", "application/json", `<html>`, 502, map[string]any{"raised": map[string]any{
			"tags": []any{"HttpError"}, "message": "HTTP server responded with error code 502", "code": 502.0, "body": "<html>"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = nil // none is guessed
				if tc.contentType != "" {
					w.Header().Set("content-type", tc.contentType)
				}
				w.Header()["x-custom"] = []string{"a"}
				w.Header().Add("X-Custom", "b")
				w.WriteHeader(tc.code)
				_, _ = io.WriteString(w, tc.body)
			})
			got := request(t, workflows.Options{}, map[string]any{"method": "GET", "url": url})
			holder := got
			if raised, ok := got["raised"].(map[string]any); ok {
				holder = raised
			}
			headers := holder["headers"].(map[string]any)
			if got, _ := headers["Content-Type"].(string); got != tc.contentType || !strings.Contains(fmt.Sprint(headers["X-Custom"]), ",") {
				t.Errorf("headers = %v, want canonical keys and joined values", headers)
			}
			delete(holder, "headers")
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		})
	}
}

// TestConnectionErrors checks the tags of requests that get no response.
func TestConnectionErrors(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	block := make(chan struct{})
	slow := serve(t, func(http.ResponseWriter, *http.Request) { <-block })
	t.Cleanup(func() { close(block) }) // runs before the server waits for its handlers
	reset := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		c, _, _ := w.(http.Hijacker).Hijack()
		_ = c.(*net.TCPConn).SetLinger(0)
		c.Close()
	})
	cut := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "x")
		panic(http.ErrAbortHandler)
	})
	for _, tc := range []struct {
		name string
		args map[string]any
		want string
	}{
		{"refused", map[string]any{"url": "http://" + closed.Addr().String()}, "ConnectionFailedError"},
		{"unknown host", map[string]any{"url": "http://nowhere.invalid"}, "ConnectionFailedError"},
		{"reset", map[string]any{"url": reset}, "ConnectionError"},
		{"cut off", map[string]any{"url": cut}, "ConnectionError"},
		{"over time", map[string]any{"url": slow, "timeout": 0.02}, "TimeoutError"},
		{"bad url", map[string]any{"url": "nonsense"}, "ValueError"},
		{"bad timeout", map[string]any{"url": slow, "timeout": 1801}, "ValueError"},
		{"bad auth", map[string]any{"url": slow, "auth": map[string]any{"type": "Basic"}}, "ValueError"},
		{"bad certificate", map[string]any{"url": slow, "ca_certificate": "x"}, "ValueError"},
		{"bad private service", map[string]any{"url": slow, "private_service_name": "x"}, "ValueError"},
		{"unknown method", map[string]any{"url": slow, "method": "TRACE"}, "ValueError"},
		{"header that is no string", map[string]any{"url": slow, "headers": map[string]any{"a": 1}}, "TypeError"},
		{"query that is no map", map[string]any{"url": slow, "query": "a=b"}, "TypeError"},
		{"query of maps", map[string]any{"url": slow, "query": map[string]any{"a": map[string]any{}}}, "TypeError"},
		{"scope that is no string", map[string]any{"url": slow, "auth": map[string]any{"type": "OAuth2", "scope": 1}}, "TypeError"},
		{"form that is no string", map[string]any{"url": slow, "body": map[string]any{}, "headers": map[string]any{"Content-Type": "application/x-www-form-urlencoded"}}, "TypeError"},
		{"body of an image", map[string]any{"url": slow, "body": "x", "headers": map[string]any{"Content-Type": "image/png"}}, "ValueError"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if tc.args["method"] == nil {
				tc.args["method"] = "POST"
			}
			if tc.args["timeout"] == nil {
				tc.args["timeout"] = 30 // what is not refused must not wait for the slow server
			}
			raised, _ := request(t, workflows.Options{}, tc.args)["raised"].(map[string]any)
			if diff := cmp.Diff([]any{tc.want}, raised["tags"]); diff != "" {
				t.Errorf("tags (-want +got):\n%s\n%v", diff, raised)
			}
			if _, ok := raised["code"]; ok {
				t.Errorf("error has a code: %v", raised)
			}
		})
	}
}

// TestAuth checks that the token source is asked for the right audience.
func TestAuth(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, r.Header.Get("Authorization"))
	})
	token := func(_ context.Context, audience string) (string, error) {
		if audience == "bad" {
			return "", errors.New("no such audience")
		}
		return "token-for:" + audience, nil
	}
	for _, tc := range []struct {
		name string
		auth map[string]any
		want string
	}{
		{"audience", map[string]any{"type": "OIDC", "audience": "svc"}, "Bearer token-for:svc"},
		{"url by default", map[string]any{"type": "OIDC"}, "Bearer token-for:" + url},
		{"scopes", map[string]any{"type": "OAuth2", "scopes": []any{"a", "b"}}, "Bearer token-for:a b"},
		{"scope", map[string]any{"type": "OAuth2", "scope": "a"}, "Bearer token-for:a"},
		{"scopes with commas", map[string]any{"type": "OAuth2", "scopes": "a, b c"}, "Bearer token-for:a b c"},
		{"list as scope", map[string]any{"type": "OAuth2", "scope": []any{"a"}}, "Bearer token-for:a"},
		{"no scope", map[string]any{"type": "OAuth2"}, "Bearer token-for:https://www.googleapis.com/auth/cloud-platform"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := request(t, workflows.Options{Token: token}, map[string]any{"method": "GET", "url": url, "auth": tc.auth})
			if diff := cmp.Diff(tc.want, got["body"]); diff != "" {
				t.Errorf("Authorization (-want +got):\n%s", diff)
			}
		})
	}
	bad := map[string]any{"method": "GET", "url": url, "auth": map[string]any{"type": "OIDC", "audience": "bad"}}
	raised, _ := request(t, workflows.Options{Token: token}, bad)["raised"].(map[string]any)
	if diff := cmp.Diff([]any{"AuthError"}, raised["tags"]); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if got := request(t, workflows.Options{}, bad)["body"]; got != "" {
		t.Errorf("Authorization without a token source = %v, want none", got)
	}
}

// TestExternalSteps checks that calls out of Google Cloud are billed as
// external; no connection is needed for that.
func TestExternalSteps(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]workflows.StepCount{
		"http://localhost:1/":              {Internal: 3},
		"http://127.0.0.1:1/":              {Internal: 3},
		"http://[::1]:1/":                  {Internal: 3},
		"https://svc-abc.run.app/":         {Internal: 3},
		"https://r-p.cloudfunctions.net/f": {Internal: 3},
		"https://pubsub.googleapis.com/":   {Internal: 3},
		"https://example.com/":             {Internal: 2, External: 1},
		"https://run.app.example.com/":     {Internal: 2, External: 1},
		"http://192.0.2.1/":                {Internal: 2, External: 1},
	} {
		o := workflows.Options{HTTP: &http.Client{Transport: offline{}}}
		arg, _ := json.Marshal(map[string]any{"method": "GET", "url": url})
		x := run(t, o, caller, string(arg))
		if diff := cmp.Diff(want, x.Steps); diff != "" {
			t.Errorf("%s: steps (-want +got):\n%s", url, diff)
		}
	}
}

type offline struct{}

func (offline) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Err: errors.New("offline")}
}
