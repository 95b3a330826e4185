package stack

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
)

// balance gives each request to the next target, gRPC over h2c and JSON over HTTP/1.1.
func balance(targets []*url.URL) http.Handler {
	h2c := http.DefaultTransport.(*http.Transport).Clone()
	h2c.Protocols = &http.Protocols{}
	h2c.Protocols.SetUnencryptedHTTP2(true)
	h1 := http.DefaultTransport.(*http.Transport).Clone()
	h1.MaxIdleConnsPerHost = 100
	var next atomic.Uint64
	return &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(targets[next.Add(1)%uint64(len(targets))]) },
		Transport:     byContent{h2c, h1},
		FlushInterval: -1,
	}
}

type byContent struct{ grpc, json http.RoundTripper }

func (t byContent) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
		return t.grpc.RoundTrip(r)
	}
	return t.json.RoundTrip(r)
}
