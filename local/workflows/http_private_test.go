package workflows_test

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

// TestCertificate: a server of a private authority is trusted only by a call
// that brings the authority's certificate.
func TestCertificate(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "secret")
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it reports every refusal
	s.StartTLS()
	t.Cleanup(s.Close)
	cert := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	for _, client := range []*http.Client{nil, {}, {Transport: http.DefaultTransport}} {
		o := workflows.Options{HTTP: client}
		got := request(t, o, map[string]any{"method": "GET", "url": s.URL, "ca_certificate": cert,
			"private_service_name": "projects/p/locations/l/namespaces/n/services/s"})
		if got["body"] != "secret" {
			t.Errorf("with the certificate: %v, want the body", got)
		}
		raised, _ := request(t, o, map[string]any{"method": "GET", "url": s.URL})["raised"].(map[string]any)
		if diff := cmp.Diff([]any{"ConnectionError"}, raised["tags"]); diff != "" {
			t.Errorf("tags without the certificate (-want +got):\n%s\n%v", diff, raised)
		}
	}
}

// TestRedirects: they are followed, and the answer of the last is the result.
func TestRedirects(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/from":
			http.Redirect(w, r, "/to", http.StatusTemporaryRedirect)
		case "/forever":
			http.Redirect(w, r, "/forever", http.StatusFound)
		case "/same":
			w.WriteHeader(http.StatusNotModified)
		default:
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, r.Method+" "+r.URL.Path+" "+string(body))
		}
	})
	call := func(path string) map[string]any {
		return request(t, workflows.Options{}, map[string]any{"method": "POST", "url": url + path, "body": map[string]any{"a": 1}})
	}
	if diff := cmp.Diff(any(`POST /to {"a":1}`), call("/from")["body"]); diff != "" {
		t.Errorf("redirected request (-want +got):\n%s", diff)
	}
	for path, tag := range map[string]string{"/forever": "ConnectionError", "/same": "HttpError"} {
		raised, _ := call(path)["raised"].(map[string]any)
		if diff := cmp.Diff([]any{tag}, raised["tags"]); diff != "" {
			t.Errorf("%s: tags (-want +got):\n%s", path, diff)
		}
	}
}

// TestMethods: the shorthands and every method of http.request.
func TestMethods(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Method", r.Method+"?"+r.URL.RawQuery)
	})
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"} {
		got := request(t, workflows.Options{}, map[string]any{"method": method, "url": url + "/?a=b%3bc", "query": map[string]any{"d": []any{1.5, false}}})
		headers, _ := got["headers"].(map[string]any)
		if want := method + "?a=b%3bc&d=1.5&d=false"; headers["X-Method"] != want {
			t.Errorf("http.request sent %v, want %s", headers["X-Method"], want)
		}
	}
	for name, method := range map[string]string{"get": "GET", "post": "POST", "put": "PUT", "patch": "PATCH", "delete": "DELETE"} {
		x := run(t, workflows.Options{}, `
main:
  params: [url]
  steps:
  - a: {call: http.`+name+`, args: ["${url}", 30], result: r}
  - b: {return: '${r.headers["X-Method"]}'}`, `"`+url+`"`)
		if want := `"` + method + `?"`; outcome(x) != want {
			t.Errorf("http.%s sent %s, want %s", name, outcome(x), want)
		}
	}
}

// TestBytesBothWays: bytes are sent as they are, and what is neither JSON nor
// text comes back as bytes.
func TestBytesBothWays(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Type", r.Header.Get("Content-Type"))
		w.Header().Set("Content-Type", r.URL.Query().Get("t"))
		_, _ = io.Copy(w, r.Body)
	})
	for _, tc := range []struct{ name, headers, respond, want string }{
		{"no content type", `{}`, "image/png", `["application/octet-stream","bytes","wP8="]`},
		{"own content type", `{content-type: image/png}`, "image/png", `["image/png","bytes","wP8="]`},
		{"json of bytes", `{Content-Type: application/json}`, "application/octet-stream", `["application/json","bytes","wP8="]`},
	} {
		x := run(t, workflows.Options{}, `
main:
  params: [url]
  steps:
  - a: {assign: [{b: '${base64.decode("wP8=")}'}]}
  - c: {call: http.post, args: {url: "${url}", query: {t: `+tc.respond+`}, headers: `+tc.headers+`, body: "${b}"}, result: r}
  - d: {return: '${[r.headers["X-Type"], get_type(r.body), base64.encode(r.body)]}'}`, `"`+url+`"`)
		if diff := cmp.Diff(tc.want, outcome(x)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

// TestMalformedJSONResponse: a body that is not what its type says raises
// ResponseTypeError.
func TestMalformedJSONResponse(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{")
	})
	raised, _ := request(t, workflows.Options{}, map[string]any{"method": "GET", "url": url})["raised"].(map[string]any)
	if diff := cmp.Diff([]any{"ResponseTypeError"}, raised["tags"]); diff != "" {
		b, _ := json.Marshal(raised)
		t.Errorf("tags (-want +got):\n%s\n%s", diff, b)
	}
}
