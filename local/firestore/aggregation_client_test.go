package firestore_test

import (
	"math"
	"testing"

	official "cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"orderflow.dev/local/firestore"
)

func TestAggregationsAreAnswered(t *testing.T) {
	t.Parallel()
	c, bare := start(t, firestore.Options{})
	fill(t, c, map[string]fields{
		"n/1": {"i": 3, "d": 1.5, "big": math.MaxInt64, "mixed": 1, "only": 1}, "n/2": {"i": 4, "d": 2, "big": 1, "mixed": "x", "nan": math.NaN()},
		"n/3": {"i": -5, "d": -0.5, "mixed": 2.5, "nan": 1}, "n/4": {"i": 1, "d": 0, "mixed": nil}, "n/5": {},
	})
	all := c.Collection("n").Query
	of := func(q official.Query) *official.AggregationQuery { return q.NewAggregationQuery() }
	for name, a := range map[string]struct {
		q    *official.AggregationQuery
		want map[string]any
	}{
		"count":                     {of(all).WithCount("n"), fields{"n": 5}},
		"count of nothing":          {of(c.Collection("none").Query).WithCount("n"), fields{"n": 0}},
		"count of a limit":          {of(all.Limit(2)).WithCount("n"), fields{"n": 2}},
		"count behind an offset":    {of(all.Offset(4).Limit(3)).WithCount("n"), fields{"n": 1}},
		"count of what is filtered": {of(all.Where("i", ">", 1)).WithCount("n"), fields{"n": 2}},
		"sum of integers":           {of(all).WithSum("i", "s"), fields{"s": 3}},
		"sum of both":               {of(all).WithSum("d", "s"), fields{"s": 3.0}},
		"sum that overflows":        {of(all).WithSum("big", "s"), fields{"s": float64(1 << 63)}},
		"sum of nothing":            {of(all).WithSum("none", "s"), fields{"s": 0}},
		"sum with a NaN":            {of(all).WithSum("nan", "s"), fields{"s": "NaN"}},
		"sum of what is no number":  {of(all).WithSum("mixed", "s").WithCount("n"), fields{"s": 3.5, "n": 4}},
		"average":                   {of(all).WithAvg("i", "a"), fields{"a": 0.75}},
		"average of some numbers":   {of(all).WithAvg("mixed", "a"), fields{"a": 1.75}},
		"average of nothing":        {of(all).WithAvg("none", "a"), fields{"a": nil}},
		"of several fields":         {of(all).WithSum("i", "s").WithAvg("big", "a").WithCount("n"), fields{"s": 7, "a": float64(1 << 62), "n": 2}},
		"of no document with both":  {of(all).WithSum("only", "s").WithAvg("nan", "a").WithCount("n"), fields{"s": 0, "a": nil, "n": 0}},
		"of the least two":          {of(all.Limit(2)).WithSum("i", "s"), fields{"s": -4}},
		"of the greatest two":       {of(all.OrderBy("i", official.Desc).Limit(2)).WithSum("i", "s"), fields{"s": 7}},
		"without a name":            {of(all).WithCount("").WithSum("i", "s").WithSum("i", ""), fields{"field_1": 4, "s": 3, "field_2": 3}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := a.q.Get(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(a.want, plain(t, got)); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("up to", func(t *testing.T) { checkUpTo(t, bare) })
}

// plain is a result as Go has it; NaN, which is not equal to itself, as text.
func plain(t *testing.T, r official.AggregationResult) map[string]any {
	t.Helper()
	all := map[string]any{}
	for alias, v := range r {
		switch v := v.(*pb.Value).ValueType.(type) {
		case *pb.Value_IntegerValue:
			all[alias] = int(v.IntegerValue)
		case *pb.Value_DoubleValue:
			all[alias] = v.DoubleValue
			if math.IsNaN(v.DoubleValue) {
				all[alias] = "NaN"
			}
		case *pb.Value_NullValue:
			all[alias] = nil
		default:
			t.Errorf("%s is %v", alias, v)
		}
	}
	return all
}

func aggregation(s *pb.StructuredAggregationQuery) *pb.RunAggregationQueryRequest {
	s.QueryType = &pb.StructuredAggregationQuery_StructuredQuery{StructuredQuery: &pb.StructuredQuery{
		From: []*pb.StructuredQuery_CollectionSelector{{CollectionId: "n"}},
	}}
	return &pb.RunAggregationQueryRequest{
		Parent:    database + "/documents",
		QueryType: &pb.RunAggregationQueryRequest_StructuredAggregationQuery{StructuredAggregationQuery: s},
	}
}

type aggregate = pb.StructuredAggregationQuery_Aggregation

func count(alias string, upTo *wrapperspb.Int64Value) *aggregate {
	return &aggregate{Alias: alias, Operator: &pb.StructuredAggregationQuery_Aggregation_Count_{Count: &pb.StructuredAggregationQuery_Aggregation_Count{UpTo: upTo}}}
}

func total(alias, path string) *aggregate {
	s := &pb.StructuredAggregationQuery_Aggregation_Sum{Field: &pb.StructuredQuery_FieldReference{FieldPath: path}}
	return &aggregate{Alias: alias, Operator: &pb.StructuredAggregationQuery_Aggregation_Sum_{Sum: s}}
}

func aggregated(t *testing.T, c pb.FirestoreClient, q *pb.RunAggregationQueryRequest) (*pb.RunAggregationQueryResponse, error) {
	t.Helper()
	stream, err := c.RunAggregationQuery(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return stream.Recv()
}

func checkUpTo(t *testing.T, c pb.FirestoreClient) {
	for upTo, want := range map[int64]int64{0: 0, 2: 2, 5: 5, 6: 5, math.MaxInt64: 5} {
		q := aggregation(&pb.StructuredAggregationQuery{Aggregations: []*aggregate{count("n", wrapperspb.Int64(upTo)), count("all", nil)}})
		q.ConsistencySelector = &pb.RunAggregationQueryRequest_NewTransaction{NewTransaction: &pb.TransactionOptions{}}
		r, err := aggregated(t, c, q)
		if err != nil {
			t.Fatal(err)
		}
		got := r.GetResult().GetAggregateFields()
		if got["n"].GetIntegerValue() != want || got["all"].GetIntegerValue() != 5 || len(r.Transaction) == 0 || !r.ReadTime.IsValid() {
			t.Errorf("up to %d: %v", upTo, r)
		}
	}
}
