package query

import (
	"fmt"
	"slices"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"orderflow.dev/local/firestore/value"
)

// operator is what a filter asks of a field. In and array-contains-any are none: they are disjunctions of is and
// contains.
type operator byte

const (
	is             operator = iota // equal to the operand: also a null or a NaN
	isNot                          // neither null nor equal to any operand
	less                           // this and the next three: of the operand's kind, too
	lessOrEqual                    //
	greater                        //
	greaterOrEqual                 //
	contains                       // an array, one of whose elements is equal to the operand
)

// inequality says whether Firestore sorts by the field that a filter of this operator is on.
func (o operator) inequality() bool { return o >= isNot && o <= greaterOrEqual }

// filter is a condition on one field.
type filter struct {
	path     value.Path
	op       operator
	operands []*pb.Value // one, but any number for isNot
	never    bool        // no value fulfils it: a comparison with null or NaN
	id       string      // path, operator, operands: equal filters have the same
}

func newFilter(path value.Path, op operator, never bool, operands ...*pb.Value) filter {
	id := []byte(fmt.Sprintf("%s %d %v ", path, op, never))
	for _, v := range operands {
		id = value.AppendKey(id, v, false)
	}
	return filter{path, op, operands, never, string(id)}
}

func (r row) matchesAny(disjunctions []conjunction) bool {
	return slices.ContainsFunc(disjunctions, func(c conjunction) bool { return r.matches(c) })
}

func (r row) matches(c conjunction) bool {
	return !slices.ContainsFunc(c, func(f filter) bool { return !f.matches(r.get(f.path)) })
}

func (f filter) matches(v *pb.Value) bool {
	if v == nil || f.never {
		return false
	}
	equal := func(operand *pb.Value) bool { return value.Equal(v, operand) }
	switch f.op {
	case is:
		return equal(f.operands[0])
	case isNot:
		return value.KindOf(v) != value.Null && !slices.ContainsFunc(f.operands, equal)
	case contains:
		element := func(e *pb.Value) bool { return value.Equal(e, f.operands[0]) }
		return slices.ContainsFunc(v.GetArrayValue().GetValues(), element)
	}
	return value.KindOf(v) == value.KindOf(f.operands[0]) && f.op.allows(value.Compare(v, f.operands[0]))
}

// allows says whether a value that compares so with the operand is in an operator's range.
func (o operator) allows(c int) bool {
	switch o {
	case less:
		return c < 0
	case lessOrEqual:
		return c <= 0
	case greater:
		return c > 0
	}
	return c >= 0
}

// conjunction is filters that must all match: each once, sorted by id.
type conjunction []filter

func (c conjunction) and(other conjunction) conjunction {
	all := slices.Concat(c, other)
	slices.SortFunc(all, func(a, b filter) int { return strings.Compare(a.id, b.id) })
	return slices.CompactFunc(all, func(a, b filter) bool { return a.id == b.id })
}

func (c conjunction) id() string {
	var ids strings.Builder
	for _, f := range c {
		fmt.Fprintf(&ids, "%d %s", len(f.id), f.id)
	}
	return ids.String()
}

// product is "any of these and any of those", each possibility once.
func product(these, those []conjunction) []conjunction {
	var both []conjunction
	for _, a := range these {
		for _, b := range those {
			both = append(both, a.and(b))
		}
	}
	return distinct(both)
}

func distinct(cs []conjunction) []conjunction {
	seen := map[string]bool{}
	return slices.DeleteFunc(cs, func(c conjunction) bool {
		id := c.id()
		defer func() { seen[id] = true }()
		return seen[id]
	})
}
