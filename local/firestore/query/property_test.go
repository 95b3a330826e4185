package query_test

import (
	"slices"
	"strings"
	"testing"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"orderflow.dev/local/firestore/database"
	"orderflow.dev/local/firestore/query"
)

// small are few values, so that they meet.
var small = rapid.SampledFrom(lits(nil, false, true, nan, -1, 0, 1, 2, 1.0, 1.5, 9007199254740993, 9007199254740992.0, "", "a", "a\x00", "b",
	[]byte("a"), ref("c/a"), list{}, list{1}, list{1, 2}, list{1, 1.0, nil}, list{"a", nan}, vector{1}, object{}, object{"x": 1}, object{"x": "a", "y": 2}))

func draw[T any](t *rapid.T, vs ...T) T { return rapid.SampledFrom(vs).Draw(t, "one") }

func someDocuments(t *rapid.T) *view {
	v := &view{}
	for _, path := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"c/a", "c/b", "c/c", "c/d", "c/e", "c/f", "c/g", "c/__id7__",
		"c/a/c/a", "c/a/c/b", "x/y/c/a", "x/y", "d/a", "ca/a"}), 0, 14, rapid.ID).Draw(t, "paths") {
		fields := rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "m"}), small, 0, 3).Draw(t, path)
		v.documents = append(v.documents, database.NewDocument(path, fields, v.Time(), v.Time()))
	}
	return v
}

var (
	fieldPaths = []string{"a", "a", "b", "b", "m.x", "m"}
	names      = rapid.SampledFrom(lits(ref("c/a"), ref("c/b"), ref("c/c"), ref("c/a/c/a"), ref("d/a"), ref("c/__id7__")))
)

func someCondition(t *rapid.T, depth int) condition {
	if depth > 0 && rapid.IntRange(0, 2).Draw(t, "composite") > 0 {
		var parts []condition
		for range rapid.IntRange(1, 3).Draw(t, "parts") {
			parts = append(parts, someCondition(t, depth-1))
		}
		return composite(draw(t, pb.StructuredQuery_CompositeFilter_AND, pb.StructuredQuery_CompositeFilter_OR), parts...)
	}
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		return unary(draw(t, fieldPaths...), draw(t, "is null", "is nan", "is not null", "is not nan"))
	case 1:
		return where("__name__", draw(t, "==", "<", "<=", ">", ">=", "!="), names.Draw(t, "name"))
	case 2:
		return where("__name__", draw(t, "in", "not in"), several(t, names))
	case 3:
		return where(draw(t, fieldPaths...), draw(t, "in", "contains any", "not in"), several(t, small))
	}
	return where(draw(t, fieldPaths...), draw(t, "==", "==", "==", "!=", "<", "<=", ">", ">=", "contains"), small.Draw(t, "operand"))
}

func several(t *rapid.T, of *rapid.Generator[*pb.Value]) *pb.Value {
	v := lit(list{})
	v.GetArrayValue().Values = rapid.SliceOfN(of, 1, 4).Draw(t, "several")
	return v
}

func someQuery(t *rapid.T) *structured {
	q := from(draw(t, "c", "c", "c", "*/c"), nil)
	if rapid.Bool().Draw(t, "filtered") {
		q.Where = someCondition(t, 2)
	}
	orders := rapid.SliceOfNDistinct(rapid.SampledFrom(append([]string{"__name__"}, fieldPaths...)), 0, 3, rapid.ID).Draw(t, "orders")
	slices.SortFunc(orders, func(a, b string) int { return strings.Compare(b, a) }) // __name__ comes last
	for _, path := range orders {
		orderBy(draw(t, path, "-"+path))(q)
	}
	for _, c := range []**pb.Cursor{&q.StartAt, &q.EndAt} {
		if rapid.IntRange(0, 2).Draw(t, "cursor") == 0 {
			*c = someCursor(t, q)
		}
	}
	if rapid.IntRange(0, 2).Draw(t, "limited") == 0 {
		limit(rapid.Int32Range(0, 4).Draw(t, "limit"))(q)
	}
	q.Offset = draw(t, int32(0), 0, 1, 2)
	return q
}

func someCursor(t *rapid.T, q *structured) *pb.Cursor {
	c := &pb.Cursor{Before: rapid.Bool().Draw(t, "before")}
	for _, o := range q.OrderBy[:rapid.IntRange(0, len(q.OrderBy)).Draw(t, "values")] {
		of := small
		if o.Field.FieldPath == "__name__" {
			of = names
		}
		c.Values = append(c.Values, of.Draw(t, "value"))
	}
	return c
}

func TestQueriesFindWhatTheModelFinds(t *testing.T) {
	t.Parallel()
	valid, found := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		v := someDocuments(t)
		for range 8 {
			s := someQuery(t)
			q, err := query.Parse(project, "", s)
			if err == nil {
				valid, found = valid+1, found+checkAgainstModel(t, q, s, v)
			} else if status.Code(err) != codes.InvalidArgument {
				t.Errorf("%v: %v", s, err)
			}
		}
	})
	t.Logf("%d queries were valid and found %d documents", valid, found)
	if valid < 300 || found < valid/4 {
		t.Errorf("only %d queries were valid, and found only %d documents", valid, found)
	}
}

// checkAgainstModel checks all that a query answers; it answers how many documents are in the result.
func checkAgainstModel(t *rapid.T, q *query.Query, s *structured, v *view) int {
	all := newModel(proto.CloneOf(s))
	all.q.Limit, all.q.Offset = nil, 0
	in := all.run(v.documents)
	want := newModel(s).run(v.documents)
	got, skipped := q.Run(v)
	if diff := cmp.Diff(paths(want), paths(got)); diff != "" {
		t.Errorf("%v: %s", s, diff)
	}
	if limit0 := s.Limit != nil && s.Limit.Value == 0; !limit0 && skipped != min(int(s.Offset), len(in)) {
		t.Errorf("%v: skipped %d of %d", s, skipped, len(in))
	}
	if q.Limited() != (s.Limit != nil || s.Offset > 0) {
		t.Errorf("%v: limited: %v", s, q.Limited())
	}
	for _, d := range v.documents {
		if matches := slices.Contains(in, d); q.Matches(d) != matches {
			t.Errorf("%v: %s matches: %v", s, d.Path, !matches)
		}
	}
	for i, a := range in {
		for j, b := range in {
			if got := q.Compare(a, b); got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("%v: %s and %s compare as %d", s, a.Path, b.Path, got)
			}
		}
	}
	return len(want)
}

func FuzzAnyQueryIsRefusedOrRuns(f *testing.F) {
	for _, s := range []*structured{
		from("c", where("a", "==", 1), orderBy("-b"), limit(2)), from("*/c", or(where("a", "in", list{1, 2}), unary("b", "is nan"))),
		from("c", where("__name__", ">", ref("c/a")), orderBy("__name__"), startAfter(ref("c/b"))), from("c", nil, orderBy("a"), endBefore()),
	} {
		encoded, err := proto.Marshal(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	v := kinds()
	f.Fuzz(func(t *testing.T, encoded []byte) {
		s := &structured{}
		if proto.Unmarshal(encoded, s) != nil {
			t.Skip("no query")
		}
		q, err := query.Parse(project, "", s)
		if err != nil {
			if code := status.Code(err); code != codes.InvalidArgument && code != codes.Unimplemented {
				t.Errorf("%v", err)
			}
			return
		}
		found, skipped := q.Run(&view{documents: v.documents})
		matching := 0
		for _, d := range v.documents {
			if q.Matches(d) {
				matching++
			}
		}
		if len(found)+skipped > matching || !q.Limited() && len(found) != matching {
			t.Errorf("%v: %d found, %d skipped, %d match", s, len(found), skipped, matching)
		}
	})
}
