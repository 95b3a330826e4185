package database

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// counting counts how often an index asks for keys.
func counting(i Index, n *atomic.Int64) Index {
	keys := i.Keys
	i.Keys = func(d *Document) [][]byte {
		n.Add(1)
		return keys(d)
	}
	return i
}

func TestAnIndexIsBuiltOnceAndThenKeptUpToDate(t *testing.T) {
	t.Parallel()
	db := open(t, nil)
	for i := range 100 {
		must(t, db, put(fmt.Sprintf("c/%03d", i), nil))
	}
	var asked atomic.Int64
	i := counting(byName(Scope{Collection: "c"}), &asked)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if n := len(paths(db.Latest(), i)); n != 100 {
				t.Errorf("%d documents", n)
			}
		})
	}
	wg.Wait()
	if n := asked.Swap(0); n != 100 {
		t.Errorf("built from %d documents", n)
	}
	must(t, db, put("c/new", nil), put("c/000", fields{"x": 1}), del("c/001"), put("other/d", nil), put("c/000/c/d", nil))
	if n := asked.Swap(0); n != 4 {
		t.Errorf("a commit asked for the keys of %d versions, want 1 new, 2 of the changed one, 1 deleted", n)
	}
	if got := paths(db.Latest(), i); len(got) != 100 || slices.Contains(got, "c/001") || asked.Load() != 0 {
		t.Errorf("%d documents, asked for %d", len(got), asked.Load())
	}
}

func TestAScanIsOfItsViewHoweverManyCommitsComeMeanwhile(t *testing.T) {
	t.Parallel()
	db := open(t, nil)
	for i := range 200 {
		must(t, db, put(fmt.Sprintf("c/%03d", i), fields{"x": 0}))
	}
	n := 0
	v := db.Latest()
	for _, d := range v.Scan(byName(Scope{Collection: "c"}), nil, nil, false) {
		must(t, db, put(fmt.Sprintf("c/%03d", n), fields{"x": 1}), put(fmt.Sprintf("c/%03d-", 199-n), nil), del(fmt.Sprintf("c/%03d", n+1)))
		if balance(d) != 0 {
			t.Fatalf("%s is of a later moment", d.Path)
		}
		n++
	}
	if n != 200 {
		t.Errorf("%d documents", n)
	}
}

func TestAnIndexThatIsFirstScannedInThePastIsRightNow(t *testing.T) {
	t.Parallel()
	db := open(t, nil)
	must(t, db, put("c/a", nil), put("c/b", nil), put("c/c", fields{"x": 1}))
	past := db.Latest()
	must(t, db, del("c/a"), put("c/d", nil), put("c/c", fields{"x": 2}))
	must(t, db, put("c/a", nil), del("c/b"))
	index := byX(Scope{Collection: "c"})
	byPath := byName(Scope{Collection: "c"})
	for _, c := range []struct {
		view View
		want string
	}{{past, "[c/a c/b c/c] [c/c c/c]"}, {db.Latest(), "[c/a c/c c/d] [c/c c/c]"}, {past, "[c/a c/b c/c] [c/c c/c]"}} {
		if got := fmt.Sprint(paths(c.view, byPath), paths(c.view, index)); got != c.want {
			t.Errorf("at %v: got %s, want %s", c.view.Time(), got, c.want)
		}
		for k, d := range c.view.Scan(index, nil, nil, false) {
			if x := balance(d); string(k) != key(x, d.Path) && string(k) != key(x+10, d.Path) {
				t.Errorf("at %v: the entry %q of %s", c.view.Time(), k, show(d))
			}
		}
	}
}

func TestIndexesThatNobodyScansAreGivenUp(t *testing.T) {
	t.Parallel()
	db := open(t, nil)
	must(t, db, put("c/d", nil))
	var asked atomic.Int64
	named := func(n int) Index {
		i := counting(byName(Scope{Collection: "c"}), &asked)
		i.Name = fmt.Sprint(n)
		return i
	}
	for n := range mostInScope + 5 {
		paths(db.Latest(), named(n))
		paths(db.Latest(), named(0)) // which stays in use
	}
	if n := db.indexes.count; n != mostInScope {
		t.Errorf("%d indexes", n)
	}
	asked.Store(0)
	if got := paths(db.Latest(), named(0)); asked.Load() != 0 || len(got) != 1 {
		t.Errorf("the index in use was built again; found %v", got)
	}
	if got := paths(db.Latest(), named(1)); asked.Load() != 1 || len(got) != 1 {
		t.Errorf("the index out of use was not given up; found %v", got)
	}
	for n := range mostInAll + 5 {
		paths(db.Latest(), byName(Scope{Parent: fmt.Sprint("c/", n), Collection: "c"}))
	}
	if n, scopes := db.indexes.count, len(db.indexes.scopes); n != mostInAll || scopes > mostInAll {
		t.Errorf("%d indexes in %d scopes", n, scopes)
	}
}

func TestManyScanWhileManyCommit(t *testing.T) {
	t.Parallel()
	db := open(t, nil)
	must(t, db, put("c/a", fields{"x": 50}), put("c/b", fields{"x": 50}))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 100 {
				must(t, db, put("c/a", fields{"x": i % 50}), put("c/b", fields{"x": 100 - i%50}))
			}
		})
		wg.Go(func() {
			first := db.Latest().Time()
			for range 100 {
				if then, err := db.At(first); err != nil || balance(then.Get("c/a"))+balance(then.Get("c/b")) != 100 {
					t.Errorf("a view of %v, which is past: %v", first, err)
				}
			}
		})
		wg.Go(func() {
			for i := range 100 {
				sum := 0
				index := byName(Scope{Collection: "c"})
				index.Name = fmt.Sprint(i % 3)
				v := db.Latest()
				for _, d := range v.Scan(index, nil, nil, i%2 == 0) {
					sum += balance(d)
				}
				if then, err := db.At(v.Time()); sum != 100 || err != nil || balance(then.Get("c/a"))+balance(then.Get("c/b")) != 100 {
					t.Errorf("a view of %v sees %d in all, %v", v.Time(), sum, err)
				}
			}
		})
	}
	wg.Wait()
}
