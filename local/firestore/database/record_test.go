package database

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"pgregory.net/rapid"

	"orderflow.dev/local/wal"
)

// reopened is a database on a log in a folder, and how to end it.
func reopened(t fataler, dir string, now func() time.Time) (*Store, *Database, func()) {
	t.Helper()
	log, err := wal.Open(dir)
	if err != nil {
		t.Fatalf("open the log: %v", err)
	}
	s := NewStore(Options{Log: log, Now: now})
	if err := log.Recover(); err != nil {
		t.Fatalf("recover: %v", err)
	}
	db, err := s.Database(testDB)
	if err != nil {
		t.Fatalf("open %s: %v", testDB, err)
	}
	return s, db, func() {
		if err := log.Close(); err != nil {
			t.Fatalf("close the log: %v", err)
		}
	}
}

// dump is everything that a database has.
func dump(db *Database) (all []string) {
	v := db.latest()
	for d := range withPrefix(v.docs, "") {
		all = append(all, fmt.Sprintln(d.Path, show(d), d.CreateTime.UnixNano(), d.UpdateTime.UnixNano()))
	}
	return all
}

func TestDocumentsAreThereAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := newClock()
	_, db, end := reopened(t, dir, c.Now)
	must(t, db, put("c/a", fields{"x": 1, "s": "ü"}), put("c/b", nil), put("c/a/d/e", fields{"x": 2}))
	last := must(t, db, merge("c/a", fields{"x": 2}, "x"), del("c/b")).CommitTime.AsTime()
	want := dump(db)
	end()

	c.advance(-time.Hour) // a clock may be put back
	s, db, end := reopened(t, dir, c.Now)
	if d := cmp.Diff(want, dump(db)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	_, err := db.At(last.Add(-time.Microsecond))
	wantCode(t, "a moment before the restart", err, codes.FailedPrecondition)
	if _, err := db.At(last); err != nil {
		t.Errorf("the last commit's moment: %v", err)
	}
	if at := must(t, db, put("c/f", nil)).CommitTime.AsTime(); !at.After(last) {
		t.Errorf("committed at %v, and %v before the restart", at, last)
	}
	s.Reset()
	end()

	_, db, end = reopened(t, dir, c.Now)
	if got := dump(db); got != nil {
		t.Errorf("after a reset and a restart: %v", got)
	}
	end()
}

func replay(t fataler, records [][]byte) *Database {
	t.Helper()
	s := NewStore(Options{})
	for _, r := range records {
		if err := s.Replay(r); err != nil {
			t.Fatalf("replay: %v", err)
		}
	}
	db, err := s.Database(testDB)
	if err != nil {
		t.Fatalf("open %s: %v", testDB, err)
	}
	return db
}

// TestASnapshotAndTheRecordsSinceBeforeItMakeTheSame takes a snapshot after some of the records that are replayed
// behind it: those it knows already must not bring back what is gone, nor take away what came again.
func TestASnapshotAndTheRecordsSinceBeforeItMakeTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := NewStore(Options{})
		db, err := s.Database(testDB)
		if err != nil {
			t.Fatalf("%v", err)
		}
		var records, snapshot [][]byte
		_, stop := db.Watch(func(b Batch) { records = append(records, appendRecord(nil, testDB, b.Time, b.Changes)) })
		defer stop()
		n := rapid.IntRange(0, 10).Draw(t, "commits")
		at := rapid.IntRange(0, n).Draw(t, "snapshot")
		begin, from := rapid.IntRange(0, at).Draw(t, "begin"), 0
		for i := range n + 1 {
			if i == begin {
				from = len(records)
			}
			if i == at {
				if err := s.Snapshot(func(r []byte) error { snapshot = append(snapshot, slices.Clone(r)); return nil }); err != nil {
					t.Fatalf("snapshot: %v", err)
				}
				then := dump(db)
				lost := rapid.IntRange(from, len(records)).Draw(t, "lost")
				if d := cmp.Diff(then, dump(replay(t, append(slices.Clip(snapshot), records[from:lost]...)))); d != "" {
					t.Errorf("the snapshot, and records before it of which the last are lost (-want +got):\n%s", d)
				}
			}
			if i < n {
				_, _ = db.Commit(background, nil, someWrites.Draw(t, "writes")) // a precondition may fail
			}
		}
		again := replay(t, append(snapshot, records[from:]...))
		if d := cmp.Diff(dump(db), dump(again)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}

func TestASnapshotOfMuchIsManyRecordsAndHoldsUpNobody(t *testing.T) {
	t.Parallel()
	s := NewStore(Options{})
	db, err := s.Database(testDB)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		must(t, db, put(fmt.Sprintf("c/%02d", i), fields{"s": strings.Repeat("x", 100_000)}))
	}
	want := dump(db)
	var records [][]byte
	err = s.Snapshot(func(r []byte) error {
		records = append(records, slices.Clone(r))
		must(t, db, put("c/00", fields{"n": len(records)}), del("c/49")) // while the snapshot is taken
		return nil
	})
	if err != nil || len(records) < 4 {
		t.Errorf("%d records, %v", len(records), err)
	}
	if d := cmp.Diff(want, dump(replay(t, records))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestADamagedRecordIsAnError(t *testing.T) {
	t.Parallel()
	whole := appendRecord(nil, testDB, time.Unix(5, 0), []Change{{After: NewDocument("c/d", nil, time.Unix(5, 0), time.Unix(5, 0))}})
	for _, damaged := range [][]byte{whole[:len(whole)-1], whole[:3], append([]byte{0xff}, whole...), {0x0d, 1, 2, 3, 4}} {
		if err := NewStore(Options{}).Replay(damaged); err == nil {
			t.Errorf("%x is taken", damaged)
		}
	}
}

func FuzzAnyRecordIsReplayedOrRefused(f *testing.F) {
	at := time.Unix(5, 0)
	f.Add(appendRecord(nil, testDB, at, []Change{{After: NewDocument("c/d", fields{"x": 1}.values(), at, at)}}))
	f.Add(appendRecord(nil, testDB, at, []Change{{Before: NewDocument("c/d", nil, at, at)}}))
	f.Fuzz(func(_ *testing.T, record []byte) { _ = NewStore(Options{}).Replay(record) })
}

func TestManyCommitOnALogAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, db, end := reopened(t, dir, nil)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 20 {
				must(t, db, put(fmt.Sprintf("c/%d-%d", w, i), nil), with(merge("n/n", nil, ""), increment("x", 1)))
				if _, err := db.BatchWrite(background, []*pb.Write{put(fmt.Sprintf("b/%d-%d", w, i), nil)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	want := dump(db)
	end()
	_, db, end = reopened(t, dir, nil)
	defer end()
	if d := cmp.Diff(want, dump(db)); d != "" || len(want) != 321 {
		t.Errorf("%d documents (-want +got):\n%s", len(want), d)
	}
}

func TestACommitOnALogThatIsClosedIsUnavailable(t *testing.T) {
	t.Parallel()
	_, db, end := reopened(t, t.TempDir(), nil)
	end()
	for _, doing := range []string{"a commit", "a commit that changes nothing, for it found what is not kept"} {
		_, err := db.Commit(background, nil, []*pb.Write{put("c/d", nil)})
		wantCode(t, doing, err, codes.Unavailable)
	}
}
