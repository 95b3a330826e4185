package workflows

import (
	"context"
	"net"
	"slices"
	"strings"

	"github.com/google/uuid"

	"orderflow.dev/local/workflows/expr"
	"orderflow.dev/local/workflows/stdlib"
)

// callbackMethods may be asked for a callback, as the guide to callbacks lists them.
var callbackMethods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}

// defaultCallbackSeconds is how long events.await_callback waits unless it says otherwise (reference).
const defaultCallbackSeconds = 43200.0

const createName, awaitName = "events.create_callback_endpoint", "events.await_callback"

// registerCallbacks adds the functions of the events module. The reference counts only the second among those that block.
func registerCallbacks() {
	functions[createName] = &callee{createName, stdlib.With(nil, "http_callback_method", "POST"), false, createCallback}
	functions[awaitName] = &callee{awaitName, stdlib.With(stdlib.Params("callback"), "timeout", defaultCallbackSeconds), true, awaitCallback}
}

// createCallback opens an endpoint of the execution and gives its URL.
func createCallback(f *frame, args []any) (any, error) {
	method, ok := args[0].(string)
	if !ok {
		return nil, expr.Errorf(expr.TagType, "argument http_callback_method must be a string, got %s", expr.TypeName(args[0]))
	}
	if !slices.Contains(callbackMethods, method) {
		return nil, expr.Errorf(expr.TagValue, "argument http_callback_method must be one of %s, got %q", strings.Join(callbackMethods, ", "), method)
	}
	id, err := f.thread.inline(createName, func() (any, error) { return uuid.NewString(), nil })
	if err != nil {
		return nil, err
	}
	f.ex.callbacks.open(id.(string), method)
	return map[string]any{"url": f.ex.engine.baseURL() + "/v1/" + f.ex.state.Name + "/callbacks/" + id.(string)}, nil
}

// awaitCallback waits for a request to an endpoint.
func awaitCallback(f *frame, args []any) (any, error) {
	id, err := callbackID(args[0])
	if err != nil {
		return nil, err
	}
	n, ok := number(args[1])
	switch {
	case !ok:
		return nil, expr.Errorf(expr.TagType, "argument timeout of events.await_callback must be a number, got %s", expr.TypeName(args[1]))
	case !(n >= 0):
		return nil, expr.Errorf(expr.TagValue, "argument timeout of events.await_callback must not be negative, got %s", expr.FormatDouble(n))
	}
	r, err := f.ex.callbacks.take(f.ctx, id, func(ctx context.Context) error { return f.ex.clock.Sleep(ctx, seconds(n)) })
	switch {
	case err != nil:
		return nil, err
	case r == nil:
		return nil, expr.Errorf(expr.TagTimeout, "events.await_callback: no request came within %s seconds", expr.FormatDouble(n))
	}
	return r.value(), nil
}

// callbackID reads the id from what createCallback gave.
func callbackID(v any) (string, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return "", expr.Errorf(expr.TagType, "argument callback of events.await_callback must be a map, got %s", expr.TypeName(v))
	}
	link, ok := m["url"].(string)
	if !ok {
		return "", expr.Errorf(expr.TagType, "argument callback of events.await_callback must have a url, got %s", expr.Describe(v))
	}
	return link[strings.LastIndexByte(link, '/')+1:], nil
}

// baseURL is where the engine is reached; empty if it neither serves nor was told, which makes URLs relative.
func (e *Engine) baseURL() string {
	if u := e.options.BaseURL; u != "" {
		return strings.TrimSuffix(u, "/")
	}
	address, _ := e.address.Load().(string)
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}
