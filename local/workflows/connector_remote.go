package workflows

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"orderflow.dev/local/workflows/expr"
)

// remote is where a connector finds its service.
type remote struct {
	root string // base URL of the methods
	via  *http.Client
	self bool // the service is this engine
}

// remotes keeps what reaches services that are not asked over HTTP.
type remotes struct {
	mu   sync.Mutex
	self *http.Client
	rpc  map[string]*http.Client // by address
}

// remote finds a service whose methods are below root on Google Cloud.
func (e *Engine) remote(service, root string) (remote, error) {
	endpoint := e.endpoint(service)
	if endpoint == "" && (service == "workflowexecutions" || service == "workflows") {
		return remote{root, e.selfClient(), true}, nil
	}
	if endpoint == "" {
		return remote{root: root, via: e.options.HTTP}, nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return remote{}, expr.Errorf(expr.TagValue, "endpoint %q of %s is no URL such as http://localhost:8080 or grpc://localhost:8085", endpoint, service)
	}
	out := remote{via: e.options.HTTP}
	if u.Scheme == "grpc" {
		if out.via, err = e.rpcClient(service, u.Host); err != nil {
			return remote{}, err
		}
		u.Scheme = "http"
	}
	path, _ := url.Parse(root)
	out.root = u.Scheme + "://" + u.Host + strings.TrimSuffix(u.Path, "/") + path.Path
	return out, nil
}

// endpoint is the address of a service as the options or the environment have it, or nothing. Google's emulators of
// Pub/Sub and Firestore answer gRPC and REST on one port, others only gRPC, so gRPC is what all understand.
func (e *Engine) endpoint(service string) string {
	if v := e.options.Endpoints[service]; v != "" {
		return v
	}
	switch service {
	case "pubsub", "firestore":
		if host := os.Getenv(strings.ToUpper(service) + "_EMULATOR_HOST"); host != "" {
			return "grpc://" + host
		}
	case "storage":
		host := os.Getenv("STORAGE_EMULATOR_HOST")
		if host != "" && !strings.Contains(host, "://") {
			return "http://" + host
		}
		return host
	}
	return ""
}

// selfClient asks the engine's own API.
func (e *Engine) selfClient() *http.Client {
	e.remotes.mu.Lock()
	defer e.remotes.mu.Unlock()
	if e.remotes.self == nil {
		e.remotes.self = &http.Client{Transport: handlerTransport{e.Handler()}}
	}
	return e.remotes.self
}

// rpcClient asks a service over gRPC, until the engine ends.
func (e *Engine) rpcClient(service, address string) (*http.Client, error) {
	e.remotes.mu.Lock()
	defer e.remotes.mu.Unlock()
	if c := e.remotes.rpc[address]; c != nil {
		return c, nil
	}
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(4*e.options.Limits.ResponseBytes)))
	if err != nil {
		return nil, expr.Errorf(expr.TagConnectionFailed, "%s at %s: %v", service, address, err)
	}
	context.AfterFunc(e.ctx, func() { _ = conn.Close() }) // nothing waits for it
	c := &http.Client{Transport: rpcTransport{conn, e.options.Limits.ResponseBytes}}
	if e.remotes.rpc == nil {
		e.remotes.rpc = map[string]*http.Client{}
	}
	e.remotes.rpc[address] = c
	return c, nil
}

// handlerTransport sends requests to a handler of the same process.
type handlerTransport struct{ handler http.Handler }

// RoundTrip answers once the handler has.
func (t handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &answerRecorder{header: http.Header{}, code: http.StatusOK}
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	t.handler.ServeHTTP(w, in)
	return w.response(r), nil
}

// answerRecorder keeps what a handler answers.
type answerRecorder struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (w *answerRecorder) Header() http.Header         { return w.header }
func (w *answerRecorder) WriteHeader(code int)        { w.code = code }
func (w *answerRecorder) Write(b []byte) (int, error) { return w.body.Write(b) }

func (w *answerRecorder) response(r *http.Request) *http.Response {
	return &http.Response{
		Status: fmt.Sprint(w.code, " ", http.StatusText(w.code)), StatusCode: w.code, Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()),
	}
}
