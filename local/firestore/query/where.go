package query

import (
	"math"
	"slices"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"orderflow.dev/local/firestore/value"
)

// where collects what a query's filters are, and what they make of it as a whole.
type where struct {
	operands     operands
	filters      map[string]filter // each once, by id
	excludes     int               // filters that are fulfilled by all but some values
	hasNotIn     bool
	hasDisjuncts bool
}

// parse writes a filter as disjunctions of conjunctions.
func (w *where) parse(f *pb.StructuredQuery_Filter) ([]conjunction, error) {
	switch t := f.GetFilterType().(type) {
	case *pb.StructuredQuery_Filter_CompositeFilter:
		return w.composite(t.CompositeFilter)
	case *pb.StructuredQuery_Filter_FieldFilter:
		return w.field(t.FieldFilter)
	case *pb.StructuredQuery_Filter_UnaryFilter:
		return w.unary(t.UnaryFilter)
	}
	return nil, invalid("a filter of the query is neither a composite, a field nor a unary filter: set one of them")
}

func (w *where) composite(f *pb.StructuredQuery_CompositeFilter) ([]conjunction, error) {
	switch f.GetOp() {
	case pb.StructuredQuery_CompositeFilter_AND:
		return w.and(f.GetFilters())
	case pb.StructuredQuery_CompositeFilter_OR:
		return w.or(f.GetFilters())
	}
	return nil, invalid("a composite filter has the operator %v: it must be AND or OR", f.GetOp())
}

func (w *where) and(filters []*pb.StructuredQuery_Filter) ([]conjunction, error) {
	all := []conjunction{nil}
	for _, f := range filters {
		these, err := w.parse(f)
		if err != nil {
			return nil, err
		}
		if len(all)*len(these) > maxCandidates {
			return nil, tooMany(len(all) * len(these))
		}
		all = product(all, these)
	}
	return all, nil
}

func (w *where) or(filters []*pb.StructuredQuery_Filter) ([]conjunction, error) {
	if len(filters) == 0 {
		return nil, invalid("an OR filter has no filters: it needs one at least")
	}
	w.hasDisjuncts = true
	var all []conjunction
	for _, f := range filters {
		these, err := w.parse(f)
		if err != nil {
			return nil, err
		}
		if all = append(all, these...); len(all) > maxCandidates {
			return nil, tooMany(len(all))
		}
	}
	return distinct(all), nil
}

func tooMany(n int) error {
	return invalid("too many disjunctions after normalization: %d, and at most %d are allowed. Use fewer values in IN, "+
		"ARRAY_CONTAINS_ANY and OR, or several queries", n, maxDisjunctions)
}

// operators are those of filters with one operand.
var operators = map[pb.StructuredQuery_FieldFilter_Operator]operator{
	pb.StructuredQuery_FieldFilter_EQUAL:                 is,
	pb.StructuredQuery_FieldFilter_NOT_EQUAL:             isNot,
	pb.StructuredQuery_FieldFilter_LESS_THAN:             less,
	pb.StructuredQuery_FieldFilter_LESS_THAN_OR_EQUAL:    lessOrEqual,
	pb.StructuredQuery_FieldFilter_GREATER_THAN:          greater,
	pb.StructuredQuery_FieldFilter_GREATER_THAN_OR_EQUAL: greaterOrEqual,
	pb.StructuredQuery_FieldFilter_ARRAY_CONTAINS:        contains,
}

func (w *where) field(f *pb.StructuredQuery_FieldFilter) ([]conjunction, error) {
	path, err := parsePath(f.GetField())
	if err != nil {
		return nil, err
	}
	switch f.GetOp() {
	case pb.StructuredQuery_FieldFilter_IN:
		return w.anyOf(path, is, f)
	case pb.StructuredQuery_FieldFilter_ARRAY_CONTAINS_ANY:
		return w.anyOf(path, contains, f)
	case pb.StructuredQuery_FieldFilter_NOT_IN:
		return w.notIn(path, f)
	}
	op, ok := operators[f.GetOp()]
	if !ok {
		return nil, invalid("the filter on %s has the operator %v, which Firestore does not have", path, f.GetOp())
	}
	if err := w.operands.check(path, op, f.GetValue()); err != nil {
		return nil, err
	}
	if op == isNot {
		return w.exclude(path, f.GetValue()), nil
	}
	return w.add(newFilter(path, op, incomparable(f.GetValue()), f.GetValue())), nil
}

// incomparable says whether no comparison with an operand is fulfilled; IS_NULL and IS_NAN are there for these.
func incomparable(v *pb.Value) bool {
	return value.KindOf(v) == value.Null || value.KindOf(v) == value.NaN
}

func (w *where) add(f filter) []conjunction {
	w.filters[f.id] = f
	return []conjunction{{f}}
}

// anyOf is a filter for each of some operands.
func (w *where) anyOf(path value.Path, op operator, f *pb.StructuredQuery_FieldFilter) ([]conjunction, error) {
	values, err := w.list(path, op, f, maxAlternatives)
	if err != nil {
		return nil, err
	}
	w.hasDisjuncts = true
	var all []conjunction
	for _, v := range values {
		f := newFilter(path, op, incomparable(v), v)
		if op == contains {
			f.id += " any" // what ARRAY_CONTAINS says, too, is not the same to Firestore
		}
		all = append(all, w.add(f)...)
	}
	return distinct(all), nil
}

func (w *where) notIn(path value.Path, f *pb.StructuredQuery_FieldFilter) ([]conjunction, error) {
	values, err := w.list(path, isNot, f, maxExcluded)
	if err != nil {
		return nil, err
	}
	w.hasNotIn = true
	return w.exclude(path, values...), nil
}

// list is the operand of a filter that takes several.
func (w *where) list(path value.Path, op operator, f *pb.StructuredQuery_FieldFilter, most int) ([]*pb.Value, error) {
	values := f.GetValue().GetArrayValue().GetValues()
	switch n := len(values); {
	case n == 0:
		return nil, invalid("%v on %s requires an ArrayValue that is not empty", f.GetOp(), path)
	case n > most:
		return nil, invalid("%v on %s supports up to %d comparison values, and has %d: use several queries",
			f.GetOp(), path, most, n)
	}
	for _, v := range values {
		if err := w.operands.check(path, op, v); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// exclude is fulfilled by what is neither null nor a value. NaN differs from everything, itself too; whether anything
// differs from null is not known, and so nothing does.
func (w *where) exclude(path value.Path, values ...*pb.Value) []conjunction {
	w.excludes++
	unknown := slices.ContainsFunc(values, func(v *pb.Value) bool { return value.KindOf(v) == value.Null })
	values = slices.DeleteFunc(slices.Clone(values), incomparable)
	return w.add(newFilter(path, isNot, unknown, values...))
}

func (w *where) unary(f *pb.StructuredQuery_UnaryFilter) ([]conjunction, error) {
	path, err := parsePath(f.GetField())
	if err != nil {
		return nil, err
	}
	if isName(path) {
		return nil, invalid("%v on %s: it can only be compared with references", f.GetOp(), name)
	}
	null := &pb.Value{ValueType: &pb.Value_NullValue{}}
	nan := &pb.Value{ValueType: &pb.Value_DoubleValue{DoubleValue: math.NaN()}}
	switch f.GetOp() {
	case pb.StructuredQuery_UnaryFilter_IS_NULL:
		return w.add(newFilter(path, is, false, null)), nil
	case pb.StructuredQuery_UnaryFilter_IS_NAN:
		return w.add(newFilter(path, is, false, nan)), nil
	case pb.StructuredQuery_UnaryFilter_IS_NOT_NULL:
		w.excludes++
		return w.add(newFilter(path, isNot, false)), nil
	case pb.StructuredQuery_UnaryFilter_IS_NOT_NAN:
		w.excludes++
		return w.add(newFilter(path, isNot, false, nan)), nil
	}
	return nil, invalid("the unary filter on %s has the operator %v, which Firestore does not have", path, f.GetOp())
}
