package database

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"pgregory.net/rapid"
)

// ids are such that whole segments have to be compared: some sort before "/", one has a zero byte.
var ids = rapid.SampledFrom([]string{"a", "b", "a-b", "a!", "a\x00", "a\x00\x01b", "é"})

var somePath = rapid.Custom(func(t *rapid.T) string {
	var path []string
	for range 2 * rapid.SampledFrom([]int{1, 1, 2, 3}).Draw(t, "depth") {
		path = append(path, ids.Draw(t, "id"))
	}
	return strings.Join(path, "/")
})

// model is what a database should be: the x of each document.
type model map[string]int

// segments compares paths segment by segment.
func segments(a, b string) int {
	return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/"))
}

func (m model) collections(parent string) []string {
	var found []string
	for path := range m {
		if below, ok := strings.CutPrefix("/"+path, strings.TrimSuffix("/"+parent, "/")+"/"); ok {
			id, _, _ := strings.Cut(below, "/")
			found = append(found, id)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func (m model) missing(collection string) []string {
	var found []string
	for path := range m {
		below, ok := strings.CutPrefix(path, collection+"/")
		id, _, deeper := strings.Cut(below, "/")
		if _, there := m[collection+"/"+id]; ok && deeper && !there {
			found = append(found, collection+"/"+id)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// contains says it in another way than Scope.Contains.
func contains(s Scope, path string) bool {
	p, parent := strings.Split(path, "/"), strings.Split(s.Parent, "/")
	if s.Parent == "" {
		parent = nil
	}
	n := len(parent)
	if len(p) < n+2 || !slices.Equal(p[:n], parent) {
		return false
	}
	return (s.Group || len(p) == n+2) && (s.Collection == "" && s.Group || p[len(p)-2] == s.Collection)
}

// scan is an index of the model by x (two entries a document, as an array would have, none if x is 0) and path.
func (m model) scan(s Scope) (keys []string) {
	for path, x := range m {
		if contains(s, path) && x > 0 {
			keys = append(keys, key(x, path), key(x+10, path))
		}
	}
	slices.Sort(keys)
	return keys
}

func key(x int, path string) string { return fmt.Sprintf("%02d %s", x, path) }

func byX(s Scope) Index {
	return Index{Scope: s, Name: "x", Keys: func(d *Document) [][]byte {
		x := int(d.Fields()["x"].GetIntegerValue())
		if x == 0 {
			return nil
		}
		return [][]byte{[]byte(key(x, d.Path)), []byte(key(x+10, d.Path))}
	}}
}

var someScope = rapid.Custom(func(t *rapid.T) Scope {
	s := Scope{Group: rapid.Bool().Draw(t, "group"), Collection: ids.Draw(t, "collection")}
	if rapid.Bool().Draw(t, "below") {
		s.Parent = ids.Draw(t, "parent") + "/" + ids.Draw(t, "parent")
	}
	if s.Group && rapid.Bool().Draw(t, "any") {
		s.Collection = ""
	}
	return s
})

// check compares a view with the model of its moment.
func check(t *rapid.T, doing string, v View, m model) {
	for path, x := range m {
		if d := v.Get(path); d == nil || d.Path != path || int(d.Fields()["x"].GetIntegerValue()) != x {
			t.Fatalf("%s: %s is %v, want %d", doing, path, show(d), x)
		}
	}
	path := somePath.Draw(t, "path")
	if _, there := m[path]; !there && v.Get(path) != nil {
		t.Fatalf("%s: %s is there", doing, path)
	}
	parent := rapid.SampledFrom([]string{"", path, "a/b"}).Draw(t, "parent")
	if d := cmp.Diff(m.collections(parent), v.Collections(parent)); d != "" {
		t.Fatalf("%s: collections below %q (-want +got):\n%s", doing, parent, d)
	}
	collection := strings.TrimPrefix(parent+"/a", "/")
	if d := cmp.Diff(m.missing(collection), slices.Collect(v.Missing(collection))); d != "" {
		t.Fatalf("%s: missing in %q (-want +got):\n%s", doing, collection, d)
	}
	checkScan(t, doing, v, m)
}

func checkScan(t *rapid.T, doing string, v View, m model) {
	scope := someScope.Draw(t, "scope")
	bound := rapid.SampledFrom(append(m.scan(scope), "", "", "00", "02", "03", "12 é", "99"))
	var from, to []byte
	if s := bound.Draw(t, "from"); s != "" {
		from = []byte(s)
	}
	if s := bound.Draw(t, "to"); s != "" {
		to = []byte(s)
	}
	descending := rapid.Bool().Draw(t, "descending")
	var want, got []string
	for _, k := range m.scan(scope) {
		if (from == nil || k >= string(from)) && (to == nil || k < string(to)) {
			want = append(want, k)
		}
	}
	if descending {
		slices.Reverse(want)
	}
	for k, d := range v.Scan(byX(scope), from, to, descending) {
		if !bytes.HasSuffix(k, []byte(" "+d.Path)) || v.Get(d.Path) != d {
			t.Fatalf("%s: the entry %q leads to %v, not to what the view has", doing, k, d.Path)
		}
		got = append(got, string(k))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("%s: scan of %+v from %q to %q (-want +got):\n%s", doing, scope, from, to, d)
	}
}

// someDocument is one that is likely to be there already, or something with it.
var someDocument = rapid.OneOf(rapid.SampledFrom([]string{"a/a", "a/b", "a/b/a/a", "a-b/a", "a/a-b/a/é"}), somePath)

var someWrites = rapid.Custom(func(t *rapid.T) []*pb.Write {
	return rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) *pb.Write {
		path := someDocument.Draw(t, "path")
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			return del(path)
		case 1:
			return with(merge(path, nil, ""), increment("x", rapid.IntRange(1, 3).Draw(t, "by")))
		case 2:
			return exists(put(path, fields{"x": 4}), rapid.Bool().Draw(t, "exists"))
		}
		return put(path, fields{"x": rapid.IntRange(0, 3).Draw(t, "x")})
	}), 1, 4, func(w *pb.Write) string { return w.GetDelete() + w.GetUpdate().GetName() }).Draw(t, "writes")
})

// apply is what the writes should do; ok is false if a precondition fails.
func (m model) apply(writes []*pb.Write) (after model, ok bool) {
	after = maps.Clone(m)
	for _, w := range writes {
		path := strings.TrimPrefix(w.GetDelete()+w.GetUpdate().GetName(), testDB+"/documents/")
		x, there := after[path]
		if p, is := w.GetCurrentDocument().GetConditionType().(*pb.Precondition_Exists); is && p.Exists != there {
			return m, false
		}
		switch {
		case w.GetDelete() != "":
			delete(after, path)
		case w.UpdateTransforms != nil:
			after[path] = x + int(w.UpdateTransforms[0].GetIncrement().GetIntegerValue())
		default:
			after[path] = int(w.GetUpdate().Fields["x"].GetIntegerValue())
		}
	}
	return after, true
}

func TestADatabaseIsAtEachMomentWhatItsCommitsMadeOfIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := newClock()
		db := open(t, c.Now)
		db.history.limit = rapid.SampledFrom([]int{0, 1000, 1 << 20}).Draw(t, "history")
		now := model{}
		then := []time.Time{db.Latest().Time()}
		models := []model{now}
		var held []View
		for range rapid.IntRange(1, 12).Draw(t, "commits") {
			c.advance(time.Duration(rapid.IntRange(0, 2).Draw(t, "step")) * time.Microsecond)
			writes := someWrites.Draw(t, "writes")
			after, ok := now.apply(writes)
			r, err := db.Commit(background, nil, writes)
			if ok != (err == nil) {
				t.Fatalf("commit %v: %v, but the model says %v", writes, err, ok)
			}
			if now = after; ok {
				then, models = append(then, r.CommitTime.AsTime()), append(models, now)
			}
			held = append(held, db.Latest())
			check(t, "latest", held[len(held)-1], now)
			i := rapid.IntRange(0, len(then)-1).Draw(t, "moment")
			v, err := db.At(then[i])
			switch {
			case err == nil:
				check(t, "the past", v, models[i])
				held = append(held, v)
			case status.Code(err) != codes.FailedPrecondition || db.history.limit == 1<<20 || i == len(then)-1:
				t.Fatalf("at %d of %d: %v", i, len(then), err)
			}
			v = held[rapid.IntRange(0, len(held)-1).Draw(t, "held")]
			n, _ := slices.BinarySearchFunc(then, v.Time(), func(a, b time.Time) int {
				if a.After(b) {
					return 1
				}
				return -1
			})
			check(t, "held", v, models[n-1])
		}
	})
}

func TestScopesContainWhatIsInThem(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, path := someScope.Draw(t, "scope"), somePath.Draw(t, "path")
		if got, want := s.Contains(path), contains(s, path); got != want {
			t.Errorf("%+v contains %q: %v", s, path, got)
		}
		scopes := slices.Collect(scopesOf(path))
		if got, want := slices.Contains(scopes, s), contains(s, path); got != want {
			t.Errorf("scopesOf(%q) has %+v: %v", path, s, got)
		}
	})
}

func TestKeysKeepCollectionsTogetherAndTellPathsApart(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := somePath.Draw(t, "a"), somePath.Draw(t, "b")
		collectionA, idA := cutLast(a)
		collectionB, idB := cutLast(b)
		want := segments(collectionA, collectionB)
		if want == 0 {
			want = strings.Compare(idA, idB)
		}
		if got := strings.Compare(keyOf(a), keyOf(b)); want == 0 != (got == 0) || collectionA == collectionB && got != want {
			t.Errorf("keys of %q and %q compare %d, want %d", a, b, got, want)
		}
	})
}
