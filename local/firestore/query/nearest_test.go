package query_test

import (
	"testing"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"orderflow.dev/local/firestore/query"
)

// search is a vector search in a collection.
func search(measure pb.StructuredQuery_FindNearest_DistanceMeasure, n int32, of any, o ...func(*pb.StructuredQuery_FindNearest)) *structured {
	q := from("c", nil)
	q.FindNearest = &pb.StructuredQuery_FindNearest{
		VectorField: field("v"), QueryVector: lit(of), DistanceMeasure: measure, Limit: wrapperspb.Int32(n),
	}
	for _, set := range o {
		set(q.FindNearest)
	}
	return q
}

func threshold(t float64) func(*pb.StructuredQuery_FindNearest) {
	return func(f *pb.StructuredQuery_FindNearest) { f.DistanceThreshold = wrapperspb.Double(t) }
}

const (
	euclidean = pb.StructuredQuery_FindNearest_EUCLIDEAN
	cosine    = pb.StructuredQuery_FindNearest_COSINE
	dot       = pb.StructuredQuery_FindNearest_DOT_PRODUCT
)

func TestAVectorSearchFindsTheNearest(t *testing.T) {
	t.Parallel()
	v := &view{}
	for path, o := range map[string]object{
		"c/one": {"v": vector{1, 0}}, "c/two": {"v": vector{2, 0}}, "c/up": {"v": vector{0, 3}}, "c/zero": {"v": vector{0, 0}},
		"c/longer": {"v": vector{1, 0, 0}}, "c/array": {"v": list{1.0, 0.0}}, "c/none": {}, "d/other": {"v": vector{1, 0}},
	} {
		v.documents = append(v.documents, document(path, o))
	}
	for name, c := range map[string]struct {
		q    *structured
		want []string
	}{
		"euclidean":           {search(euclidean, 10, vector{2, 0}), []string{"c/two", "c/one", "c/zero", "c/up"}},
		"no more than asked":  {search(euclidean, 2, vector{2, 0}), []string{"c/two", "c/one"}},
		"not too far away":    {search(euclidean, 10, vector{2, 0}, threshold(1)), []string{"c/two", "c/one"}},
		"cosine":              {search(cosine, 10, vector{1, 0.1}), []string{"c/one", "c/two", "c/up"}},
		"cosine, not too far": {search(cosine, 10, vector{0, 1}, threshold(0.5)), []string{"c/up"}},
		"dot":                 {search(dot, 10, vector{1, 1}), []string{"c/up", "c/two", "c/one", "c/zero"}},
		"dot, not too far":    {search(dot, 10, vector{1, 1}, threshold(2)), []string{"c/up", "c/two"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q, err := query.Parse(project, "", c.q)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			found, _ := q.Run(v)
			for _, d := range found {
				got = append(got, d.Path)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAVectorSearchTellsTheDistanceIfAsked(t *testing.T) {
	t.Parallel()
	d := document("c/a", object{"v": vector{3, 4}, "b": 1})
	for _, s := range []*structured{
		search(euclidean, 1, vector{0, 0}, func(f *pb.StructuredQuery_FindNearest) { f.DistanceResultField = "far" }),
		search(euclidean, 1, vector{0, 0}),
	} {
		sel("b")(s)
		q, err := query.Parse(project, "", s)
		if err != nil {
			t.Fatal(err)
		}
		want := object{"b": 1}
		if s.FindNearest.DistanceResultField != "" {
			want["far"] = 5.0
		}
		if diff := cmp.Diff(text(fields(want)), text(q.Project(d))); diff != "" {
			t.Error(diff)
		}
	}
}

// text is fields as they can be compared.
func text(fields map[string]*pb.Value) string {
	return (&pb.MapValue{Fields: fields}).String()
}

func TestAWrongVectorSearchIsRefused(t *testing.T) {
	t.Parallel()
	field := func(path string) func(*pb.StructuredQuery_FindNearest) {
		return func(f *pb.StructuredQuery_FindNearest) { f.VectorField.FieldPath = path }
	}
	tooLong := make(vector, 2049)
	for name, c := range map[string]struct {
		q    *structured
		says string
	}{
		"no measure":          {search(0, 1, vector{1}), "distance_measure"},
		"no limit":            {search(dot, 0, vector{1}), "limit"},
		"limit below 0":       {search(dot, -1, vector{1}), "limit"},
		"limit 1000":          {search(dot, 1000, vector{1}), ""},
		"limit 1001":          {search(dot, 1001, vector{1}), "limit"},
		"an array":            {search(dot, 1, list{1.0}), "query_vector"},
		"a vector of nothing": {search(dot, 1, vector{}), "query_vector"},
		"integers":            {search(dot, 1, object{"__type__": "__vector__", "value": list{1}}), "query_vector"},
		"2048 dimensions":     {search(dot, 1, tooLong[1:]), ""},
		"2049 dimensions":     {search(dot, 1, tooLong), "query_vector"},
		"no field":            {search(dot, 1, vector{1}, field("")), "field"},
		"the name":            {search(dot, 1, vector{1}, field("__name__")), "no vector"},
		"a reserved result":   {search(dot, 1, vector{1}, func(f *pb.StructuredQuery_FindNearest) { f.DistanceResultField = "__x__" }), "reserved"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := query.Parse(project, "", c.q)
			checkRefusal(t, err, codes.InvalidArgument, c.says)
		})
	}
}

func TestAVectorSearchNeedsAnIndexInStrictMode(t *testing.T) {
	t.Parallel()
	strict, err := query.ParseIndexes([]byte("[]"), []byte("[]"))
	if err != nil {
		t.Fatal(err)
	}
	q, err := query.Parse(project, "", search(dot, 1, vector{1}))
	if err != nil {
		t.Fatal(err)
	}
	checkRefusal(t, strict.Check(project, q), codes.FailedPrecondition, "vectors")
}
