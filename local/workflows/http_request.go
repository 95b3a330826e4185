package workflows

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"orderflow.dev/local/workflows/expr"
)

func (c *httpCall) typeError(argument, want string) error {
	return expr.Errorf(expr.TagType, "argument %s of %s must be %s, got %s", argument, c.name, want, expr.TypeName(c.args[argument]))
}

// methods are those of http.request (reference: http.request).
var methods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}

// request builds the HTTP request from the arguments.
func (c *httpCall) request(ctx context.Context) (*http.Request, error) {
	target, err := c.url()
	if err != nil {
		return nil, err
	}
	method, ok := c.args["method"].(string)
	if !ok {
		return nil, c.typeError("method", "a string")
	}
	if method = strings.ToUpper(method); !slices.Contains(methods, method) {
		return nil, expr.Errorf(expr.TagValue, "argument method of %s must be one of %v, got %q", c.name, methods, method)
	}
	headers, err := c.headers()
	if err != nil {
		return nil, err
	}
	body, err := c.body(headers)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, target.String(), body)
	if err != nil {
		return nil, expr.Errorf(expr.TagValue, "%s: %v", c.name, err)
	}
	req.Header = headers
	if host := headers.Get("Host"); host != "" {
		req.Host = host
	}
	return req, c.authorize(ctx, req)
}

func (c *httpCall) url() (*url.URL, error) {
	text, ok := c.args["url"].(string)
	if !ok {
		return nil, c.typeError("url", "a string")
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, expr.Errorf(expr.TagValue, "argument url of %s is not an http or https URL: %q", c.name, text)
	}
	if c.args["query"] == nil {
		return u, nil
	}
	query, ok := c.args["query"].(map[string]any)
	if !ok {
		return nil, c.typeError("query", "a map")
	}
	values := url.Values{}
	for k, v := range query {
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, item := range list {
			s, ok := plain(item)
			if !ok {
				return nil, expr.Errorf(expr.TagType, "query parameter %q of %s must be a string, number, boolean or a list of them, got %s", k, c.name, expr.TypeName(item))
			}
			values.Add(k, s)
		}
	}
	u.RawQuery = strings.Trim(u.RawQuery+"&"+values.Encode(), "&")
	return u, nil
}

// plain writes a string, number or boolean.
func plain(v any) (string, bool) {
	switch x := v.(type) {
	case string:
		return x, true
	case int64, float64, bool:
		return expr.Describe(x), true
	}
	return "", false
}

func (c *httpCall) headers() (http.Header, error) {
	out := http.Header{}
	if c.args["headers"] != nil {
		given, ok := c.args["headers"].(map[string]any)
		if !ok {
			return nil, c.typeError("headers", "a map")
		}
		for k, v := range given {
			s, ok := v.(string)
			if !ok {
				return nil, expr.Errorf(expr.TagType, "header %q of %s must be a string, got %s", k, c.name, expr.TypeName(v))
			}
			out.Set(k, s)
		}
	}
	out.Set("User-Agent", strings.TrimSpace(out.Get("User-Agent")+" "+userAgent))
	return out, nil
}

// body encodes the body as its Content-Type says, or picks one by its type.
func (c *httpCall) body(headers http.Header) (io.Reader, error) {
	v := c.args["body"]
	if v == nil {
		return nil, nil
	}
	contentType := headers.Get("Content-Type")
	if contentType == "" {
		contentType = "application/json; charset=utf-8"
		if _, ok := v.(expr.Bytes); ok {
			contentType = "application/octet-stream"
		}
		headers.Set("Content-Type", contentType)
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, expr.Errorf(expr.TagValue, "Content-Type %q of %s: %v", contentType, c.name, err)
	}
	if b, ok := v.(expr.Bytes); ok {
		return bytes.NewReader(b), nil
	}
	if isJSON(media) {
		b, err := expr.EncodeJSON(v)
		return bytes.NewReader(b), err
	}
	if media != "application/x-www-form-urlencoded" && !strings.HasPrefix(media, "text/") {
		return nil, expr.Errorf(expr.TagValue, "body with Content-Type %s is not supported by %s", media, c.name)
	}
	s, ok := v.(string)
	if !ok {
		return nil, expr.Errorf(expr.TagType, "body with Content-Type %s of %s must be a string, got %s", media, c.name, expr.TypeName(v))
	}
	return strings.NewReader(s), nil
}

// authorize asks the token source for a token, if the engine has one. OAuth2
// tokens have no audience; their scopes stand in for it.
func (c *httpCall) authorize(ctx context.Context, req *http.Request) error {
	if c.args["auth"] == nil {
		return nil
	}
	auth, ok := c.args["auth"].(map[string]any)
	if !ok {
		return c.typeError("auth", "a map")
	}
	audience, err := audience(auth, fmt.Sprint(c.args["url"]))
	source := c.f.ex.engine.options.Token
	if err != nil || source == nil {
		return err
	}
	token, err := source(ctx, audience)
	if err != nil {
		if ctx.Err() != nil {
			return c.failure(context.Cause(ctx))
		}
		return expr.Errorf(expr.TagAuth, "%s: no token for %s: %v", c.name, audience, err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return nil
}

// audience reads an auth map. An OIDC token is for the URL unless it says
// otherwise.
func audience(auth map[string]any, target string) (string, error) {
	switch auth["type"] {
	case "OIDC":
		switch a := auth["audience"].(type) {
		case string:
			return a, nil
		case nil:
			return target, nil
		}
		return "", expr.Errorf(expr.TagType, "audience of auth must be a string, got %s", expr.TypeName(auth["audience"]))
	case "OAuth2":
		for _, name := range []string{"scopes", "scope"} {
			switch s := auth[name].(type) {
			case string:
				return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' }), " "), nil
			case []any:
				return joinScopes(s)
			case nil:
			default:
				return "", expr.Errorf(expr.TagType, "%s of auth must be a string or a list of strings, got %s", name, expr.TypeName(s))
			}
		}
		return "https://www.googleapis.com/auth/cloud-platform", nil
	}
	return "", expr.Errorf(expr.TagValue, "type of auth must be OIDC or OAuth2, got %s", expr.Describe(auth["type"]))
}

func joinScopes(list []any) (string, error) {
	scopes := make([]string, len(list))
	for i, v := range list {
		var ok bool
		if scopes[i], ok = v.(string); !ok {
			return "", expr.Errorf(expr.TagType, "scopes of auth must be strings, got %s", expr.TypeName(v))
		}
	}
	return strings.Join(scopes, " "), nil
}
