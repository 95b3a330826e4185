package firestore

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orderflow.dev/local/firestore/database"
)

// version is a version of a document, named by the second in which it was written.
func version(path string, second int) *database.Document {
	return &database.Document{Path: path, UpdateTime: time.Unix(int64(second), 0)}
}

// history draws commits that follow one another, and what is there after each.
func history(t *rapid.T, commits int) (batches []database.Batch, after []map[string]int) {
	now := map[string]int{}
	for second := 1; second <= commits; second++ {
		b := database.Batch{Time: time.Unix(int64(second), 0)}
		for _, path := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a/1", "a/2", "a/3", "b/1"}), 1, 3,
			rapid.ID[string]).Draw(t, "paths") {
			var c database.Change
			if was, ok := now[path]; ok {
				c.Before = version(path, was)
			}
			if c.Before == nil || rapid.Bool().Draw(t, "update") {
				c.After = version(path, second)
				now[path] = second
			} else {
				delete(now, path)
			}
			b.Changes = append(b.Changes, c)
		}
		batches = append(batches, b)
		state := map[string]int{}
		for path, s := range now {
			state[path] = s
		}
		after = append(after, state)
	}
	return batches, after
}

// play applies a batch to what a client knows, and reports a change whose Before is not what the client knows.
func play(t *rapid.T, known map[string]int, b database.Batch) {
	seen := map[string]bool{}
	for _, c := range b.Changes {
		path := changed(c)
		if seen[path] {
			t.Fatalf("batch %v has %s twice", b.Time.Unix(), path)
		}
		seen[path] = true
		before, ok := known[path]
		if ok != (c.Before != nil) || ok && int64(before) != c.Before.UpdateTime.Unix() {
			t.Fatalf("%s: change of %v, but the client has %v (%t)", path, c.Before, before, ok)
		}
		if delete(known, path); c.After != nil {
			known[path] = int(c.After.UpdateTime.Unix())
		}
	}
}

func TestAnInboxGivesEveryCommitOnceInOrderHoweverItIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		batches, after := history(t, rapid.IntRange(1, 40).Draw(t, "commits"))
		in := newInbox()
		limit := rapid.IntRange(1, 30).Draw(t, "limit")
		known, at := map[string]int{}, 0
		read := func(taken []database.Batch) {
			for _, b := range taken {
				play(t, known, b)
				if s := int(b.Time.Unix()); s <= at {
					t.Fatalf("commit %d came after %d", s, at)
				} else {
					at = s
				}
				if diff := cmp.Diff(after[at-1], known); diff != "" {
					t.Fatalf("after commit %d (-want +got):\n%s", at, diff)
				}
			}
		}
		for i, b := range batches {
			in.limit = min(in.limit, limit)
			in.put(b)
			in.put(b)
			switch rapid.IntRange(0, 4).Draw(t, "read") {
			case 0:
				read(in.take())
			case 1:
				until := rapid.IntRange(0, i+1).Draw(t, "until")
				taken, ok := in.takeUntil(time.Unix(int64(until), 0))
				read(taken)
				if at > until && len(taken) > 0 {
					t.Fatalf("taking until %d gave commit %d", until, at)
				}
				if ok && at < until {
					t.Fatalf("taking until %d gave commits until %d only", until, at)
				}
				if !ok && (len(in.batches) == 0 || in.batches[0].Time.Unix() <= int64(max(until, at+1))) {
					t.Fatalf("after %d, taking until %d gave nothing of %v", at, until, in.batches)
				}
			}
			waiting := 0
			for _, b := range in.batches {
				waiting += len(b.Changes)
			}
			if in.changes != waiting {
				t.Fatalf("%d changes wait, it counts %d", waiting, in.changes)
			}
		}
		read(in.take())
		if at != len(batches) || len(in.take()) != 0 {
			t.Fatalf("read until commit %d of %d", at, len(batches))
		}
	})
}

func TestAnInboxThatNobodyReadsHoldsNoMoreThanWhatHasChanged(t *testing.T) {
	t.Parallel()
	in := newInbox()
	var before *database.Document
	for i := range 100 * backlog {
		after := version("a/hot", i+1)
		brief := database.Change{After: version(fmt.Sprint("a/", i), i+1)}
		in.put(database.Batch{Time: after.UpdateTime, Changes: []database.Change{{Before: before, After: after}, brief}})
		gone := time.Unix(int64(i+1), 1)
		in.put(database.Batch{Time: gone, Changes: []database.Change{{Before: brief.After}}})
		before = after
		if len(in.batches) > backlog+1 || in.changes > backlog+1 {
			t.Fatalf("after %d commits %d batches of %d changes wait", i+1, len(in.batches), in.changes)
		}
	}
	in.limit = 1
	in.put(database.Batch{Time: time.Unix(1e9, 0), Changes: []database.Change{{Before: before}}})
	if got := in.take(); len(got) != 1 || len(got[0].Changes) != 0 {
		t.Errorf("what came and went is left: %v", got)
	}
}

func TestAnInboxSaysThatSomethingWaits(t *testing.T) {
	t.Parallel()
	in := newInbox()
	batch := func(second int) database.Batch {
		return database.Batch{Time: time.Unix(int64(second), 0), Changes: []database.Change{{After: version("a/1", second)}}}
	}
	ready := func() bool {
		select {
		case <-in.ready:
			return true
		default:
			return false
		}
	}
	in.put(batch(1))
	in.put(batch(2))
	if !ready() || ready() {
		t.Error("two commits must make it ready once")
	}
	if _, ok := in.takeUntil(time.Unix(1, 0)); !ok || !ready() {
		t.Error("it must be ready again for what was not taken")
	}
	if in.take(); ready() {
		t.Error("it is ready with nothing in it")
	}
}
