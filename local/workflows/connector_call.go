package workflows

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"orderflow.dev/local/workflows/expr"
	"orderflow.dev/local/workflows/stdlib"
)

// connectorCall is one call of a connector; arguments that are absent are null.
type connectorCall struct {
	*connector
	f        *frame
	args     map[string]any
	settings connectorSettings
	began    time.Time // in real time
	deadline time.Time // on the engine's clock
	remote   remote
}

// call makes a call and, if it starts an operation, waits for that: the result is the finished operation, as the
// reference says of the methods that wait.
func (c *connector) call(f *frame, args map[string]any) (any, error) {
	call, err := c.prepare(f, args)
	if err != nil {
		return nil, err
	}
	v, err := call.start()
	if err != nil || !c.operation || call.settings.skipPolling {
		return v, err
	}
	return call.wait(v)
}

func (c *connector) prepare(f *frame, args map[string]any) (*connectorCall, error) {
	return c.prepareNth(f, args, 0)
}

// prepareNth is prepare for one of several calls that a workflow makes as one.
func (c *connector) prepareNth(f *frame, args map[string]any, n int) (*connectorCall, error) {
	if c.name == createExecution {
		f = f.bearing(n)
	}
	settings, err := c.readSettings(args["connector_params"])
	if err != nil {
		return nil, err
	}
	call := &connectorCall{connector: c, f: f, args: args, settings: settings, began: time.Now()}
	call.deadline = f.ex.clock.Now().Add(settings.timeout)
	call.remote, err = f.ex.engine.remote(c.service, c.root)
	return call, err
}

// start sends the request of the method.
func (c *connectorCall) start() (any, error) {
	path, err := c.expand()
	if err != nil {
		return nil, err
	}
	root, err := c.regionalRoot()
	if err != nil {
		return nil, err
	}
	query, err := c.query()
	if err != nil {
		return nil, err
	}
	for _, names := range [][]string{c.required, c.optional, {"alt"}} {
		for _, name := range names {
			if v := c.args[name]; v != nil {
				query[name] = v
			}
		}
	}
	request := map[string]any{"method": c.verb, "url": root + path, "query": query, "body": c.args["body"]}
	if c.args["uploadType"] != nil {
		request["url"] = uploadURL(root) + path
		if _, text := c.args["body"].(string); text {
			request["headers"] = map[string]any{"Content-Type": "text/plain; charset=utf-8"}
		}
	}
	// The fragment of a URL is never sent; it tells a service that is asked over gRPC which method is meant.
	request["url"] = request["url"].(string) + "#" + c.name[strings.LastIndexByte(c.name, '.')+1:]
	return c.send(request)
}

// query copies the argument query, unless that is one parameter among the others.
func (c *connectorCall) query() (map[string]any, error) {
	if c.ownQuery() {
		return map[string]any{}, nil
	}
	given, ok := c.args["query"].(map[string]any)
	if !ok && c.args["query"] != nil {
		return nil, expr.Errorf(expr.TagType, "argument query of %s must be a map, got %s",
			c.name, expr.TypeName(c.args["query"]))
	}
	query := map[string]any{}
	maps.Copy(query, given)
	return query, nil
}

// expand puts the arguments into the path. What is percent-encoded already stays so, and "/" too: the reference tells
// authors to encode the names of objects themselves.
func (c *connectorCall) expand() (string, error) {
	var err error
	path := pathParameter.ReplaceAllStringFunc(c.path, func(p string) string {
		name := strings.Trim(p, "{+}")
		s, ok := plain(c.args[name])
		switch {
		case !ok:
			err = expr.Errorf(expr.TagType, "argument %s of %s must be a string, got %s",
				name, c.name, expr.TypeName(c.args[name]))
		case s == "":
			err = expr.Errorf(expr.TagValue, "argument %s of %s must not be empty", name, c.name)
		}
		return escapePath(s)
	})
	return path, err
}

// escapePath encodes what cannot stand in the path of a URL.
func escapePath(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		encoded := c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2])
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if encoded || letter || strings.IndexByte("0123456789-._~!$&'()*+,;=:@/", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func isHex(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 }

// regionalRoot is the base URL, of the region that an argument names if the service has a host for each.
func (c *connectorCall) regionalRoot() (string, error) {
	if c.host == "" || c.args[c.host] == nil && !c.hostRequired {
		return c.remote.root, nil
	}
	region, ok := c.args[c.host].(string)
	if !ok || region == "" {
		return "", expr.Errorf(expr.TagType, "argument %s of %s must be the name of a region, got %s",
			c.host, c.name, expr.Describe(c.args[c.host]))
	}
	if c.remote.root != c.root {
		return c.remote.root, nil // an endpoint of the options serves all regions
	}
	return strings.Replace(c.root, "https://", "https://"+escapePath(region)+"-", 1), nil
}

// uploadURL is where a service takes the data of objects: below /upload of its host.
func uploadURL(root string) string {
	scheme, rest, _ := strings.Cut(root, "://")
	host, path, _ := strings.Cut(rest, "/")
	return scheme + "://" + host + "/upload/" + path
}

// send sends a request, again if its policy says so: http.default_retry for GET, http.default_retry_non_idempotent for
// what is not.
func (c *connectorCall) send(request map[string]any) (any, error) {
	predicate := "http.default_retry_predicate_non_idempotent"
	if request["method"] == http.MethodGet {
		predicate = "http.default_retry_predicate"
	}
	policy := retryPolicy{maxRetries: 5, initial: 1, max: 60, mul: 1.25}
	for attempt := 1; ; attempt++ {
		v, err := c.once(request)
		var raised *expr.Error
		if err == nil || !errors.As(err, &raised) || attempt > policy.maxRetries {
			return v, err
		}
		again, perr := stdlib.Functions[predicate].Call([]any{raised.Value})
		if perr != nil || again != true {
			return nil, err
		}
		if err := c.pause(policy.delay(attempt)); err != nil {
			return nil, err
		}
	}
}

// once sends a request once and gives the body of the response; an empty one is null.
func (c *connectorCall) once(request map[string]any) (any, error) {
	left := c.deadline.Sub(c.f.ex.clock.Now())
	if left <= 0 {
		return nil, c.overtime()
	}
	args := maps.Clone(request)
	args["timeout"] = min(left.Seconds(), float64(c.f.ex.limits().HTTPSeconds))
	if !c.remote.self {
		args["auth"] = map[string]any{"type": "OAuth2", "scopes": c.settings.scopes}
	}
	v, err := (&httpCall{f: c.f, name: c.name, args: args, via: c.remote.via}).run()
	if err != nil {
		return nil, err
	}
	body := v.(map[string]any)["body"]
	if b, ok := body.(expr.Bytes); ok && len(b) == 0 {
		return nil, nil
	}
	return body, nil
}

// pause waits within the time of the call.
func (c *connectorCall) pause(d time.Duration) error {
	clock := c.f.ex.clock
	if clock.Now().Add(d).After(c.deadline) {
		if err := clock.Sleep(c.f.ctx, c.deadline.Sub(clock.Now())); err != nil {
			return err
		}
		return c.overtime()
	}
	return clock.Sleep(c.f.ctx, d)
}

func (c *connectorCall) overtime() error {
	return expr.Errorf(expr.TagTimeout, "%s took longer than %s (connector_params.timeout)", c.name, c.settings.timeout)
}
