package query

import (
	"bytes"
	"iter"
	"slices"

	"orderflow.dev/local/firestore/database"
	"orderflow.dev/local/firestore/value"
)

// Run is the result, in order, each document once; skipped is how many the offset left out.
func (q *Query) Run(v database.View) (found []*database.Document, skipped int) {
	if q.limit == 0 {
		return nil, 0
	}
	for _, d := range q.all(v) {
		if skipped < q.offset {
			skipped++
			continue
		}
		if found = append(found, d); len(found) == q.limit {
			break
		}
	}
	if q.nearest != nil {
		found = q.nearest.among(found)
	}
	return found, skipped
}

// all is the result without limit and offset: documents with what they are sorted by.
func (q *Query) all(v database.View) iter.Seq2[[]byte, *database.Document] {
	var parts []iter.Seq2[[]byte, *database.Document]
	for _, c := range q.disjunctions {
		if p := q.planFor(c); !p.span.empty() {
			parts = append(parts, q.scan(v, p))
		}
	}
	switch len(parts) {
	case 0:
		return func(func([]byte, *database.Document) bool) {}
	case 1:
		return parts[0]
	}
	return merge(parts, q.orders[0].descending)
}

// scan is what a plan finds.
func (q *Query) scan(v database.View, p plan) iter.Seq2[[]byte, *database.Document] {
	return func(yield func([]byte, *database.Document) bool) {
		for key, d := range v.Scan(p.index, p.span.from, p.span.to, q.orders[0].descending) {
			if !q.reaches(d.Path) || len(p.rest)+len(q.present) > 0 && !q.admits(q.row(d), p.rest) {
				continue
			}
			if !yield(key[p.shared:], d) {
				return
			}
		}
	}
}

// admits says whether a document that an index has belongs to the result, too.
func (q *Query) admits(r row, rest conjunction) bool {
	return r.matches(rest) && !slices.ContainsFunc(q.present, func(p value.Path) bool { return r.get(p) == nil })
}

// head is a sorted sequence with its first entry taken out.
type head struct {
	key  []byte
	d    *database.Document
	next func() ([]byte, *database.Document, bool)
}

// merge is several sorted sequences as one. What is in several of them has the same key in all, and comes once.
func merge(parts []iter.Seq2[[]byte, *database.Document], descending bool) iter.Seq2[[]byte, *database.Document] {
	return func(yield func([]byte, *database.Document) bool) {
		var heads []*head
		for _, part := range parts {
			next, stop := iter.Pull2(part)
			defer stop()
			if key, d, ok := next(); ok {
				heads = append(heads, &head{key, d, next})
			}
		}
		for len(heads) > 0 {
			least := first(heads, descending)
			if !yield(least.key, least.d) {
				return
			}
			heads = pass(heads, least.key)
		}
	}
}

// first is the head that comes first.
func first(heads []*head, descending bool) head {
	least := heads[0]
	for _, h := range heads[1:] {
		if c := bytes.Compare(h.key, least.key); c < 0 && !descending || c > 0 && descending {
			least = h
		}
	}
	return *least
}

// pass takes a key out of the heads that have it; those that have nothing more are gone.
func pass(heads []*head, key []byte) []*head {
	var left []*head
	for _, h := range heads {
		if ok := true; bytes.Equal(h.key, key) {
			if h.key, h.d, ok = h.next(); !ok {
				continue
			}
		}
		left = append(left, h)
	}
	return left
}
