// Package gateway stands for the deployed API gateway: it routes paths to
// functions the way path translation CONSTANT_ADDRESS does. The function gets
// the request at its own URL, and the path's parameters as query parameters.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// New returns the gateway. Method, headers, body and query of a request go on
// unchanged, but for the client's token: it is forwarded in
// X-Forwarded-Authorization, since Authorization has the gateway's own, by which
// a function admits it. Unknown paths are answered with 404, other methods of known paths
// with 405, unreachable functions with 502, and what is over the deployed gateway's limits
// with 431, 413 or 408, all as application/problem+json.
// Error: every route that is malformed or conflicts with another.
func New(routes []Route) (http.Handler, error) {
	t, err := newTable(routes)
	if err != nil {
		return nil, err
	}
	return &gateway{table: t, proxy: &httputil.ReverseProxy{
		Rewrite:       rewrite,
		Transport:     transport(),
		FlushInterval: -1, // answers may be streams
		BufferPool:    buffers{},
		ErrorHandler:  unreachable,
	}}, nil
}

type gateway struct {
	table table
	proxy *httputil.ReverseProxy
}

// destination is where one request goes; it travels in the request's context.
type destination struct {
	target *url.URL
	params string // encoded as a query
}

type destinationKey struct{}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !bounded(w, r) {
		return
	}
	route, values, allowed := g.table.find(r.Method, r.URL.EscapedPath())
	switch {
	case route != nil:
		d := destination{route.target, route.query(values)}
		g.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), destinationKey{}, d)))
	case len(allowed) > 0:
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		problem(w, http.StatusMethodNotAllowed, fmt.Sprintf("%s does not have the method %s: it has %s", clipped(r.URL.Path), r.Method, strings.Join(allowed, ", ")))
	default:
		problem(w, http.StatusNotFound, fmt.Sprintf("there is no %s: look at the path, version and all", clipped(r.URL.Path)))
	}
}

// query encodes the parameters in the order of the path.
func (c *compiled) query(values []string) string {
	var parts []string
	for _, s := range c.segments {
		if s.name != "" {
			parts = append(parts, url.QueryEscape(s.name)+"="+url.QueryEscape(values[len(parts)]))
		}
	}
	return strings.Join(parts, "&")
}

func rewrite(pr *httputil.ProxyRequest) {
	d := pr.In.Context().Value(destinationKey{}).(destination)
	u := *d.target
	u.RawQuery = joinQuery(d.target.RawQuery, pr.In.URL.RawQuery, d.params)
	pr.Out.URL, pr.Out.Host = &u, ""
	pr.Out.Header["X-Forwarded-For"] = pr.In.Header["X-Forwarded-For"]
	pr.SetXForwarded()
	if token := pr.In.Header.Get("Authorization"); token != "" { // who has none is refused by the function here
		pr.Out.Header.Set("X-Forwarded-Authorization", token)
		pr.Out.Header.Set("Authorization", "Bearer the-gateways-own")
	}
}

func joinQuery(parts ...string) string {
	var present []string
	for _, p := range parts {
		if p != "" {
			present = append(present, p)
		}
	}
	return strings.Join(present, "&")
}

// unreachable gets the request as it went out.
func unreachable(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) || unsent(w, err) {
		return // the client is gone, or at fault
	}
	problem(w, http.StatusBadGateway, fmt.Sprintf("the function at %s%s cannot be reached: %v", r.URL.Host, r.URL.Path, err))
}

// transport leaves bodies as they are and keeps connections for many requests
// at once.
func transport() *http.Transport {
	return &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 512,
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  true,
	}
}

// buffers shares the copy buffers between requests.
type buffers struct{}

var pool = sync.Pool{New: func() any { return new([32 << 10]byte) }}

func (buffers) Get() []byte { return pool.Get().(*[32 << 10]byte)[:] }

func (buffers) Put(b []byte) { pool.Put((*[32 << 10]byte)(b)) }
