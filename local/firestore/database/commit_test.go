package database

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func TestAWriteMakesOfADocumentWhatFirestoreMakesOfIt(t *testing.T) {
	t.Parallel()
	before := fields{"n": 1, "m": fields{"p": 1, "q": 2}}
	for name, c := range map[string]struct {
		before fields // nil: no document
		writes []*pb.Write
		want   string
	}{
		"a set replaces":                        {before, []*pb.Write{put("c/d", fields{"x": 1})}, `{x:1}`},
		"a set creates":                         {nil, []*pb.Write{put("c/d", fields{"x": 1})}, `{x:1}`},
		"a set of nothing":                      {before, []*pb.Write{put("c/d", nil)}, `{}`},
		"a delete":                              {before, []*pb.Write{del("c/d")}, `-`},
		"a delete of nothing":                   {nil, []*pb.Write{del("c/d")}, `-`},
		"a merge keeps the rest":                {before, []*pb.Write{merge("c/d", fields{"x": 1}, "x")}, `{m:{p:1 q:2} n:1 x:1}`},
		"a merge creates":                       {nil, []*pb.Write{merge("c/d", fields{"x": 1}, "x")}, `{x:1}`},
		"a merge deletes what it does not have": {before, []*pb.Write{merge("c/d", nil, "n", "m.p")}, `{m:{q:2}}`},
		"a merge leaves an emptied map":         {before, []*pb.Write{merge("c/d", nil, "m.p", "m.q")}, `{m:{} n:1}`},
		"a merge ignores what is not masked":    {before, []*pb.Write{merge("c/d", fields{"x": 1, "n": 2}, "n")}, `{m:{p:1 q:2} n:2}`},
		"a merge into a map":                    {before, []*pb.Write{merge("c/d", fields{"m": fields{"p": 7, "z": 8}}, "m.p")}, `{m:{p:7 q:2} n:1}`},
		"a merge replaces a whole map":          {before, []*pb.Write{merge("c/d", fields{"m": fields{"z": 8}}, "m")}, `{m:{z:8} n:1}`},
		"a merge below what is no map":          {before, []*pb.Write{merge("c/d", fields{"n": fields{"r": 1}}, "n.r")}, `{m:{p:1 q:2} n:{r:1}}`},
		"a deletion below what is no map":       {before, []*pb.Write{merge("c/d", nil, "n.r", "x.y.z")}, `{m:{p:1 q:2} n:1}`},
		"an empty mask":                         {before, []*pb.Write{merge("c/d", fields{"x": 1}, "")}, `{m:{p:1 q:2} n:1}`},
		"an empty mask creates":                 {nil, []*pb.Write{merge("c/d", fields{"x": 1}, "")}, `{}`},
		"a mask with a name in quotes":          {before, []*pb.Write{merge("c/d", fields{"a.b": 1}, "`a.b`")}, "{a.b:1 m:{p:1 q:2} n:1}"},
		"a mask with a map and what is in it":   {before, []*pb.Write{merge("c/d", fields{"m": fields{"p": 7}}, "m", "m.p")}, `{m:{p:7} n:1}`},
		"a mask with __name__":                  {before, []*pb.Write{merge("c/d", nil, "__name__")}, `{m:{p:1 q:2} n:1}`},
		"transforms come after the mask":        {before, []*pb.Write{with(merge("c/d", nil, "n"), increment("n", 5))}, `{m:{p:1 q:2} n:5}`},
		"transforms come after the set":         {before, []*pb.Write{with(put("c/d", fields{"n": 5}), increment("n", 5))}, `{n:10}`},
		"a transform creates":                   {nil, []*pb.Write{with(merge("c/d", nil, ""), increment("a.b", 5))}, `{a:{b:5}}`},
		"several writes see each other": {before, []*pb.Write{
			with(merge("c/d", nil, ""), increment("n", 2)), with(merge("c/d", nil, ""), increment("n", 3)), merge("c/d", nil, "m"),
		}, `{n:6}`},
		"deleted and set again": {before, []*pb.Write{del("c/d"), merge("c/d", fields{"x": 1}, "x")}, `{x:1}`},
		"set and deleted":       {nil, []*pb.Write{put("c/d", before), del("c/d")}, `-`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t, nil)
			if c.before != nil {
				must(t, db, put("c/d", c.before))
			}
			must(t, db, c.writes...)
			if got := show(db.Latest().Get("c/d")); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestATransformDoesWhatFirestoreDoes(t *testing.T) {
	t.Parallel()
	nan, inf, minus0 := math.NaN(), math.Inf(1), math.Copysign(0, -1)
	before := fields{
		"i": 5, "d": 2.5, "s": "x", "max": math.MaxInt64, "min": math.MinInt64, "nan": nan, "inf": inf, "z": 0, "nz": minus0,
		"one": 1.0, "a": []any{1, 2.0, "x", 1, nil}, "m": fields{"q": 1},
	}
	for _, c := range []struct {
		transform    *ft
		want, result string // the result is the value, if it is ""
	}{
		{increment("i", 2), "7", ""},
		{increment("i", 2.0), "7.0", ""},
		{increment("d", 2), "4.5", ""},
		{increment("s", 2), "2", ""},
		{increment("no", 2), "2", ""},
		{increment("max", 2), "9223372036854775807", ""},
		{increment("max", -2), "9223372036854775805", ""},
		{increment("min", -2), "-9223372036854775808", ""},
		{increment("min", math.MaxInt64), "-1", ""},
		{increment("max", math.MinInt64), "-1", ""},
		{increment("max", 2.0), "9.223372036854776e+18", ""},
		{increment("nan", 2), "NaN", ""},
		{increment("inf", math.Inf(-1)), "NaN", ""},
		{increment("nz", 0), "0.0", ""},
		{increment("nz", minus0), "-0.0", ""},
		{increment("z", minus0), "0.0", ""},
		{increment("m.q", 1), "2", ""},
		{increment("i.x", 1), "1", ""},
		{maximum("i", 2), "5", ""},
		{maximum("i", 7), "7", ""},
		{maximum("i", 7.5), "7.5", ""},
		{maximum("i", 5.0), "5", ""},
		{minimum("i", 5.0), "5", ""},
		{minimum("i", 4.5), "4.5", ""},
		{minimum("i", 7), "5", ""},
		{maximum("one", 1), "1.0", ""},
		{minimum("one", 1), "1.0", ""},
		{maximum("s", 7), "7", ""},
		{minimum("no", 7), "7", ""},
		{maximum("nan", 7), "NaN", ""},
		{minimum("nan", 7), "NaN", ""},
		{maximum("i", nan), "NaN", ""},
		{minimum("i", nan), "NaN", ""},
		{maximum("z", minus0), "0", ""},
		{minimum("z", minus0), "0", ""},
		{maximum("nz", 0), "-0.0", ""},
		{arrayUnion("a", 1.0, 2, "y", "y", nil), `[1 2.0 "x" 1 null "y"]`, "null"},
		{arrayUnion("i", 1), `[1]`, "null"},
		{arrayUnion("no", 1, 1.0, 1), `[1]`, "null"},
		{arrayUnion("no", nan, nan), `[NaN]`, "null"},
		{arrayUnion("i"), `[]`, "null"},
		{arrayRemove("a", 1.0, nil), `[2.0 "x"]`, "null"},
		{arrayRemove("i", 1), `[]`, "null"},
		{arrayRemove("no", 1), `[]`, "null"},
		{requestTime("i"), "2026-01-02T03:04:05.123901Z", ""},
	} {
		t.Run(c.transform.String(), func(t *testing.T) {
			t.Parallel()
			db := open(t, func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 123_900_000, time.UTC) })
			must(t, db, put("c/d", before))
			r := must(t, db, with(merge("c/d", nil, ""), c.transform))
			path, err := ParseMask([]string{c.transform.FieldPath})
			if err != nil {
				t.Fatal(err)
			}
			if got := showValue(path[0].Get(db.Latest().Get("c/d").Fields())); got != c.want {
				t.Errorf("the field is %s, want %s", got, c.want)
			}
			want := c.result
			if want == "" {
				want = c.want
			}
			if got := showValue(r.WriteResults[0].TransformResults[0]); got != want {
				t.Errorf("the result is %s, want %s", got, want)
			}
		})
	}
}

func TestARequestTimeIsTheCommits(t *testing.T) {
	t.Parallel()
	db := open(t, func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 123_456_789, time.UTC) })
	r := must(t, db, with(put("c/d", nil), requestTime("a"), requestTime("b.c")), with(put("c/e", nil), requestTime("a")))
	const want = "2026-01-02T03:04:05.123456Z"
	if got := show(db.Latest().Get("c/d")); got != "{a:"+want+" b:{c:"+want+"}}" {
		t.Errorf("got %s", got)
	}
	if got := show(db.Latest().Get("c/e")); got != "{a:"+want+"}" {
		t.Errorf("got %s", got)
	}
	if got := r.CommitTime.AsTime().Format(time.RFC3339Nano); got != want {
		t.Errorf("committed at %s, want whole microseconds", got)
	}
}

func TestAPreconditionThatFailsWritesNothing(t *testing.T) {
	t.Parallel()
	db := open(t, nil)
	r := must(t, db, put("c/d", fields{"x": 1}))
	at := r.CommitTime
	must(t, db, put("c/stale", fields{"x": 1}))
	stale := &timestamppb.Timestamp{Seconds: at.Seconds - 1}
	for name, c := range map[string]struct {
		write *pb.Write
		want  codes.Code
	}{
		"create what exists":             {exists(put("c/d", nil), false), codes.AlreadyExists},
		"delete what should not exist":   {exists(del("c/d"), false), codes.AlreadyExists},
		"update what does not":           {exists(put("c/no", nil), true), codes.NotFound},
		"delete what does not":           {exists(del("c/no"), true), codes.NotFound},
		"update of another version":      {updatedAt(put("c/d", nil), stale), codes.FailedPrecondition},
		"delete of another version":      {updatedAt(del("c/d"), stale), codes.FailedPrecondition},
		"update of a version of nothing": {updatedAt(put("c/no", nil), at), codes.FailedPrecondition},
		"delete of a version of nothing": {updatedAt(del("c/no"), at), codes.FailedPrecondition},
		"a time too precise":             {updatedAt(put("c/d", nil), &timestamppb.Timestamp{Nanos: 1}), codes.InvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := db.Commit(background, nil, []*pb.Write{put("c/new", nil), c.write, put("c/newer", nil)})
			wantCode(t, "the second write", err, c.want)
			v := db.Latest()
			if got := show(v.Get("c/d")) + show(v.Get("c/new")) + show(v.Get("c/newer")); got != "{x:1}--" {
				t.Errorf("got %s", got)
			}
		})
	}
	must(t, db, updatedAt(put("c/d", fields{"x": 2}), at))
	must(t, db, exists(put("c/d", fields{"x": 3}), true), exists(put("c/no", nil), false))
}

func TestWritesOfOneDocumentThatCannotAllBeFulfilledAreRefused(t *testing.T) {
	t.Parallel()
	db := open(t, nil)
	base := must(t, db, put("c/d", fields{"x": 1})).CommitTime
	ut := func(w *pb.Write) *pb.Write { return updatedAt(w, base) }
	set := func() *pb.Write { return put("c/d", fields{"x": 1}) }
	for name, c := range map[string]struct {
		writes []*pb.Write
		want   codes.Code
	}{
		"set, create":            {[]*pb.Write{set(), exists(set(), false)}, codes.InvalidArgument},
		"create, create":         {[]*pb.Write{exists(set(), false), exists(set(), false)}, codes.InvalidArgument},
		"delete, update":         {[]*pb.Write{del("c/d"), exists(set(), true)}, codes.InvalidArgument},
		"delete, delete exists":  {[]*pb.Write{del("c/d"), exists(del("c/d"), true)}, codes.InvalidArgument},
		"set, delete not exists": {[]*pb.Write{set(), exists(del("c/d"), false)}, codes.InvalidArgument},
		"set, update time":       {[]*pb.Write{set(), ut(set())}, codes.InvalidArgument},
		"another update time":    {[]*pb.Write{ut(set()), updatedAt(set(), &timestamppb.Timestamp{Seconds: 1})}, codes.InvalidArgument},
		"update time twice":      {[]*pb.Write{ut(set()), ut(set())}, codes.OK},
		"delete, update time":    {[]*pb.Write{ut(del("c/d")), ut(set())}, codes.InvalidArgument},
		"update time, delete":    {[]*pb.Write{ut(set()), del("c/d"), exists(set(), false), exists(set(), true)}, codes.OK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t, func() time.Time { return base.AsTime() })
			must(t, db, set())
			_, err := db.Commit(background, nil, c.writes)
			wantCode(t, name, err, c.want)
		})
	}
}

func TestAWriteThatChangesNothingKeepsTheUpdateTime(t *testing.T) {
	t.Parallel()
	db := open(t, nil)
	first := must(t, db, put("c/d", fields{"x": 1, "y": fields{"a": "b"}})).CommitTime
	var told []Batch
	_, stop := db.Watch(func(b Batch) { told = append(told, b) })
	defer stop()
	for name, writes := range map[string][]*pb.Write{
		"the same set":        {put("c/d", fields{"x": 1, "y": fields{"a": "b"}})},
		"the same merge":      {merge("c/d", fields{"x": 1}, "x")},
		"an empty mask":       {merge("c/d", nil, "")},
		"there and back":      {put("c/d", fields{"x": 2}), put("c/d", fields{"x": 1, "y": fields{"a": "b"}})},
		"an increment of 0":   {with(merge("c/d", nil, ""), increment("x", 0))},
		"a delete of nothing": {merge("c/d", nil, ""), del("c/no")},
	} {
		r := must(t, db, writes...)
		if got := r.WriteResults[0].UpdateTime; !proto.Equal(got, first) {
			t.Errorf("%s: update time %v, want %v", name, got.AsTime(), first.AsTime())
		}
		if !r.CommitTime.AsTime().After(first.AsTime()) {
			t.Errorf("%s: committed at %v, not later than the first", name, r.CommitTime.AsTime())
		}
	}
	if len(told) != 0 {
		t.Errorf("watchers were told of %v", told)
	}
	r := must(t, db, put("c/d", fields{"x": 1.0, "y": fields{"a": "b"}}))
	if proto.Equal(r.WriteResults[0].UpdateTime, first) {
		t.Error("1.0 is not 1: the update time should have changed")
	}
}

func TestADocumentKeepsItsCreateTimeUntilItIsDeleted(t *testing.T) {
	t.Parallel()
	db := open(t, nil)
	first := must(t, db, put("c/d", fields{"x": 1}))
	must(t, db, put("c/d", fields{"x": 2}))
	if d := db.Latest().Get("c/d"); !d.CreateTime.Equal(first.CommitTime.AsTime()) || d.UpdateTime.Equal(d.CreateTime) {
		t.Errorf("created %v, updated %v; first committed %v", d.CreateTime, d.UpdateTime, first.CommitTime.AsTime())
	}
	for _, writes := range [][]*pb.Write{
		{del("c/d"), put("c/d", fields{"x": 2})},
		{del("c/d"), put("c/d", fields{"x": 3}), put("c/d", fields{"x": 2})},
	} {
		want := must(t, db, writes...).CommitTime.AsTime()
		if d := db.Latest().Get("c/d"); !d.CreateTime.Equal(want) || !d.UpdateTime.Equal(want) {
			t.Errorf("created %v, updated %v; deleted and set at %v", d.CreateTime, d.UpdateTime, want)
		}
	}
	if r := must(t, db, del("c/d")); r.WriteResults[0].UpdateTime != nil {
		t.Errorf("a deleted document has the update time %v", r.WriteResults[0].UpdateTime)
	}
}

func TestCommitTimesOnlyEverGrow(t *testing.T) {
	t.Parallel()
	c := newClock()
	db := open(t, c.Now)
	last := db.Latest().Time()
	for i, step := range []time.Duration{0, 0, time.Nanosecond, -time.Hour, time.Microsecond, 2 * time.Hour, 0} {
		c.advance(step)
		if seen := db.Latest().Time(); seen.Before(last) {
			t.Errorf("%d: a view of %v after one of %v", i, seen, last)
		} else {
			last = seen
		}
		at := must(t, db, put("c/d", fields{"i": i})).CommitTime.AsTime()
		if !at.After(last) || at != at.Truncate(time.Microsecond) {
			t.Errorf("%d: committed at %v, after %v was seen", i, at, last)
		}
		last = at
	}
}

func TestABatchTellsOfEachWrite(t *testing.T) {
	t.Parallel()
	db := open(t, nil)
	must(t, db, put("c/d", fields{"x": 1}))
	r, err := db.BatchWrite(background, []*pb.Write{
		put("c/a", fields{"x": 1}), exists(put("c/b", nil), true), exists(put("c/d", nil), false), with(put("c/e", nil), increment("n", 3)),
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, s := range r.Status {
		got = append(got, fmt.Sprint(codes.Code(s.Code), r.WriteResults[i].UpdateTime != nil, len(r.WriteResults[i].TransformResults)))
	}
	want := []string{"OK true 0", "NotFound false 0", "AlreadyExists false 0", "OK true 1"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if v := db.Latest(); v.Get("c/a") == nil || v.Get("c/e") == nil || v.Get("c/b") != nil {
		t.Error("not exactly the writes that succeeded were made")
	}
	_, err = db.BatchWrite(background, []*pb.Write{put("c/z", nil), put("c/z", fields{"x": 1})})
	wantCode(t, "the same document twice", err, codes.InvalidArgument)
	_, err = db.BatchWrite(background, []*pb.Write{put("c/z", nil), put("c/__z__", nil)})
	wantCode(t, "a malformed write", err, codes.InvalidArgument)
	if db.Latest().Get("c/z") != nil {
		t.Error("a batch that was refused wrote")
	}
}

func TestAWatcherIsToldOfEveryCommitAfterItsView(t *testing.T) {
	t.Parallel()
	db := open(t, nil)
	must(t, db, put("c/a", fields{"x": 1}), put("c/b", nil))
	var told []string
	from, stop := db.Watch(func(b Batch) {
		for _, c := range b.Changes {
			told = append(told, c.path()+" "+show(c.Before)+show(c.After))
		}
		if got := db.Latest(); b.Time.After(got.Time()) {
			t.Errorf("told of %v at %v", b.Time, got.Time())
		}
	})
	if got := paths(from, byName(Scope{Collection: "c"})); !slices.Equal(got, []string{"c/a", "c/b"}) {
		t.Errorf("from %v", got)
	}
	must(t, db, put("c/a", fields{"x": 2}), del("c/b"), put("c/e", nil), put("c/brief", nil), del("c/brief"))
	must(t, db, put("c/a", fields{"x": 3}))
	stop()
	must(t, db, put("c/a", fields{"x": 4}))
	want := []string{"c/a {x:1}{x:2}", "c/b {}-", "c/e -{}", "c/a {x:2}{x:3}"}
	if d := cmp.Diff(want, told); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestAResetTakesEverythingAwayAndTellsOfIt(t *testing.T) {
	t.Parallel()
	s := NewStore(Options{})
	one, err1 := s.Database(testDB)
	two, err2 := s.Database("projects/p/databases/two")
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	must(t, one, put("c/a", nil), put("c/a/b/c", nil))
	w := put("c/a", nil)
	w.GetUpdate().Name = "projects/p/databases/two/documents/c/a"
	must(t, two, w)
	told := 0
	before, stop := one.Watch(func(b Batch) { told += len(b.Changes) })
	defer stop()
	s.Reset()
	for _, db := range []*Database{one, two} {
		if got := db.Latest().Collections(""); len(got) != 0 {
			t.Errorf("%s has %v", db.Name(), got)
		}
	}
	if told != 2 || before.Get("c/a") == nil {
		t.Errorf("told of %d; the view before has %v", told, before.Get("c/a"))
	}
}

func TestDatabasesAreApart(t *testing.T) {
	t.Parallel()
	s := NewStore(Options{})
	names := []string{testDB, "projects/p/databases/other", "projects/q/databases/(default)"}
	for i, name := range names {
		db, err := s.Database(name)
		if err != nil {
			t.Fatal(err)
		}
		must(t, db, &pb.Write{Operation: &pb.Write_Update{Update: &pb.Document{
			Name: name + "/documents/c/d", Fields: fields{"i": i}.values(),
		}}})
	}
	for i, name := range names {
		db, _ := s.Database(name)
		if got, want := show(db.Latest().Get("c/d")), fmt.Sprintf("{i:%d}", i); got != want || db.Name() != name {
			t.Errorf("%s (%s) has %s, want %s", name, db.Name(), got, want)
		}
	}
	db, _ := s.Database(names[1])
	_, err := db.Commit(background, nil, []*pb.Write{put("c/d", nil)})
	wantCode(t, "a write of another database's document", err, codes.InvalidArgument)
}
