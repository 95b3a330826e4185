package firestore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	official "cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"orderflow.dev/internal/store"
	"orderflow.dev/local/firestore"
	"orderflow.dev/local/firestore/query"
)

func TestWhatIsNoQueryIsRefused(t *testing.T) {
	t.Parallel()
	_, bare := start(t, firestore.Options{})
	selects := func(change func(*pb.RunQueryRequest)) func() error {
		return func() error {
			q := request("cities", 1, 0)
			change(q)
			_, err := responses(t, bare, q)
			return err
		}
	}
	aggregates := func(parts ...*aggregate) func() error {
		return func() error {
			_, err := aggregated(t, bare, aggregation(&pb.StructuredAggregationQuery{Aggregations: parts}))
			return err
		}
	}
	for name, c := range map[string]struct {
		ask  func() error
		code codes.Code
	}{
		"no query":        {selects(func(q *pb.RunQueryRequest) { q.QueryType = nil }), codes.InvalidArgument},
		"a wrong query":   {selects(func(q *pb.RunQueryRequest) { q.GetStructuredQuery().Offset = -1 }), codes.InvalidArgument},
		"no parent":       {selects(func(q *pb.RunQueryRequest) { q.Parent = "" }), codes.InvalidArgument},
		"a wrong parent":  {selects(func(q *pb.RunQueryRequest) { q.Parent += "/cities" }), codes.InvalidArgument},
		"explain":         {selects(func(q *pb.RunQueryRequest) { q.ExplainOptions = &pb.ExplainOptions{} }), codes.Unimplemented},
		"a wrong time":    {selects(func(q *pb.RunQueryRequest) { q.ConsistencySelector = readAt(time.Now().Add(time.Hour)) }), codes.InvalidArgument},
		"no transaction":  {selects(func(q *pb.RunQueryRequest) { q.ConsistencySelector = in([]byte("none")) }), codes.InvalidArgument},
		"nothing to say":  {aggregates(), codes.InvalidArgument},
		"six":             {aggregates(count("a", nil), count("b", nil), count("c", nil), count("d", nil), count("e", nil), count("f", nil)), codes.InvalidArgument},
		"five":            {aggregates(count("a", nil), count("b", nil), count("c", nil), count("d", nil), count("e", nil)), codes.OK},
		"one name":        {aggregates(count("a", nil), total("a", "i")), codes.InvalidArgument},
		"a given name":    {aggregates(count("field_1", nil), count("", nil)), codes.InvalidArgument},
		"a reserved name": {aggregates(count("__a__", nil)), codes.InvalidArgument},
		"up to -1":        {aggregates(count("a", wrapperspb.Int64(-1))), codes.InvalidArgument},
		"no operator":     {aggregates(&aggregate{Alias: "a"}), codes.InvalidArgument},
		"sum of no field": {aggregates(total("a", "")), codes.InvalidArgument},
		"sum of names":    {aggregates(total("a", "__name__")), codes.InvalidArgument},
		"a pipeline": {func() error {
			stream, err := bare.ExecutePipeline(t.Context(), &pb.ExecutePipelineRequest{Database: database})
			if err == nil {
				_, err = stream.Recv()
			}
			return err
		}, codes.Unimplemented},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := c.ask(); status.Code(err) != c.code {
				t.Errorf("error %v, want %v", err, c.code)
			}
		})
	}
}

func readAt(at time.Time) *pb.RunQueryRequest_ReadTime {
	return &pb.RunQueryRequest_ReadTime{ReadTime: timestamppb.New(at.Truncate(time.Microsecond))}
}

func in(transaction []byte) *pb.RunQueryRequest_Transaction {
	return &pb.RunQueryRequest_Transaction{Transaction: transaction}
}

func TestStrictModeRefusesAQueryWithoutAnIndex(t *testing.T) {
	t.Parallel()
	composite, err := store.Indexes.ReadFile("indexes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	indexes, err := query.ParseIndexes(composite, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := start(t, firestore.Options{Indexes: indexes})
	q := c.Collection("cities").Where("state", "==", "CA").OrderBy("population", official.Asc)
	for name, ask := range map[string]func() error{
		"query": func() error { _, err := q.Documents(t.Context()).GetAll(); return err },
		"aggregation": func() error {
			byState := c.Collection("cities").Where("state", "==", "CA")
			_, err := byState.NewAggregationQuery().WithSum("population", "s").Get(t.Context())
			return err
		},
	} {
		const line = "- {database: (default), collection: cities, fields: [{name: state, order: asc}, {name: population, order: asc}]}"
		if err := ask(); status.Code(err) != codes.FailedPrecondition || !strings.Contains(fmt.Sprint(err), line) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := c.Collection("cities").Where("state", "==", "CA").Documents(t.Context()).GetAll(); err != nil {
		t.Error(err)
	}
}

// BenchmarkQuery is equality, order and limit: 20 of 20,000 documents.
func BenchmarkQuery(b *testing.B) {
	c, _ := start(b, firestore.Options{})
	for part := range 40 {
		documents := map[string]fields{}
		for i := range 500 {
			n := part*500 + i
			documents[fmt.Sprintf("orders/%05d", n)] = fields{"customer": n % 100, "created": n, "note": strings.Repeat("x", 300)}
		}
		fill(b, c, documents)
	}
	q := c.Collection("orders").Where("customer", "==", 7).OrderBy("created", official.Desc).Limit(20)
	if got := ids(b, q.Documents(b.Context())); len(strings.Fields(got)) != 20 {
		b.Fatal(got)
	}
	for b.Loop() {
		ids(b, q.Documents(b.Context()))
	}
}
