// Package query is Firestore's queries: what they mean, which index they need, how they run.
package query

import (
	"cmp"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"orderflow.dev/local/firestore/database"
	"orderflow.dev/local/firestore/value"
)

// Query is a query, checked and normalised: with the orders that Firestore adds.
type Query struct {
	documents    string // projects/P/databases/D/documents/
	scope        database.Scope
	shallow      bool          // every collection, but only those right below the parent
	disjunctions []conjunction // a result matches one of them; at least one, maybe empty
	orders       []order       // the last one is __name__
	start, end   *cursor       // nil: from the beginning, to the end
	offset       int
	limit        int          // < 0: none
	fields       []value.Path // nil: all
	nearest      *nearest     // nil: no vector search
	present      []value.Path // what a result has, beside what it is sorted by
}

// order is a field that the result is sorted by.
type order struct {
	path       value.Path
	descending bool
}

// cursor is a place in the result: values of its first orders, right before or right behind all documents that have
// them.
type cursor struct {
	values []*pb.Value
	before bool
}

// name is the path of the field that is a document's name.
const name = "__name__"

func isName(p value.Path) bool { return len(p) == 1 && p[0] == name }

// Scope is what the query ranges over.
func (q *Query) Scope() database.Scope { return q.scope }

// Limited says whether the query has a limit or an offset, so that a document may enter or leave its result because of
// others.
func (q *Query) Limited() bool { return q.limit >= 0 || q.offset > 0 }

// Matches says whether a document is in the result, offset and limit apart: scope, filters, orders (it has the
// fields) and cursors.
func (q *Query) Matches(d *database.Document) bool {
	if !q.scope.Contains(d.Path) || !q.reaches(d.Path) {
		return false
	}
	r := q.row(d)
	for _, o := range q.orders {
		if r.get(o.path) == nil {
			return false
		}
	}
	return r.matchesAny(q.disjunctions) && q.within(r)
}

// reaches says whether a document of the scope is not too deep in it.
func (q *Query) reaches(path string) bool {
	below := strings.TrimPrefix(strings.TrimPrefix(path, q.scope.Parent), "/")
	return !q.shallow || strings.Count(below, "/") == 1
}

// within says whether a document is between the cursors.
func (q *Query) within(r row) bool {
	if q.start != nil {
		if at := q.place(r, q.start); at < 0 || at == 0 && !q.start.before {
			return false
		}
	}
	if q.end != nil {
		if at := q.place(r, q.end); at > 0 || at == 0 && q.end.before {
			return false
		}
	}
	return true
}

// place compares a document with the values of a cursor, in the order of the result.
func (q *Query) place(r row, c *cursor) int {
	for i, v := range c.values {
		if c := q.orders[i].compare(r.get(q.orders[i].path), v); c != 0 {
			return c
		}
	}
	return 0
}

func (o order) compare(a, b *pb.Value) int {
	if o.descending {
		a, b = b, a
	}
	return value.Compare(a, b)
}

// Compare is the order of two documents in the result.
func (q *Query) Compare(a, b *database.Document) int {
	x, y := q.row(a), q.row(b)
	for _, o := range q.orders {
		if c := o.compare(x.get(o.path), y.get(o.path)); c != 0 {
			return c
		}
	}
	return cmp.Compare(a.Path, b.Path) // of documents that lack a field, which are in no result
}

// Project is what the query answers of a document's fields (select), and how near it is (distance_result_field).
func (q *Query) Project(d *database.Document) map[string]*pb.Value {
	fields := d.Fields()
	projected := fields
	if q.fields != nil {
		projected = map[string]*pb.Value{}
	}
	for _, path := range q.fields {
		if v := path.Get(fields); v != nil {
			path.Set(projected, v)
		}
	}
	if q.nearest != nil && q.nearest.result != nil {
		distance, _ := q.nearest.to(d) // which it has, or it would not be in the result
		q.nearest.result.Set(projected, double(distance))
	}
	return projected
}

// row is a document with its fields decoded.
type row struct {
	documents string
	path      string
	fields    map[string]*pb.Value
}

func (q *Query) row(d *database.Document) row { return row{q.documents, d.Path, d.Fields()} }

// get is the value of a field, or the document's name; nil if there is none.
func (r row) get(path value.Path) *pb.Value {
	if isName(path) {
		return &pb.Value{ValueType: &pb.Value_ReferenceValue{ReferenceValue: r.documents + r.path}}
	}
	return path.Get(r.fields)
}
