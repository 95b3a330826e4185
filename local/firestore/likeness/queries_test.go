package likeness

import (
	"cmp"
	"slices"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"pgregory.net/rapid"
)

const nameField = "__name__"

func fieldReference(path string) *pb.StructuredQuery_FieldReference {
	return &pb.StructuredQuery_FieldReference{FieldPath: path}
}

// queryField is a field that a query asks about; now and then it is the name.
func queryField(t *rapid.T) string {
	if rapid.IntRange(0, 9).Draw(t, "by name") == 9 {
		return nameField
	}
	return fieldPath(t)
}

// operandOf is what a field is compared with: a reference if it is the name.
func operandOf(t *rapid.T, field string) *pb.Value {
	switch {
	case field == nameField && !seldom(t, "name compared with a value"):
		return reference(name(t))
	case rapid.Bool().Draw(t, "any operand"):
		return value(t, 1)
	}
	return rapid.SampledFrom(common).Draw(t, "common operand")
}

type operator = pb.StructuredQuery_FieldFilter_Operator

func fieldFilter(t *rapid.T) *pb.StructuredQuery_Filter {
	field := queryField(t)
	f := &pb.StructuredQuery_FieldFilter{Field: fieldReference(field)}
	most := pb.StructuredQuery_FieldFilter_NOT_IN
	f.Op = operator(1 + rapid.IntRange(0, int(most)-1).Draw(t, "operator"))
	switch f.Op {
	case pb.StructuredQuery_FieldFilter_IN, pb.StructuredQuery_FieldFilter_NOT_IN, pb.StructuredQuery_FieldFilter_ARRAY_CONTAINS_ANY:
		f.Value = operands(t, field)
	default:
		f.Value = operandOf(t, field)
	}
	if seldom(t, "bad operator") {
		f.Op = pb.StructuredQuery_FieldFilter_OPERATOR_UNSPECIFIED
	}
	return &pb.StructuredQuery_Filter{FilterType: &pb.StructuredQuery_Filter_FieldFilter{FieldFilter: f}}
}

func operands(t *rapid.T, field string) *pb.Value {
	if seldom(t, "bad operands") {
		n := rapid.SampledFrom([]int{0, 10, 11, 30, 31, 100, 101}).Draw(t, "operands")
		var all []*pb.Value
		for i := range n {
			all = append(all, integer(int64(i)))
		}
		return array(all...)
	}
	if seldom(t, "no array of operands") {
		return value(t, 1)
	}
	var all []*pb.Value
	for range rapid.IntRange(1, 3).Draw(t, "operands") {
		all = append(all, operandOf(t, field))
	}
	return array(all...)
}

func unaryFilter(t *rapid.T) *pb.StructuredQuery_Filter {
	u := &pb.StructuredQuery_UnaryFilter{
		Op:          pb.StructuredQuery_UnaryFilter_Operator(rapid.IntRange(2, 5).Draw(t, "unary operator")),
		OperandType: &pb.StructuredQuery_UnaryFilter_Field{Field: fieldReference(queryField(t))},
	}
	if seldom(t, "bad unary operator") {
		u.Op = 0
	}
	return &pb.StructuredQuery_Filter{FilterType: &pb.StructuredQuery_Filter_UnaryFilter{UnaryFilter: u}}
}

func filter(t *rapid.T, depth int) *pb.StructuredQuery_Filter {
	kind := rapid.IntRange(0, 9).Draw(t, "filter")
	switch {
	case kind < 5 || depth == 0:
		return fieldFilter(t)
	case kind == 5:
		return unaryFilter(t)
	}
	c := &pb.StructuredQuery_CompositeFilter{Op: pb.StructuredQuery_CompositeFilter_AND}
	if kind > 7 {
		c.Op = pb.StructuredQuery_CompositeFilter_OR
	}
	least := 1
	if seldom(t, "bad composite") {
		c.Op, least = pb.StructuredQuery_CompositeFilter_Operator(rapid.IntRange(0, 2).Draw(t, "composite operator")), 0
	}
	for range rapid.IntRange(least, 3).Draw(t, "filters") {
		c.Filters = append(c.Filters, filter(t, depth-1))
	}
	if seldom(t, "empty filter") {
		c.Filters = append(c.Filters, &pb.StructuredQuery_Filter{})
	}
	return &pb.StructuredQuery_Filter{FilterType: &pb.StructuredQuery_Filter_CompositeFilter{CompositeFilter: c}}
}

func orders(t *rapid.T) (all []*pb.StructuredQuery_Order) {
	for range rapid.SampledFrom([]int{0, 1, 0, 2, 3}).Draw(t, "orders") {
		all = append(all, &pb.StructuredQuery_Order{Field: fieldReference(fieldPath(t)), Direction: direction(t)})
	}
	if rapid.IntRange(0, 2).Draw(t, "order by name") == 2 {
		byName := &pb.StructuredQuery_Order{Field: fieldReference(nameField)}
		if len(all) > 0 || seldom(t, "by name alone, in any direction") {
			byName.Direction = direction(t)
		}
		all = append(all, byName)
	}
	return all
}

// completed are orders in which the fields of inequalities come before the name, each field once: as Firestore wants them.
func completed(t *rapid.T, given []*pb.StructuredQuery_Order, where *pb.StructuredQuery_Filter) (all []*pb.StructuredQuery_Order) {
	if len(given) == 0 || seldom(t, "orders as they come") {
		return given
	}
	for _, field := range unequal(where) {
		given = append([]*pb.StructuredQuery_Order{{Field: fieldReference(field), Direction: direction(t)}}, given...)
	}
	there := map[string]bool{}
	for _, o := range given {
		if path := strings.ReplaceAll(o.Field.FieldPath, "`f`", "f"); !there[path] {
			there[path] = true
			all = append(all, o)
		}
	}
	slices.SortStableFunc(all, func(a, b *pb.StructuredQuery_Order) int {
		return cmp.Compare(strings.Count(a.Field.FieldPath, nameField), strings.Count(b.Field.FieldPath, nameField))
	})
	return all
}

// unequal are the fields of a filter's inequalities.
func unequal(f *pb.StructuredQuery_Filter) (fields []string) {
	for _, sub := range f.GetCompositeFilter().GetFilters() {
		fields = append(fields, unequal(sub)...)
	}
	switch f.GetFieldFilter().GetOp() {
	case pb.StructuredQuery_FieldFilter_LESS_THAN, pb.StructuredQuery_FieldFilter_LESS_THAN_OR_EQUAL,
		pb.StructuredQuery_FieldFilter_GREATER_THAN, pb.StructuredQuery_FieldFilter_GREATER_THAN_OR_EQUAL,
		pb.StructuredQuery_FieldFilter_NOT_EQUAL, pb.StructuredQuery_FieldFilter_NOT_IN:
		fields = append(fields, f.GetFieldFilter().Field.FieldPath)
	}
	switch f.GetUnaryFilter().GetOp() {
	case pb.StructuredQuery_UnaryFilter_IS_NOT_NAN, pb.StructuredQuery_UnaryFilter_IS_NOT_NULL:
		fields = append(fields, f.GetUnaryFilter().GetField().FieldPath)
	}
	return fields
}

func direction(t *rapid.T) pb.StructuredQuery_Direction {
	return rapid.SampledFrom([]pb.StructuredQuery_Direction{1, 2, 0}).Draw(t, "direction")
}

// cursor is a place in an order, by a prefix of its fields.
func cursor(t *rapid.T, by []*pb.StructuredQuery_Order) *pb.Cursor {
	if !often(t, "cursor") {
		return nil
	}
	c := &pb.Cursor{Before: rapid.Bool().Draw(t, "before")}
	n := rapid.IntRange(0, len(by)).Draw(t, "values of cursor")
	if seldom(t, "one value too many") {
		n = len(by) + 1
	}
	for i := range n {
		field := nameField
		if i < len(by) {
			field = by[i].Field.FieldPath
		}
		c.Values = append(c.Values, operandOf(t, field))
	}
	return c
}

func projection(t *rapid.T) *pb.StructuredQuery_Projection {
	if rapid.IntRange(0, 5).Draw(t, "select") < 5 {
		return nil
	}
	p := &pb.StructuredQuery_Projection{}
	for range rapid.IntRange(0, 2).Draw(t, "selected") {
		p.Fields = append(p.Fields, fieldReference(queryField(t)))
	}
	return p
}

func structuredQuery(t *rapid.T, parent string) *pb.StructuredQuery {
	q := &pb.StructuredQuery{From: selectors(t, parent), Select: projection(t)}
	if rapid.Bool().Draw(t, "where") {
		q.Where = filter(t, 2)
	}
	q.OrderBy = completed(t, orders(t), q.Where)
	q.StartAt, q.EndAt = cursor(t, q.OrderBy), cursor(t, q.OrderBy)
	if often(t, "limited") {
		q.Limit = wrapperspb.Int32(rapid.Int32Range(1, 4).Draw(t, "limit"))
		if seldom(t, "bad limit") {
			q.Limit.Value = rapid.Int32Range(-1, 0).Draw(t, "limit")
		}
	}
	if often(t, "offset") && often(t, "some offset") {
		q.Offset = rapid.Int32Range(1, 3).Draw(t, "offset")
		if seldom(t, "bad offset") {
			q.Offset = -1
		}
	}
	return q
}

// listened is a query that finds much, so that there is something to hear of. It is from a collection: of others Google's
// emulator tells nothing.
func listened(t *rapid.T, parent string) *pb.StructuredQuery {
	q := structuredQuery(t, parent)
	if rapid.Bool().Draw(t, "plain query") {
		q.Where, q.StartAt, q.EndAt = nil, nil, nil
	}
	if len(q.GetSelect().GetFields()) == 0 {
		q.Select = nil
	}
	if len(q.From) != 1 || q.From[0].CollectionId == "" {
		q.From = []*pb.StructuredQuery_CollectionSelector{{CollectionId: "a"}}
	}
	return q
}

func selectors(t *rapid.T, parent string) []*pb.StructuredQuery_CollectionSelector {
	from := &pb.StructuredQuery_CollectionSelector{CollectionId: collection(t)}
	from.AllDescendants = parent == documents && often(t, "all descendants") || seldom(t, "all descendants of a document")
	if !seldom(t, "strange from") {
		return []*pb.StructuredQuery_CollectionSelector{from}
	}
	return rapid.SampledFrom([][]*pb.StructuredQuery_CollectionSelector{
		nil, {{AllDescendants: true}}, {from, from}, {{}},
	}).Draw(t, "from")
}

func aggregations(t *rapid.T) (all []*pb.StructuredAggregationQuery_Aggregation) {
	n := rapid.IntRange(1, 3).Draw(t, "aggregations")
	if seldom(t, "bad number of aggregations") {
		n = rapid.SampledFrom([]int{0, 5, 6}).Draw(t, "aggregations")
	}
	for range n {
		a := &pb.StructuredAggregationQuery_Aggregation{}
		if seldom(t, "alias") {
			a.Alias = rapid.SampledFrom([]string{"one", "`k-1`", "k-1", "__a__", "1", "a.b", "field_1"}).Draw(t, "alias")
		}
		aggregate(t, a)
		all = append(all, a)
	}
	return all
}

func aggregate(t *rapid.T, a *pb.StructuredAggregationQuery_Aggregation) {
	switch rapid.IntRange(0, 2).Draw(t, "aggregation") {
	case 0:
		count := &pb.StructuredAggregationQuery_Aggregation_Count{}
		if often(t, "up to") {
			count.UpTo = wrapperspb.Int64(rapid.Int64Range(1, 3).Draw(t, "up to"))
			if seldom(t, "bad up to") {
				count.UpTo.Value = rapid.Int64Range(-1, 0).Draw(t, "up to")
			}
		}
		a.Operator = &pb.StructuredAggregationQuery_Aggregation_Count_{Count: count}
	case 1:
		a.Operator = &pb.StructuredAggregationQuery_Aggregation_Sum_{
			Sum: &pb.StructuredAggregationQuery_Aggregation_Sum{Field: fieldReference(queryField(t))}}
	case 2:
		a.Operator = &pb.StructuredAggregationQuery_Aggregation_Avg_{
			Avg: &pb.StructuredAggregationQuery_Aggregation_Avg{Field: fieldReference(queryField(t))}}
	}
	if seldom(t, "no aggregation") {
		a.Operator = nil
	}
}
