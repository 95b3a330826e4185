package gateway

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Route sends the requests of one method and path to a function.
type Route struct {
	// Method is an HTTP method in capitals.
	Method string
	// Path begins with a slash; a segment in braces, {order_id}, stands for any
	// one segment that is not empty.
	Path string
	// Target is the function's URL.
	Target string
}

// compiled is a Route ready to match.
type compiled struct {
	method   string
	path     string
	segments []segment
	target   *url.URL
}

// segment is a literal, or a parameter if name is set.
type segment struct {
	literal, name string
}

func compile(r Route) (compiled, error) {
	c := compiled{method: r.Method, path: r.Path}
	var err error
	if r.Method == "" || strings.Trim(r.Method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		err = fmt.Errorf("method %q", r.Method)
	}
	if err == nil {
		c.segments, err = parsePath(r.Path)
	}
	if err == nil {
		c.target, err = parseTarget(r.Target)
	}
	if err != nil {
		return c, fmt.Errorf("route %s %s: %w", r.Method, r.Path, err)
	}
	return c, nil
}

func parsePath(path string) ([]segment, error) {
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		return nil, fmt.Errorf("path %q does not begin with a slash", path)
	}
	var segments []segment
	var names []string
	for _, text := range strings.Split(rest, "/") {
		s, err := parseSegment(text)
		if err == nil && s.name != "" && slices.Contains(names, s.name) {
			err = fmt.Errorf("parameter {%s} twice", s.name)
		}
		if err == nil && text == "" && rest != "" {
			err = fmt.Errorf("empty segment in %q", path)
		}
		if err != nil {
			return nil, err
		}
		names = append(names, s.name)
		segments = append(segments, s)
	}
	return segments, nil
}

func parseSegment(text string) (segment, error) {
	if !strings.ContainsAny(text, "{}*?#% ") {
		return segment{literal: text}, nil
	}
	inner, open := strings.CutPrefix(text, "{")
	name, closed := strings.CutSuffix(inner, "}")
	if !open || !closed || name == "" || strings.ContainsAny(name, "{}*?#%= ") {
		return segment{}, fmt.Errorf("segment %q is neither a literal nor a {parameter}", text)
	}
	return segment{name: name}, nil
}

func parseTarget(target string) (*url.URL, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	if u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.Fragment != "" {
		return nil, fmt.Errorf("target %q: want http(s)://host[/path]", target)
	}
	return u, nil
}

// match returns the parameters in the order of the path. segments are unescaped.
func (c compiled) match(segments []string) ([]string, bool) {
	if len(segments) != len(c.segments) {
		return nil, false
	}
	var values []string
	for i, s := range c.segments {
		switch {
		case s.name != "" && segments[i] != "":
			values = append(values, segments[i])
		case s.name != "" || s.literal != segments[i]:
			return nil, false
		}
	}
	return values, true
}

// overlap says how the paths of two routes relate: whether some path matches
// both, and whether each is in some segment more specific than the other.
func overlap(a, b compiled) (both, aFirst, bFirst bool) {
	if len(a.segments) != len(b.segments) {
		return false, false, false
	}
	for i, s := range a.segments {
		t := b.segments[i]
		switch {
		case s.name == "" && t.name == "" && s.literal != t.literal:
			return false, false, false
		case s.name == "" && t.name != "":
			aFirst = true
		case s.name != "" && t.name == "":
			bFirst = true
		}
	}
	return true, aFirst, bFirst
}
