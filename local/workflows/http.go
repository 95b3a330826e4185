package workflows

import (
	"context"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"orderflow.dev/local/workflows/expr"
	"orderflow.dev/local/workflows/stdlib"
)

// userAgent is what the service sends, appended to a User-Agent given.
const userAgent = "GoogleCloudWorkflows; (+https://cloud.google.com/workflows/docs)"

// registerHTTP adds http.request and its shorthands.
func registerHTTP() {
	optional := func(params []stdlib.Param, names ...string) []stdlib.Param {
		for _, n := range names {
			params = stdlib.With(params, n, nil)
		}
		return params
	}
	register := func(name, method string, params []stdlib.Param) {
		functions[name] = &callee{name, params, true, func(f *frame, args []any) (any, error) {
			named := map[string]any{"method": method}
			for i, p := range params {
				named[p.Name] = args[i]
			}
			return (&httpCall{f: f, name: name, args: named}).run()
		}}
	}
	tail := []string{"headers", "query", "auth", "private_service_name", "ca_certificate"}
	for _, method := range []string{"post", "put", "patch", "delete"} {
		register("http."+method, strings.ToUpper(method), optional(optional(stdlib.Params("url"), "timeout", "body"), tail...))
	}
	register("http.get", "GET", optional(optional(stdlib.Params("url"), "timeout"), tail...))
	register("http.request", "", optional(optional(stdlib.Params("method", "url"), "timeout", "body"), tail...))
}

// httpCall is one call of an http function with its arguments by name; absent
// ones are null.
type httpCall struct {
	f    *frame
	name string
	args map[string]any
	via  *http.Client // of a connector, whose calls are never external; nil for the one of the options
}

func (c *httpCall) run() (any, error) {
	timeout, err := c.timeout()
	if err != nil {
		return nil, err
	}
	ctx, cancel := withTimeout(c.f.ctx, c.f.ex.clock, timeout)
	defer cancel()
	req, err := c.request(ctx)
	if err != nil {
		return nil, err
	}
	if c.via == nil && external(req.URL.Hostname()) {
		c.f.ex.billExternal()
	}
	client := c.via
	if client == nil {
		if client, err = c.client(); err != nil {
			return nil, err
		}
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, c.failure(err)
	}
	defer resp.Body.Close()
	limit := c.f.ex.engine.options.Limits.ResponseBytes
	data, err := io.ReadAll(io.LimitReader(resp.Body, int64(limit)+1))
	if err != nil {
		return nil, c.failure(err)
	}
	if len(data) > limit {
		return nil, expr.Errorf(expr.TagResourceLimit, "HTTP response exceeds %d bytes", limit)
	}
	return response(resp, data)
}

// failure classifies an error of the transport: over time, not connected at all,
// or broken later.
func (c *httpCall) failure(err error) error {
	if c.f.ctx.Err() != nil {
		return context.Cause(c.f.ctx)
	}
	var op *net.OpError
	var dns *net.DNSError
	var netErr net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return expr.Errorf(expr.TagTimeout, "%s: no response in time: %v", c.name, err)
	case errors.As(err, &dns), errors.As(err, &op) && op.Op == "dial":
		return expr.Errorf(expr.TagConnectionFailed, "%s: %v", c.name, err)
	}
	return expr.Errorf(expr.TagConnection, "%s: %v", c.name, err)
}

func (c *httpCall) timeout() (time.Duration, error) {
	v := c.args["timeout"]
	if v == nil {
		return defaultHTTPSeconds * time.Second, nil
	}
	n, ok := number(v)
	if !ok {
		return 0, expr.Errorf(expr.TagType, "argument timeout of %s must be a number, got %s", c.name, expr.TypeName(v))
	}
	if limit := c.f.ex.engine.options.Limits.HTTPSeconds; !(n > 0 && n <= float64(limit)) {
		return 0, expr.Errorf(expr.TagValue, "argument timeout of %s must be above 0 and at most %d seconds, got %s", c.name, limit, expr.FormatDouble(n))
	}
	return seconds(n), nil
}

// response gives {body, code, headers}, or raises it if the code is not 2xx.
func response(resp *http.Response, data []byte) (any, error) {
	headers := make(map[string]any, len(resp.Header))
	for k, values := range resp.Header {
		headers[k] = strings.Join(values, ",")
	}
	body, err := decodeBody(resp.Header.Get("Content-Type"), data)
	if resp.StatusCode/100 == 2 {
		if err != nil {
			return nil, err
		}
		return map[string]any{"body": body, "code": int64(resp.StatusCode), "headers": headers}, nil
	}
	if _, opaque := body.(expr.Bytes); err != nil || opaque && utf8.Valid(data) {
		body = string(data) // neither malformed nor untyped error pages may hide the error
	}
	return nil, &expr.Error{Value: map[string]any{
		"tags":    []any{expr.TagHTTP},
		"message": "HTTP server responded with error code " + strconv.Itoa(resp.StatusCode),
		"code":    int64(resp.StatusCode),
		"headers": headers,
		"body":    body,
	}}
}

// decodeBody types a body by its content type: JSON is parsed, text becomes a
// string, anything else bytes. Nothing is null, as JSON or without a type.
func decodeBody(contentType string, data []byte) (any, error) {
	if len(data) == 0 && contentType == "" {
		return nil, nil
	}
	media, _, err := mime.ParseMediaType(contentType)
	switch {
	case err != nil && contentType != "":
		media = strings.ToLower(strings.TrimSpace(strings.SplitN(contentType, ";", 2)[0]))
	case contentType == "":
		media = "application/octet-stream"
	}
	switch {
	case isJSON(media):
		if len(data) == 0 {
			return nil, nil
		}
		v, err := expr.DecodeJSON(data)
		if err != nil {
			return nil, expr.Errorf(expr.TagResponseType, "response with Content-Type %s is not JSON: %v", contentType, err)
		}
		return v, nil
	case strings.HasPrefix(media, "text/"):
		return string(data), nil
	}
	return expr.Bytes(data), nil
}

// isJSON accepts application/json and application/type+json.
func isJSON(media string) bool {
	return media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")
}

// internalDomains are billed as internal steps, as the pricing page lists them.
var internalDomains = []string{".run.app", ".cloudfunctions.net", ".googleapis.com", ".appspot.com", ".cloud.goog"}

// external reports whether a call to a host is billed as an external step.
// Loopback and names without a dot (containers) stand for services that run on
// Google Cloud once deployed.
func external(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return !ip.IsLoopback()
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || !strings.Contains(host, ".") {
		return false
	}
	return !slices.ContainsFunc(internalDomains, func(d string) bool { return strings.HasSuffix(host, d) })
}
