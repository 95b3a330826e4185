package workflows

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"orderflow.dev/local/workflows/expr"
	"orderflow.dev/local/workflows/stdlib"
)

// symbols tells the expression resolver what names mean at one place.
type symbols struct {
	wf    *Workflow
	names *names
}

func (s symbols) Variable(name string) bool { return s.names.has(name) }

func (s symbols) Global(path string) (any, bool) {
	if v, ok := stdlib.Globals[path]; ok {
		return v, true
	}
	if _, ok := s.wf.callee(path); ok {
		return expr.Func{Name: path}, true
	}
	return nil, false
}

func (s symbols) CheckCall(name string, n int) (text, hint string) {
	c, ok := s.wf.callee(name)
	switch {
	case !ok:
		return unknownCallee(s.wf, name)
	case c.blocking:
		return fmt.Sprintf("%s cannot be called in an expression", name), "call it in a call step"
	case n < c.required() || n > len(c.params):
		return fmt.Sprintf("%s takes %s, got %d", name, c.arity(), n), c.signature()
	}
	return "", ""
}

// unknownCallee describes a name that is no function.
func unknownCallee(w *Workflow, name string) (text, hint string) {
	if strings.HasPrefix(name, connectorPrefix) {
		return unknownConnector(name)
	}
	names := slices.Concat(slices.Collect(maps.Keys(functions)), slices.Collect(maps.Keys(w.routines)))
	if similar := nearest(name, names); similar != "" {
		hint = "did you mean " + similar + "?"
	}
	return fmt.Sprintf("%q is neither a standard function nor a subworkflow", name), hint
}

// nearest is the name most like another one, or empty if none is like it.
func nearest(name string, names []string) string {
	slices.Sort(names)
	best, bestDistance := "", min(len(name)/3+1, len(name)-1)
	for _, n := range names {
		if d := distance(name, n); d <= bestDistance && (best == "" || d < bestDistance) {
			best, bestDistance = n, d
		}
	}
	return best
}

// distance is the Levenshtein distance, for suggestions.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
