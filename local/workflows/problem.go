package workflows

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one fault in a workflow definition.
type Problem struct {
	File         string
	Line, Column int // from 1
	Text, Hint   string
}

// Error writes the problem as "file:line:col: text (hint)".
func (p Problem) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
	if p.Hint != "" {
		s += " (" + p.Hint + ")"
	}
	return s
}

// Problems is every fault Compile found: first what is malformed, then names
// that refer to nothing, each in the order of the source.
type Problems []Problem

// Error writes one problem per line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, x := range p {
		lines[i] = x.Error()
	}
	return strings.Join(lines, "\n")
}

func (p Problems) sort() {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
