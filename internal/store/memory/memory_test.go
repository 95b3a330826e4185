package memory_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

func TestFieldsAreCopiedInAndOut(t *testing.T) {
	t.Parallel()
	db := &memory.Database{}
	in := store.Fields{"b": []byte("abc"), "m": map[string]any{"b": []byte("abc")}}
	commit(t, db, store.Write{Path: "c/a", Fields: in})
	spoil := func(f map[string]any) {
		f["b"].([]byte)[0] = 'X'
		f["m"].(map[string]any)["b"].([]byte)[0] = 'X'
		f["m"].(map[string]any)["more"] = true
		f["more"] = true
	}
	spoil(in)
	spoil(get(t, db, "c/a").Fields)
	found, err := db.Query(t.Context(), store.Query{Collection: "c", Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	spoil(found[0].Fields)
	same(t, "fields", store.Fields{"b": []byte("abc"), "m": map[string]any{"b": []byte("abc")}}, get(t, db, "c/a").Fields)
}

func TestFieldsOfOtherTypesAreRefused(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]any{
		"int": 1, "float": 1.5, "nil": nil, "slice": []any{"x"}, "in a map": map[string]any{"n": 1}, "a deleted field of a new document": store.Delete,
	} {
		db := &memory.Database{}
		if _, err := db.Commit(t.Context(), store.Write{Path: "c/a", Fields: store.Fields{"v": v}}); fault.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: error %v, want InvalidArgument", name, err)
		}
	}
}

func TestCommitTimesGrowThoughTheClockStands(t *testing.T) {
	t.Parallel()
	db := &memory.Database{Now: func() time.Time { return moment }}
	last := commit(t, db, store.Write{Path: "c/a", Fields: store.Fields{"n": int64(0)}})
	if !last.Equal(moment) {
		t.Errorf("first commit at %v, want the clock's %v", last, moment)
	}
	for i := range int64(3) {
		at := commit(t, db, store.Write{Path: "c/a", Fields: store.Fields{"n": i + 1}, As: last})
		if at.Sub(last) != time.Microsecond {
			t.Errorf("commit at %v after one at %v, want a microsecond later", at, last)
		}
		last = at
	}
}

func TestHooksFailACommitBeforeItHappensOrLoseItsAnswer(t *testing.T) {
	t.Parallel()
	fail := func(on string, with error) memory.Hook {
		return func(op string, _ []store.Write) error {
			if op == on {
				return with
			}
			return nil
		}
	}
	for name, c := range map[string]struct {
		db      *memory.Database
		want    error
		applied bool
	}{
		"before": {&memory.Database{Before: fail("commit", memory.ErrUnavailable)}, memory.ErrUnavailable, false},
		"after":  {&memory.Database{After: fail("commit", memory.ErrDeadline)}, memory.ErrDeadline, true},
	} {
		at, err := c.db.Commit(t.Context(), store.Write{Path: "c/a", Fields: store.Fields{"n": int64(1)}})
		if !errors.Is(err, c.want) || !at.IsZero() {
			t.Errorf("%s: commit answers %v, %v, want error %v", name, at, err, c.want)
		}
		if got := get(t, c.db, "c/a").Exists(); got != c.applied {
			t.Errorf("%s: applied is %v, want %v", name, got, c.applied)
		}
	}
	db := &memory.Database{Before: fail("query", memory.ErrUnavailable), After: fail("get", memory.ErrDeadline)}
	if documents, err := db.Get(t.Context(), "c/a"); !errors.Is(err, memory.ErrDeadline) {
		t.Errorf("get answers %v, %v", documents, err)
	}
	if documents, err := db.Query(t.Context(), store.Query{Collection: "c", Limit: 1}); !errors.Is(err, memory.ErrUnavailable) {
		t.Errorf("query answers %v, %v", documents, err)
	}
}

func TestHookMayLetAnotherWriterInBetween(t *testing.T) {
	t.Parallel()
	db := &memory.Database{}
	first := true
	db.Before = func(op string, writes []store.Write) error {
		if op == "commit" && first {
			first = false
			commit(t, db, store.Write{Path: writes[0].Path, Fields: store.Fields{"by": "another"}})
		}
		return nil
	}
	_, err := db.Commit(t.Context(), store.Write{Path: "c/a", Fields: store.Fields{"by": "me"}})
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("error %v, want a conflict", err)
	}
	same(t, "fields", store.Fields{"by": "another"}, get(t, db, "c/a").Fields)
}

func TestListenerEndsWithTheHooksError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := &memory.Database{}
		deliveries := 0
		db.Before = func(op string, _ []store.Write) error {
			if op == "watch" && deliveries == 2 {
				return memory.ErrUnavailable
			}
			return nil
		}
		var ended error
		var wg sync.WaitGroup
		wg.Go(func() {
			ended = db.Watch(t.Context(), "c", func([]store.Document, []string, time.Time) { deliveries++ })
		})
		for i := range int64(2) {
			synctest.Wait()
			commit(t, db, store.Write{Path: "c/" + string(rune('a'+i)), Fields: store.Fields{"n": i}})
		}
		wg.Wait()
		if !errors.Is(ended, memory.ErrUnavailable) || deliveries != 2 {
			t.Errorf("the listener ended with %v after %d deliveries, want %v after 2", ended, deliveries, memory.ErrUnavailable)
		}
	})
}

func TestConcurrentWritersOfOneDocumentLoseNothing(t *testing.T) {
	t.Parallel()
	db := &memory.Database{}
	commit(t, db, store.Write{Path: "c/a", Fields: store.Fields{"n": int64(0)}})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for done := 0; done < 50; {
				d := get(t, db, "c/a")
				_, err := db.Commit(t.Context(), store.Write{Path: "c/a", As: d.UpdateTime, Fields: store.Fields{"n": d.Fields["n"].(int64) + 1}})
				if err == nil {
					done++
				} else if !errors.Is(err, store.ErrConflict) {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	same(t, "fields", store.Fields{"n": int64(400)}, get(t, db, "c/a").Fields)
}
