package query

import (
	"bytes"
	"slices"

	"orderflow.dev/local/firestore/database"
	"orderflow.dev/local/firestore/value"
)

// span is the keys from <= key < to. A nil bound is open.
type span struct{ from, to []byte }

// narrow leaves what is in another span, too.
func (s *span) narrow(o span) {
	if bytes.Compare(o.from, s.from) > 0 {
		s.from = o.from
	}
	if s.to == nil || o.to != nil && bytes.Compare(o.to, s.to) < 0 {
		s.to = o.to
	}
}

func (s span) empty() bool { return s.to != nil && bytes.Compare(s.from, s.to) >= 0 }

// beginning is the keys that begin with a prefix.
func beginning(prefix []byte) span { return span{prefix, behind(prefix)} }

// behind is the first key after all that begin with a prefix; nil if there is none.
func behind(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			next := bytes.Clone(prefix[:i+1])
			next[i]++
			return next
		}
	}
	return nil
}

// nothing is a span without keys.
var nothing = span{to: []byte{}}

// plan is how a conjunction runs: a span of an index, and the filters that the span does not decide.
type plan struct {
	index  database.Index
	span   span
	shared int // length of what all keys of the span begin with; what is behind it sorts the result
	rest   conjunction
}

// planFor puts as much as it can into the span: equality, and inequalities and cursors on what the index sorts by
// first.
func (q *Query) planFor(c conjunction) plan {
	i, compared, others := q.indexFor(c)
	var shared []byte
	never := false
	for _, f := range compared {
		shared = i.appendKey(shared, f.path, f.operands[0], false)
		never = never || f.never
	}
	p := plan{index: i.in(q.scope), span: beginning(shared), shared: len(shared)}
	for _, f := range others {
		within, decides := i.spanOf(f, shared)
		if p.span.narrow(within); !decides {
			p.rest = append(p.rest, f)
		}
	}
	p.span.narrow(q.cursors(i, shared))
	if never {
		p.span = nothing
	}
	return p
}

// spanOf is where all documents are that a filter finds; it decides if there are no others.
func (i index) spanOf(f filter, shared []byte) (s span, decides bool) {
	first := slices.Equal(i.orders[0].path, f.path)
	switch {
	case f.never:
		return nothing, true
	case !first || !isName(f.path) && f.op == is || isName(f.path) && f.op == isNot:
		return span{}, false
	case f.op == isNot:
		return span{from: behind(value.AppendKind(bytes.Clone(shared), value.Null, false))}, len(f.operands) == 0
	}
	s = beginning(shared)
	if !isName(f.path) {
		s = beginning(value.AppendKind(bytes.Clone(shared), value.KindOf(f.operands[0]), false))
	}
	equal := beginning(i.appendKey(bytes.Clone(shared), f.path, f.operands[0], false))
	s.narrow(map[operator]span{
		is: equal, less: {to: equal.from}, lessOrEqual: {to: equal.to},
		greater: {from: equal.to}, greaterOrEqual: {from: equal.from},
	}[f.op])
	return s, true
}

// cursors is what is between the query's cursors.
func (q *Query) cursors(i index, shared []byte) span {
	all := span{}
	if q.start != nil {
		all.narrow(q.side(i, shared, q.start, !q.orders[0].descending))
	}
	if q.end != nil {
		all.narrow(q.side(i, shared, q.end, q.orders[0].descending))
	}
	return all
}

// side is what is on one side of a cursor, in the order of the index: from it on, or up to it.
func (q *Query) side(i index, shared []byte, c *cursor, onward bool) span {
	prefix := append([]byte{}, shared...)
	for n, v := range c.values {
		prefix = i.appendKey(prefix, i.orders[n].path, v, i.orders[n].descending)
	}
	at := prefix
	if c.before == q.orders[0].descending { // the cursor is behind what has its values, in the order of the index
		at = behind(prefix)
	}
	switch {
	case onward && at == nil: // behind everything
		return nothing
	case onward:
		return span{from: at}
	}
	return span{to: at}
}
