package query_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/firestore/query"
)

var inf = math.Inf(1)

func TestDoublesAddUpExactly(t *testing.T) {
	t.Parallel()
	of := func(avg bool) *pb.StructuredAggregationQuery_Aggregation {
		if avg {
			return &pb.StructuredAggregationQuery_Aggregation{Operator: &pb.StructuredAggregationQuery_Aggregation_Avg_{
				Avg: &pb.StructuredAggregationQuery_Aggregation_Avg{Field: field("a")}}}
		}
		return &pb.StructuredAggregationQuery_Aggregation{Operator: &pb.StructuredAggregationQuery_Aggregation_Sum_{
			Sum: &pb.StructuredAggregationQuery_Aggregation_Sum{Field: field("a")}}}
	}
	a, err := query.ParseAggregation(project, "", &pb.StructuredAggregationQuery{
		QueryType:    &pb.StructuredAggregationQuery_StructuredQuery{StructuredQuery: from("c", nil)},
		Aggregations: []*pb.StructuredAggregationQuery_Aggregation{of(false), of(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		values   list
		sum, avg any
	}{
		"rounded once":          {list{5.3, 6.3, 6.7, 6.8, 6.9}, 32.0, 6.4},
		"what cancels":          {list{1e300, 1.5, -1e300, 1}, 2.5, 0.625},
		"integers and a double": {list{1 << 53, 1, 1.0}, float64(1<<53 + 2), float64(1<<53+2) / 3},
		"the least":             {list{5e-324, 1e308, -1e308}, 5e-324, 0.0},
		"infinite":              {list{1.0, inf}, inf, inf},
		"both infinite":         {list{inf, -inf, 1}, nan, nan},
		"too great":             {list{1.7e308, 1.7e308}, inf, inf},
	} {
		v := &view{}
		for _, n := range c.values {
			v.documents = append(v.documents, document("c/a", object{"a": n}))
		}
		got := a.Of(v.documents)
		if diff := cmp.Diff(text(fields(object{"field_1": c.sum, "field_2": c.avg})), text(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestAnAggregationOfALimitIsSortedByItsFieldsInTheirOrder(t *testing.T) {
	t.Parallel()
	v := &view{}
	v.add("c/a", object{"f": 1, "g": 9})
	v.add("c/b", object{"f": 2, "g": 1})
	v.add("c/c", object{"f": 0})
	for _, c := range []struct {
		q    *structured
		want string
	}{
		{from("c", nil, limit(1)), "g 9 f 1"},
		{from("c", nil, limit(1), orderBy("g")), "g 1 f 2"},
		{from("*/", nil, limit(2)), "g 10 f 3"}, // all, by name: with both fields
	} {
		got := sums(t, v, c.q, "g", "f")
		if got != c.want {
			t.Errorf("%v: got %s, want %s", c.q, got, c.want)
		}
	}
}

// sums are the sums of fields.
func sums(t *testing.T, v *view, q *structured, paths ...string) string {
	t.Helper()
	s := &pb.StructuredAggregationQuery{QueryType: &pb.StructuredAggregationQuery_StructuredQuery{StructuredQuery: q}}
	for _, path := range paths {
		s.Aggregations = append(s.Aggregations, &pb.StructuredAggregationQuery_Aggregation{Alias: path,
			Operator: &pb.StructuredAggregationQuery_Aggregation_Sum_{
				Sum: &pb.StructuredAggregationQuery_Aggregation_Sum{Field: field(path)}}})
	}
	a, err := query.ParseAggregation(project, "", s)
	if err != nil {
		t.Fatal(err)
	}
	found, _ := a.Query.Run(v)
	var all []string
	for _, path := range paths {
		all = append(all, path, fmt.Sprint(a.Of(found)[path].GetIntegerValue()))
	}
	return strings.Join(all, " ")
}
