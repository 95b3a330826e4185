package gateway

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// table finds the route of a request.
type table []compiled

// newTable orders the routes so that the first that matches is the right one,
// and refuses routes of which neither comes first. All errors are reported.
func newTable(routes []Route) (table, error) {
	var t table
	var errs []error
	for _, r := range routes {
		c, err := compile(r)
		if err == nil {
			err = t.conflict(c)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		t = append(t, c)
	}
	slices.SortStableFunc(t, bySpecificity)
	return t, errors.Join(errs...)
}

func (t table) conflict(c compiled) error {
	for _, other := range t {
		both, first, otherFirst := overlap(c, other)
		if both && c.method == other.method && first == otherFirst {
			return fmt.Errorf("route %s %s: conflicts with %s", c.method, c.path, other.path)
		}
	}
	return nil
}

// bySpecificity puts routes with fewer parameters first. Two that overlap never
// have equally many: one of them is more specific in every segment they differ.
func bySpecificity(a, b compiled) int {
	return a.parameters() - b.parameters()
}

func (c compiled) parameters() int {
	n := 0
	for _, s := range c.segments {
		if s.name != "" {
			n++
		}
	}
	return n
}

// find returns the route and its parameters' values. If none has the method,
// allowed names the methods the path has, sorted.
func (t table) find(method, escapedPath string) (route *compiled, values, allowed []string) {
	segments, err := split(escapedPath)
	if err != nil {
		return nil, nil, nil
	}
	for i := range t {
		values, ok := t[i].match(segments)
		switch {
		case ok && t[i].method == method:
			return &t[i], values, nil
		case ok:
			allowed = append(allowed, t[i].method)
		}
	}
	slices.Sort(allowed)
	return nil, nil, slices.Compact(allowed)
}

// split unescapes after splitting, so that an escaped slash stays in its segment.
func split(escapedPath string) ([]string, error) {
	segments := strings.Split(strings.TrimPrefix(escapedPath, "/"), "/")
	for i, s := range segments {
		var err error
		if segments[i], err = url.PathUnescape(s); err != nil {
			return nil, err
		}
	}
	return segments, nil
}
