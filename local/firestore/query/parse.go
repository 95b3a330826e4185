package query

import (
	"slices"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/firestore/database"
	"orderflow.dev/local/firestore/value"
)

// Parse checks a query below a parent: the path of a document, or "" for the database. database is
// projects/P/databases/D, for references in cursors and filters. Errors are gRPC statuses with Firestore's codes;
// what is not supported is UNIMPLEMENTED by name.
func Parse(database, parent string, q *pb.StructuredQuery) (*Query, error) {
	return parse(database, parent, q, nil)
}

// parse is Parse of a query whose result must have some more fields.
func parse(db, parent string, q *pb.StructuredQuery, required []value.Path) (*Query, error) {
	parsed := &Query{documents: db + "/documents/", limit: -1, offset: int(q.GetOffset())}
	if err := parsed.parseFrom(parent, q.GetFrom()); err != nil {
		return nil, err
	}
	w := &where{operands: operands{parsed.documents}, filters: map[string]filter{}}
	if err := parsed.parseWhere(w, q.GetWhere()); err != nil {
		return nil, err
	}
	if err := parsed.parseOrders(q.GetOrderBy()); err != nil {
		return nil, err
	}
	if err := parsed.checkScope(w); err != nil {
		return nil, err
	}
	if err := parsed.checkSize(len(w.filters), len(parsed.orders)); err != nil {
		return nil, err
	}
	if err := parsed.implyOrders(w, required); err != nil {
		return nil, err
	}
	if err := parsed.parseCursors(q); err != nil {
		return nil, err
	}
	if err := parsed.parseLimits(q); err != nil {
		return nil, err
	}
	search, err := parseNearest(q.GetFindNearest())
	if err != nil {
		return nil, err
	}
	parsed.nearest = search
	return parsed, parsed.parseSelect(q.GetSelect())
}

func (q *Query) parseFrom(parent string, from []*pb.StructuredQuery_CollectionSelector) error {
	if len(from) > 1 {
		return invalid("the query is from %d collections: only one selector is allowed", len(from))
	}
	q.scope = database.Scope{Parent: parent}
	if len(from) == 1 {
		q.scope.Collection, q.scope.Group = from[0].GetCollectionId(), from[0].GetAllDescendants()
	}
	switch {
	case q.scope.Collection != "":
		return database.CheckCollectionID(q.scope.Collection)
	case !q.scope.Group:
		q.scope.Group, q.shallow = true, true
	}
	return nil
}

func (q *Query) parseWhere(w *where, f *pb.StructuredQuery_Filter) (err error) {
	q.disjunctions = []conjunction{nil}
	if f.GetFilterType() == nil {
		return nil
	}
	if q.disjunctions, err = w.parse(f); err != nil {
		return err
	}
	return w.check(q.disjunctions)
}

func (q *Query) parseOrders(orders []*pb.StructuredQuery_Order) error {
	for _, o := range orders {
		path, err := parsePath(o.GetField())
		if err != nil {
			return err
		}
		if err := q.addOrder(path, o.GetDirection() == pb.StructuredQuery_DESCENDING); err != nil {
			return err
		}
	}
	return nil
}

// implyOrders adds the orders that Firestore adds: by the fields of inequalities, by fields that the result is to
// have, by the name.
func (q *Query) implyOrders(w *where, required []value.Path) error {
	descending := len(q.orders) > 0 && q.orders[len(q.orders)-1].descending
	for _, path := range w.inequalities() {
		if err := q.implyOrder(path, descending); err != nil {
			return err
		}
	}
	if err := q.require(w, required, descending); err != nil {
		return err
	}
	return q.implyOrder(value.Path{name}, descending)
}

// require adds orders by the fields that are aggregated. Firestore cannot if it has to go by the name. If the documents
// are of all collections, in any order, it need not.
func (q *Query) require(w *where, fields []value.Path, descending bool) error {
	byName := w.comparesName(false) || w.comparesName(true)
	if q.anyCollection() {
		if byName = byName || q.scope.Collection != "" || len(q.orders) > 0; !byName {
			q.present = fields
			return nil
		}
	}
	for _, path := range fields {
		if byName && !q.orderedBy(path) {
			return invalid("an aggregation of %s by the %s needs an index that Firestore cannot have: order by %s",
				path, name, path)
		}
		if err := q.implyOrder(path, descending); err != nil {
			return err
		}
	}
	return nil
}

// anyCollection says whether the query is not of one collection, nor of a group in the whole database.
func (q *Query) anyCollection() bool {
	return q.scope.Collection == "" || q.scope.Group && q.scope.Parent != ""
}

func (q *Query) implyOrder(path value.Path, descending bool) error {
	if q.orderedBy(path) {
		return nil
	}
	return q.addOrder(path, descending)
}

func (q *Query) addOrder(path value.Path, descending bool) error {
	switch {
	case q.orderedBy(path):
		return invalid("the query is ordered by %s twice", path)
	case q.orderedBy(value.Path{name}):
		return invalid("the query is ordered by %s behind %s, which leaves nothing to order: order by it before",
			path, name)
	}
	q.orders = append(q.orders, order{path, descending})
	return nil
}

func (q *Query) orderedBy(path value.Path) bool {
	return slices.ContainsFunc(q.orders, func(o order) bool { return slices.Equal(o.path, path) })
}

// checkSize refuses a query that is too complex.
func (q *Query) checkSize(filters, orders int) error {
	n := filters + orders
	if q.scope.Parent != "" {
		n++
	}
	if n > maxComplexity {
		return invalid("the query has %d filters and %d orders: with the parent, if there is one, at most %d are allowed",
			filters, orders, maxComplexity)
	}
	return nil
}

// checkScope refuses what can be asked of one collection only, or of a group in the whole database only.
func (q *Query) checkScope(w *where) error {
	if !q.anyCollection() {
		return nil
	}
	for _, f := range w.filters {
		if !isName(f.path) {
			return invalid("the query has a filter on %s: it must be from one collection, or from a group below the "+
				"database", f.path)
		}
	}
	for _, o := range q.orders {
		if !isName(o.path) || o.descending {
			return invalid("the query is ordered by %s: it must be from one collection, or from a group below the "+
				"database", o.path)
		}
	}
	return nil
}

func (q *Query) parseCursors(s *pb.StructuredQuery) (err error) {
	if q.start, err = q.parseCursor(s.GetStartAt(), len(s.GetOrderBy())); err != nil {
		return err
	}
	q.end, err = q.parseCursor(s.GetEndAt(), len(s.GetOrderBy()))
	return err
}

func (q *Query) parseCursor(c *pb.Cursor, orders int) (*cursor, error) {
	if c == nil {
		return nil, nil
	}
	if len(c.GetValues()) > orders {
		return nil, invalid("the cursor has too many values: %d, and the query has %d orders", len(c.GetValues()), orders)
	}
	for i, v := range c.GetValues() {
		if isName(q.orders[i].path) {
			if err := (operands{q.documents}).checkName(v); err != nil {
				return nil, err
			}
		} else if err := checkValue(v); err != nil {
			return nil, invalid("the cursor at %s: %s", q.orders[i].path, status.Convert(err).Message())
		}
	}
	return &cursor{c.GetValues(), c.GetBefore()}, nil
}

func (q *Query) parseLimits(s *pb.StructuredQuery) error {
	if s.GetOffset() < 0 {
		return invalid("the offset is %d: it must not be negative", s.GetOffset())
	}
	if s.GetLimit() != nil {
		if q.limit = int(s.GetLimit().GetValue()); q.limit < 0 {
			return invalid("the limit is %d: it must not be negative", q.limit)
		}
	}
	return nil
}

func (q *Query) parseSelect(s *pb.StructuredQuery_Projection) error {
	for _, f := range s.GetFields() {
		path, err := parsePath(f)
		if err != nil {
			return err
		}
		if q.fields == nil {
			q.fields = []value.Path{}
		}
		if !isName(path) {
			q.fields = append(q.fields, path)
		}
	}
	return nil
}
