package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"orderflow.dev/local/gateway"
)

// FuzzPath: whatever path is asked for, there is an answer, and a function gets the last id of its query from the path.
func FuzzPath(f *testing.F) {
	var got []string
	function := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.URL.Query()["id"] }))
	f.Cleanup(function.Close)
	h, err := gateway.New([]gateway.Route{{Method: "GET", Path: "/v1/orders/{id}", Target: function.URL}})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"/v1/orders/a", "/v1/orders/", "/v1/orders/%2F", "/v1/orders/a?id=b", "/v1/orders/%zz", "//v1/orders/a", "/v1/../orders", "/v1/orders/a%00&id=c", "*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || u.Host != "" {
			return // no server gets that far
		}
		got = nil
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		r.URL, r.RequestURI = u, target
		h.ServeHTTP(w, r)
		want, routed := strings.CutPrefix(u.Path, "/v1/orders/")
		if len(got) > 0 && (!routed || got[len(got)-1] != want) {
			t.Errorf("%q: the function gets %q, want %q", target, got, want)
		}
		if w.Code != http.StatusOK && w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%q: answer %d %s", target, w.Code, w.Header().Get("Content-Type"))
		}
	})
}
