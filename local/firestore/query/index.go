package query

import (
	"bytes"
	"slices"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"orderflow.dev/local/firestore/database"
	"orderflow.dev/local/firestore/value"
)

// index is what a query runs on: the documents that have some fields, by the fields that are compared for equality,
// then an element of an array, if one is asked for, then what the result is sorted by. The first of these is always
// ascending, so that a query and the one that sorts the other way round, throughout, have the same index.
type index struct {
	documents string
	equal     []value.Path
	array     value.Path // nil: none
	orders    []order
}

// indexFor is the index on which a conjunction runs, the filters that it has the equality for, in its order, and the
// others.
func (q *Query) indexFor(c conjunction) (i index, compared, others conjunction) {
	i = index{documents: q.documents}
	for _, f := range c {
		again := slices.ContainsFunc(i.equal, func(p value.Path) bool { return slices.Equal(p, f.path) })
		if f.op == is && !again && !isName(f.path) {
			i.equal, compared = append(i.equal, f.path), append(compared, f)
		} else if f.op != contains {
			others = append(others, f)
		}
	}
	for _, f := range c {
		if f.op == contains { // one at most
			i.array, compared = f.path, append(compared, f)
		}
	}
	for _, o := range q.orders {
		i.orders = append(i.orders, order{o.path, o.descending != q.orders[0].descending})
	}
	return i, compared, others
}

// name tells the indexes of a scope apart. Equality needs nothing else than the ascending order does.
func (i index) name() string {
	var parts []string
	for _, path := range i.equal {
		parts = append(parts, path.String())
	}
	if i.array != nil {
		parts = append(parts, "any "+i.array.String())
	}
	for _, o := range i.orders {
		part := o.path.String()
		if o.descending {
			part += " desc"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

func (i index) in(s database.Scope) database.Index {
	return database.Index{Scope: s, Name: i.name(), Keys: i.keys}
}

// keys are a document's places in the index.
func (i index) keys(d *database.Document) [][]byte {
	r := row{documents: i.documents, path: d.Path}
	if len(i.equal) > 0 || i.array != nil || len(i.orders) > 1 {
		r.fields = d.Fields()
	}
	sorted, ok := i.sortKey(r)
	if !ok {
		return nil
	}
	var equal []byte
	for _, path := range i.equal {
		v := r.get(path)
		if v == nil {
			return nil
		}
		equal = i.appendKey(equal, path, v, false)
	}
	if i.array == nil {
		return [][]byte{append(equal, sorted...)}
	}
	var keys [][]byte
	for _, e := range r.get(i.array).GetArrayValue().GetValues() {
		keys = append(keys, slices.Concat(equal, value.AppendKey(nil, e, false), sorted))
	}
	slices.SortFunc(keys, bytes.Compare)
	return slices.CompactFunc(keys, bytes.Equal)
}

// sortKey is how a document sorts in the result; there is none if it lacks a field.
func (i index) sortKey(r row) (key []byte, ok bool) {
	for _, o := range i.orders {
		v := r.get(o.path)
		if v == nil {
			return nil, false
		}
		key = i.appendKey(key, o.path, v, o.descending)
	}
	return key, true
}

// appendKey appends the value of a field, or a document's name, of which every key has the beginning in common.
func (i index) appendKey(key []byte, path value.Path, v *pb.Value, descending bool) []byte {
	if isName(path) {
		return value.AppendName(key, strings.TrimPrefix(v.GetReferenceValue(), i.documents), descending)
	}
	return value.AppendKey(key, v, descending)
}
