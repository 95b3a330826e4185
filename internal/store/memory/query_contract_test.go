package memory_test

import (
	"context"
	"fmt"
	"path"
	"slices"
	"testing"
	"time"

	"orderflow.dev/internal/store"
)

// asc and desc name an order.
func asc(field string) store.Order  { return store.Order{Field: field} }
func desc(field string) store.Order { return store.Order{Field: field, Desc: true} }

func TestQueriesFindWhatFirestoreFinds(t *testing.T) {
	t1, t2, t3 := moment, moment.Add(time.Microsecond), moment.Add(time.Hour)
	documents := map[string]store.Fields{
		"a": {"who": "x", "t": t2, "n": int64(1)},
		"b": {"who": "x", "t": t1, "n": int64(1)},
		"c": {"who": "x", "t": t2, "n": int64(-3)},
		"d": {"who": "y", "t": t3, "n": int64(7)},
		"e": {"who": "x", "n": int64(7)},             // no t
		"f": {"t": t3, "n": int64(8)},                // no who
		"g": {"who": "x", "t": "late", "n": "seven"}, // other types
		"h": {"who": "x", "t": t3, "n": int64(0), "s": "B"},
		"i": {"who": "x", "t": t3, "s": "a", "raw": []byte{2}},
		"j": {"who": "z", "s": "ab", "b": true, "raw": []byte{1, 255}},
		"k": {"who": "z", "s": "é", "b": false, "raw": []byte{}},
	}
	for name, c := range map[string]struct {
		q    store.Query
		want []string
	}{
		"all, by id": {store.Query{}, []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"}},
		"limit":      {store.Query{Limit: 2}, []string{"a", "b"}},
		"behind an id": {
			store.Query{OrderBy: []store.Order{asc(store.DocumentID)}, After: []any{"c"}, Limit: 3}, []string{"d", "e", "f"}},
		"behind an id that is not there": {
			store.Query{OrderBy: []store.Order{asc(store.DocumentID)}, After: []any{"bb"}, Limit: 2}, []string{"c", "d"}},
		"equal":                     {store.Query{Where: []store.Where{{Field: "who", Op: "==", Value: "y"}}}, []string{"d"}},
		"equal and equal":           {store.Query{Where: []store.Where{{Field: "who", Op: "==", Value: "x"}, {Field: "n", Op: "==", Value: int64(1)}}}, []string{"a", "b"}},
		"at most, by its field":     {store.Query{Where: []store.Where{{Field: "n", Op: "<=", Value: int64(1)}}, OrderBy: []store.Order{asc("n")}}, []string{"c", "h", "a", "b"}},
		"at most, no order named":   {store.Query{Where: []store.Where{{Field: "n", Op: "<=", Value: int64(1)}}}, []string{"c", "h", "a", "b"}},
		"less":                      {store.Query{Where: []store.Where{{Field: "n", Op: "<", Value: int64(1)}}}, []string{"c", "h"}},
		"more":                      {store.Query{Where: []store.Where{{Field: "n", Op: ">", Value: int64(1)}}}, []string{"d", "e", "f"}},
		"at least":                  {store.Query{Where: []store.Where{{Field: "n", Op: ">=", Value: int64(7)}}}, []string{"d", "e", "f"}},
		"times only of times":       {store.Query{Where: []store.Where{{Field: "t", Op: ">", Value: t1}}}, []string{"a", "c", "d", "f", "h", "i"}},
		"finer than it can be":      {store.Query{Where: []store.Where{{Field: "t", Op: "<=", Value: t1.Add(999 * time.Nanosecond)}}}, []string{"b"}},
		"between":                   {store.Query{Where: []store.Where{{Field: "t", Op: ">", Value: t1}, {Field: "t", Op: "<", Value: t3}}}, []string{"a", "c"}},
		"ordered leaves out":        {store.Query{OrderBy: []store.Order{asc("s")}}, []string{"h", "i", "j", "k"}},
		"bools":                     {store.Query{OrderBy: []store.Order{asc("b")}}, []string{"k", "j"}},
		"bytes":                     {store.Query{OrderBy: []store.Order{desc("raw")}}, []string{"i", "j", "k"}},
		"types in their order":      {store.Query{Where: []store.Where{{Field: "who", Op: "==", Value: "x"}}, OrderBy: []store.Order{asc("n")}}, []string{"c", "h", "a", "b", "e", "g"}},
		"another type":              {store.Query{Where: []store.Where{{Field: "n", Op: "==", Value: "1"}}}, nil},
		"newest first, ids desc":    {store.Query{Where: []store.Where{{Field: "who", Op: "==", Value: "x"}}, OrderBy: []store.Order{desc("t"), desc(store.DocumentID)}}, []string{"g", "i", "h", "c", "a", "b"}},
		"newest first, ids implied": {store.Query{Where: []store.Where{{Field: "who", Op: "==", Value: "x"}}, OrderBy: []store.Order{desc("t")}}, []string{"g", "i", "h", "c", "a", "b"}},
		"newest first, ids asc":     {store.Query{Where: []store.Where{{Field: "who", Op: "==", Value: "x"}}, OrderBy: []store.Order{desc("t"), asc(store.DocumentID)}}, []string{"g", "h", "i", "a", "c", "b"}},
		"behind time and id": {store.Query{Where: []store.Where{{Field: "who", Op: "==", Value: "x"}},
			OrderBy: []store.Order{desc("t"), desc(store.DocumentID)}, After: []any{t3, "h"}}, []string{"c", "a", "b"}},
		"two orders":           {store.Query{Where: []store.Where{{Field: "t", Op: ">=", Value: t2}}, OrderBy: []store.Order{asc("t"), desc("n")}}, []string{"a", "c", "f", "d", "h"}},
		"another's collection": {store.Query{Collection: "other"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			contract(t, func(t *testing.T, db database, own func(string) string) {
				col, writes := own("c"), []store.Write{{Path: own("c2") + "/z", Fields: store.Fields{"n": int64(1)}}}
				for id, fields := range documents {
					writes = append(writes, store.Write{Path: col + "/" + id, Fields: fields})
				}
				commit(t, db, writes...)
				q := c.q
				if q.Collection == "" {
					q.Collection = col
				} else {
					q.Collection = own(q.Collection)
				}
				if q.Limit == 0 {
					q.Limit = 100
				}
				found, err := db.Query(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, d := range found {
					got = append(got, path.Base(d.Path))
					if !d.Exists() || path.Dir(d.Path) != col {
						t.Errorf("found %+v", d)
					}
				}
				same(t, "ids", c.want, got)
			})
		})
	}
}

func TestCursorThatDoesNotFitItsOrderIsAnError(t *testing.T) {
	contract(t, func(t *testing.T, db database, name func(string) string) {
		_, err := db.Query(t.Context(), store.Query{Collection: name("c"), OrderBy: []store.Order{desc("t"), desc(store.DocumentID)}, After: []any{moment}, Limit: 1})
		if err == nil {
			t.Error("a cursor of one value was taken for an order of two fields")
		}
	})
}

// heard is one delivery of a listener.
type heard struct {
	set     []store.Document
	deleted []string
	at      time.Time
}

// next is the next delivery; none for a minute is an error.
func next(t *testing.T, deliveries <-chan heard) heard {
	t.Helper()
	select {
	case h := <-deliveries:
		return h
	case <-time.After(time.Minute):
		t.Fatal("the listener heard nothing")
		return heard{}
	}
}

func listen(t *testing.T, db database, collection string) <-chan heard {
	ctx, cancel := context.WithCancel(t.Context())
	deliveries, ended := make(chan heard, 100), make(chan struct{})
	go func() {
		defer close(ended)
		db.Watch(ctx, collection, func(set []store.Document, deleted []string, at time.Time) {
			deliveries <- heard{set, deleted, at}
		})
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return deliveries
}

func TestListenerHearsEverythingAndThenWhatChanges(t *testing.T) {
	contract(t, func(t *testing.T, db database, name func(string) string) {
		col := name("c")
		put(t, db, map[string]store.Fields{col + "/a": {"n": int64(1)}, col + "/b": {"n": int64(1)}, name("other") + "/x": {"n": int64(1)}})
		deliveries := listen(t, db, col)
		var got []string
		last := time.Time{}
		hear := func() {
			h := next(t, deliveries)
			if h.at.Before(last) {
				t.Errorf("a delivery is of %v, the one before of %v", h.at, last)
			}
			last = h.at
			for _, d := range h.set {
				got = append(got, fmt.Sprint("set ", path.Base(d.Path), d.Fields["n"]))
				if d.UpdateTime.After(h.at) {
					t.Errorf("a delivery of %v tells of a change at %v", h.at, d.UpdateTime)
				}
			}
			slices.Sort(got)
		}
		hear()
		same(t, "first delivery", []string{"set a1", "set b1"}, got)
		got = nil
		at := commit(t, db, store.Write{Path: col + "/a", Fields: store.Fields{"n": int64(2)}, As: get(t, db, col+"/a").UpdateTime},
			store.Write{Path: col + "/c", Fields: store.Fields{"n": int64(1)}},
			store.Write{Path: name("other") + "/y", Fields: store.Fields{"n": int64(1)}})
		hear()
		same(t, "second delivery", []string{"set a2", "set c1"}, got)
		if last.Before(at) {
			t.Errorf("the delivery of a commit at %v is of %v", at, last)
		}
	})
}

func TestListenerOfNothingHearsSoAtOnce(t *testing.T) {
	contract(t, func(t *testing.T, db database, name func(string) string) {
		if h := next(t, listen(t, db, name("empty"))); len(h.set) > 0 || len(h.deleted) > 0 || h.at.IsZero() {
			t.Errorf("first delivery of an empty collection is %+v", h)
		}
	})
}

func TestListenerHearsWhatIsDeleted(t *testing.T) {
	contract(t, func(t *testing.T, db database, name func(string) string) {
		a := name("c") + "/a"
		put(t, db, map[string]store.Fields{a: {"n": int64(1)}, name("c") + "/b": {"n": int64(1)}})
		deliveries := listen(t, db, name("c"))
		next(t, deliveries)
		db.remove(a)
		if h := next(t, deliveries); len(h.set) > 0 || !slices.Equal(h.deleted, []string{a}) {
			t.Errorf("heard %+v, want the deletion of %s", h, a)
		}
		put(t, db, map[string]store.Fields{a: {"n": int64(1)}})
		if h := next(t, deliveries); len(h.set) != 1 || h.set[0].Path != a {
			t.Errorf("heard %+v, want %s again", h, a)
		}
	})
}
