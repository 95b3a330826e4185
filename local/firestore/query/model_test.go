package query_test

import (
	"slices"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"orderflow.dev/local/firestore/database"
	"orderflow.dev/local/firestore/value"
)

// model runs queries as the documentation says it, document by document: no index, no normal form.
type model struct {
	q      *structured
	orders []*pb.StructuredQuery_Order // with the implied ones
}

func newModel(q *structured) model {
	m := model{q: q, orders: q.OrderBy}
	direction := pb.StructuredQuery_ASCENDING
	if n := len(q.OrderBy); n > 0 {
		direction = q.OrderBy[n-1].Direction
	}
	var unequal []string
	collect(q.Where, &unequal)
	slices.Sort(unequal)
	for _, path := range append(unequal, "__name__") {
		ordered := slices.ContainsFunc(m.orders, func(o *pb.StructuredQuery_Order) bool { return o.Field.FieldPath == path })
		if !ordered {
			m.orders = append(slices.Clone(m.orders), &pb.StructuredQuery_Order{Field: field(path), Direction: direction})
		}
	}
	return m
}

// collect adds the fields of a filter's inequalities that anything can fulfil.
func collect(f condition, unequal *[]string) {
	for _, inner := range f.GetCompositeFilter().GetFilters() {
		collect(inner, unequal)
	}
	path, operand := f.GetFieldFilter().GetField().GetFieldPath(), f.GetFieldFilter().GetValue()
	null := func(v *pb.Value) bool { return value.KindOf(v) == value.Null }
	never := true
	switch f.GetFieldFilter().GetOp() {
	case symbols["<"], symbols["<="], symbols[">"], symbols[">="]:
		never = !known(operand)
	case symbols["!="]:
		never = null(operand)
	case symbols["not in"]:
		never = slices.ContainsFunc(operand.GetArrayValue().GetValues(), null)
	}
	if !never && path != "__name__" {
		*unequal = append(*unequal, path)
	}
	if op := f.GetUnaryFilter().GetOp(); op == unaries["is not null"] || op == unaries["is not nan"] {
		*unequal = append(*unequal, f.GetUnaryFilter().GetField().GetFieldPath())
	}
}

func lookup(d *database.Document, path string) *pb.Value {
	if path == "__name__" {
		return lit(ref(d.Path))
	}
	names := strings.Split(path, ".")
	v := d.Fields()[names[0]]
	for _, name := range names[1:] {
		v = v.GetMapValue().GetFields()[name]
	}
	return v
}

func (m model) run(docs []*database.Document) []*database.Document {
	found := slices.DeleteFunc(slices.Clone(docs), func(d *database.Document) bool { return !m.has(d) })
	slices.SortFunc(found, m.compare)
	found = found[min(len(found), int(m.q.Offset)):]
	if m.q.Limit != nil {
		found = found[:min(len(found), int(m.q.Limit.Value))]
	}
	return found
}

func (m model) compare(a, b *database.Document) int {
	for _, o := range m.orders {
		if c := directed(o, value.Compare(lookup(a, o.Field.FieldPath), lookup(b, o.Field.FieldPath))); c != 0 {
			return c
		}
	}
	return 0
}

func directed(o *pb.StructuredQuery_Order, c int) int {
	if o.Direction == pb.StructuredQuery_DESCENDING {
		return -c
	}
	return c
}

func (m model) has(d *database.Document) bool {
	segments := strings.Split(d.Path, "/")
	collection, selector := segments[len(segments)-2], m.q.From[0]
	if selector.CollectionId != collection || !selector.AllDescendants && len(segments) != 2 {
		return false
	}
	for _, o := range m.orders {
		if lookup(d, o.Field.FieldPath) == nil {
			return false
		}
	}
	from, to := m.at(d, m.q.StartAt), m.at(d, m.q.EndAt)
	switch {
	case m.q.StartAt != nil && (from < 0 || from == 0 && !m.q.StartAt.Before):
		return false
	case m.q.EndAt != nil && (to > 0 || to == 0 && m.q.EndAt.Before):
		return false
	}
	return m.q.Where == nil || fulfils(d, m.q.Where)
}

func (m model) at(d *database.Document, c *pb.Cursor) int {
	for i, v := range c.GetValues() {
		if c := directed(m.orders[i], value.Compare(lookup(d, m.orders[i].Field.FieldPath), v)); c != 0 {
			return c
		}
	}
	return 0
}

func fulfils(d *database.Document, f condition) bool {
	if c := f.GetCompositeFilter(); c != nil {
		if c.Op == pb.StructuredQuery_CompositeFilter_OR {
			return slices.ContainsFunc(c.Filters, func(f condition) bool { return fulfils(d, f) })
		}
		return !slices.ContainsFunc(c.Filters, func(f condition) bool { return !fulfils(d, f) })
	}
	if u := f.GetUnaryFilter(); u != nil {
		v := lookup(d, u.GetField().FieldPath)
		null, nan := v != nil && value.KindOf(v) == value.Null, value.KindOf(v) == value.NaN
		return v != nil && map[pb.StructuredQuery_UnaryFilter_Operator]bool{
			unaries["is null"]: null, unaries["is not null"]: !null, unaries["is nan"]: nan, unaries["is not nan"]: !null && !nan,
		}[u.Op]
	}
	ff := f.GetFieldFilter()
	v := lookup(d, ff.Field.FieldPath)
	return v != nil && compared(v, ff.Op, ff.Value)
}

// known says whether a value can be compared for equality: null and NaN cannot.
func known(v *pb.Value) bool { return value.KindOf(v) != value.Null && value.KindOf(v) != value.NaN }

func compared(v *pb.Value, op pb.StructuredQuery_FieldFilter_Operator, operand *pb.Value) bool {
	operands := operand.GetArrayValue().GetValues()
	same := func(o *pb.Value) bool { return known(o) && value.Equal(v, o) }
	switch op {
	case symbols["=="]:
		return same(operand)
	case symbols["!="]:
		return value.KindOf(v) != value.Null && value.KindOf(operand) != value.Null && !same(operand)
	case symbols["in"]:
		return slices.ContainsFunc(operands, same)
	case symbols["not in"]:
		unknown := slices.ContainsFunc(operands, func(o *pb.Value) bool { return value.KindOf(o) == value.Null })
		return value.KindOf(v) != value.Null && !unknown && !slices.ContainsFunc(operands, same)
	case symbols["contains"]:
		return holds(v, operand)
	case symbols["contains any"]:
		return slices.ContainsFunc(operands, func(o *pb.Value) bool { return holds(v, o) })
	}
	c := value.Compare(v, operand)
	return known(v) && known(operand) && value.KindOf(v) == value.KindOf(operand) && map[pb.StructuredQuery_FieldFilter_Operator]bool{
		symbols["<"]: c < 0, symbols["<="]: c <= 0, symbols[">"]: c > 0, symbols[">="]: c >= 0,
	}[op]
}

func holds(v, operand *pb.Value) bool {
	return slices.ContainsFunc(v.GetArrayValue().GetValues(), func(e *pb.Value) bool { return known(operand) && value.Equal(e, operand) })
}
