package workflowstest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"time"

	"orderflow.dev/local/workflows/virtual"
)

// Call is one HTTP call of a workflow.
type Call struct {
	Method string
	URL    string
	Header http.Header
	Body   any           // as encoding/json decodes it if it is JSON, nil if there is none, else a string
	At     time.Duration // when it was made, from the start of the execution
	Code   int           // that was answered, 0 if no answer came
}

// ErrRefused is what a handler panics with to refuse the connection; the workflow
// sees a ConnectionFailedError.
var ErrRefused error = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}

// network answers calls by a handler.
type network struct {
	handler http.Handler
	clock   *virtual.Clock
	start   time.Time

	mu    sync.Mutex
	calls []*Call
}

// RoundTrip answers a call in the goroutine that makes it. Calls of threads that
// work at the same time are answered one after the other, in the order of the
// threads: when nobody works who could make another.
func (n *network) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := readBody(req)
	if err != nil {
		return nil, err
	}
	if err := n.clock.Sleep(req.Context(), 0); err != nil {
		return nil, err
	}
	c := n.record(req, body)
	answer := httptest.NewRecorder()
	if err := n.serve(answer, req, body); err != nil {
		return nil, err
	}
	if err := req.Context().Err(); err != nil {
		return nil, context.Cause(req.Context())
	}
	if n.clock.Late(req.Context()) {
		return nil, context.DeadlineExceeded
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	c.Code = answer.Code
	resp := answer.Result()
	resp.Request = req
	return resp, nil
}

// serve calls the handler with the request as a server would see it. The error is
// how the connection broke.
func (n *network) serve(w http.ResponseWriter, req *http.Request, body []byte) (err error) {
	in := req.Clone(context.WithValue(req.Context(), clockKey{}, n.clock))
	in.Body, in.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	in.Host, in.RequestURI, in.RemoteAddr = cmp.Or(req.Host, req.URL.Host), req.URL.RequestURI(), "192.0.2.1:1234"
	in.URL.Scheme, in.URL.Host = "", ""
	defer func() {
		switch p := recover(); p {
		case nil:
		case ErrRefused:
			err = ErrRefused
		case http.ErrAbortHandler:
			err = io.ErrUnexpectedEOF
		default:
			panic(p)
		}
	}()
	n.handler.ServeHTTP(w, in)
	return nil
}

// record notes a call before it is answered.
func (n *network) record(req *http.Request, body []byte) *Call {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := &Call{
		Method: req.Method, URL: strings.TrimSuffix(req.URL.String(), "#"+req.URL.EscapedFragment()), Header: req.Header.Clone(),
		Body: plain(req.Header.Get("Content-Type"), body), At: n.clock.Now().Sub(n.start),
	}
	n.calls = append(n.calls, c)
	return c
}

// made are the calls so far.
func (n *network) made() []Call {
	n.mu.Lock()
	defer n.mu.Unlock()
	calls := make([]Call, len(n.calls))
	for i, c := range n.calls {
		calls[i] = *c
	}
	return calls
}

// readBody reads and closes the body of a request.
func readBody(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(req.Body)
	return body, errors.Join(err, req.Body.Close())
}

// plain is a body as tests compare it.
func plain(contentType string, body []byte) any {
	if len(body) == 0 {
		return nil
	}
	media, _, _ := mime.ParseMediaType(contentType) // what is no media type is no JSON
	var v any
	if strings.HasSuffix(media, "json") && json.Unmarshal(body, &v) == nil {
		return v
	}
	return string(body)
}

type clockKey struct{}

// Sleep lets virtual time pass in a handler; ctx is the request's. The error is
// why it ended early: context.DeadlineExceeded if the timeout of the call came
// first. It panics outside of a handler that Run calls.
func Sleep(ctx context.Context, d time.Duration) error {
	clock, ok := ctx.Value(clockKey{}).(*virtual.Clock)
	if !ok {
		panic("workflowstest.Sleep: ctx is not of a request that a workflow under test makes")
	}
	return clock.Sleep(ctx, d)
}
