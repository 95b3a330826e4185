package query

import (
	"fmt"
	"math"
	"math/big"
	"slices"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"orderflow.dev/local/firestore/database"
	"orderflow.dev/local/firestore/value"
)

// maxAggregations is how many one request may have
// (https://firebase.google.com/docs/firestore/query-data/aggregation-queries#limitations).
const maxAggregations = 5

// Aggregation is a query of which some numbers are asked instead of its documents. Its result has only documents with
// all fields that are aggregated, and is sorted by these, too, in their own order.
type Aggregation struct {
	Query  *Query
	totals []total
}

// total is one number of them.
type total struct {
	alias string
	path  value.Path // nil: a count
	mean  bool       // not the sum
	upTo  int        // a count is no more than this; < 0: no bound
}

// ParseAggregation is Parse for an aggregation.
func ParseAggregation(database, parent string, s *pb.StructuredAggregationQuery) (*Aggregation, error) {
	if n := len(s.GetAggregations()); n == 0 || n > maxAggregations {
		return nil, invalid("the query has %d aggregations: it must have 1 to %d", n, maxAggregations)
	}
	a := &Aggregation{}
	var fields []value.Path
	unnamed := 0
	for _, one := range s.GetAggregations() {
		t, err := parseTotal(one)
		if err != nil {
			return nil, err
		}
		if t.path != nil {
			fields = append(fields, t.path)
		}
		if t.alias == "" {
			unnamed++
			t.alias = fmt.Sprintf("field_%d", unnamed)
		}
		a.totals = append(a.totals, t)
	}
	if err := checkAliases(a.totals); err != nil {
		return nil, err
	}
	if s.GetStructuredQuery().GetSelect() != nil && len(fields) > 0 {
		return nil, invalid("the query selects fields, which cannot be together with a sum or an average: leave select out")
	}
	slices.SortFunc(fields, slices.Compare)
	q, err := parse(database, parent, s.GetStructuredQuery(), fields)
	a.Query = q
	return a, err
}

func parseTotal(s *pb.StructuredAggregationQuery_Aggregation) (total, error) {
	t := total{alias: s.GetAlias(), upTo: -1}
	var field *pb.StructuredQuery_FieldReference
	switch o := s.GetOperator().(type) {
	case *pb.StructuredAggregationQuery_Aggregation_Count_:
		if bound := o.Count.GetUpTo(); bound != nil {
			t.upTo = int(min(bound.GetValue(), math.MaxInt32))
			if t.upTo < 0 {
				return t, invalid("the up_to of a count is %d: it must not be negative", t.upTo)
			}
		}
		return t, nil
	case *pb.StructuredAggregationQuery_Aggregation_Sum_:
		field = o.Sum.GetField()
	case *pb.StructuredAggregationQuery_Aggregation_Avg_:
		field, t.mean = o.Avg.GetField(), true
	default:
		return t, invalid("the aggregation %q is neither count, sum nor avg: set one of them", t.alias)
	}
	path, err := parsePath(field)
	if err == nil && isName(path) {
		err = invalid("%s is no number: it cannot be aggregated", name)
	}
	t.path = path
	return t, err
}

func checkAliases(totals []total) error {
	seen := map[string]bool{}
	for _, t := range totals {
		if seen[t.alias] {
			return invalid("two aggregations have the alias %s: give them different ones", t.alias)
		}
		if reserved(t.alias) {
			return invalid("an aggregation has the alias %s: names like __x__ are reserved", t.alias)
		}
		seen[t.alias] = true
	}
	return nil
}

// Of is the numbers of what the query found, by alias.
func (a *Aggregation) Of(found []*database.Document) map[string]*pb.Value {
	results := map[string]*pb.Value{}
	for _, t := range a.totals {
		results[t.alias] = t.of(found)
	}
	return results
}

func (t total) of(found []*database.Document) *pb.Value {
	if t.path == nil {
		n := len(found)
		if t.upTo >= 0 {
			n = min(n, t.upTo)
		}
		return integer(int64(n))
	}
	var s sum
	for _, d := range found {
		s.add(t.path.Get(d.Fields()))
	}
	if t.mean {
		return s.mean()
	}
	return s.value()
}

// sum adds numbers up exactly: what is rounded is the total.
type sum struct {
	integers  big.Int
	doubles   big.Float // of so many bits that it never rounds
	unbounded float64   // the sum of those that are infinite, or not a number
	count     int
	hasDouble bool
}

// exact is how many bits a sum of doubles may need: from the least to the greatest, and some for how many they are.
const exact = 2200

// add adds a value; one that is no number does not count.
func (s *sum) add(v *pb.Value) {
	switch t := v.GetValueType().(type) {
	case *pb.Value_IntegerValue:
		s.integers.Add(&s.integers, big.NewInt(t.IntegerValue))
	case *pb.Value_DoubleValue:
		s.hasDouble = true
		if math.IsInf(t.DoubleValue, 0) || math.IsNaN(t.DoubleValue) {
			s.unbounded += t.DoubleValue
		} else {
			s.doubles.Add(s.doubles.SetPrec(exact), big.NewFloat(t.DoubleValue))
		}
	default:
		return
	}
	s.count++
}

func (s *sum) float() float64 {
	total := new(big.Float).SetPrec(exact).SetInt(&s.integers)
	f, _ := total.Add(total, &s.doubles).Float64()
	return f + s.unbounded
}

// value is the sum: an integer if all numbers are, and if it fits.
func (s *sum) value() *pb.Value {
	if !s.hasDouble && s.integers.IsInt64() {
		return integer(s.integers.Int64())
	}
	return double(s.float())
}

// mean is the average; null if there are no numbers.
func (s *sum) mean() *pb.Value {
	if s.count == 0 {
		return &pb.Value{ValueType: &pb.Value_NullValue{}}
	}
	return double(s.float() / float64(s.count))
}

func integer(i int64) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_IntegerValue{IntegerValue: i}}
}
func double(d float64) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_DoubleValue{DoubleValue: d}}
}
