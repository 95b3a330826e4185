package firestore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	official "cloud.google.com/go/firestore"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/firestore"
)

func wantStatus(t *testing.T, doing string, err error, want codes.Code) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Errorf("%s: got %s (%v), want %s", doing, got, err, want)
	}
}

func data(t *testing.T, c *official.Client, path string) fields {
	t.Helper()
	d, err := c.Doc(path).Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return d.Data()
}

func TestTheOfficialClientWritesAndReadsDocuments(t *testing.T) {
	t.Parallel()
	c, _ := start(t, firestore.Options{})
	d := c.Doc("orders/1")
	created, err := d.Create(t.Context(), fields{"n": 1, "m": fields{"a": 1, "b": 2}, "tags": []string{"x"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Create(t.Context(), fields{})
	wantStatus(t, "create again", err, codes.AlreadyExists)
	_, err = d.Update(t.Context(), []official.Update{
		{Path: "n", Value: official.Increment(2)}, {Path: "m.a", Value: official.Delete},
		{Path: "tags", Value: official.ArrayUnion("x", "y")}, {Path: "at", Value: official.ServerTimestamp},
	}, official.LastUpdateTime(created.UpdateTime))
	wantStatus(t, "update", err, codes.OK)
	_, err = d.Update(t.Context(), []official.Update{{Path: "n", Value: 0}}, official.LastUpdateTime(created.UpdateTime))
	wantStatus(t, "update of an old version", err, codes.FailedPrecondition)
	_, err = c.Doc("orders/2").Update(t.Context(), []official.Update{{Path: "n", Value: 0}})
	wantStatus(t, "update of nothing", err, codes.NotFound)
	_, err = d.Set(t.Context(), fields{"m": fields{"c": 3}}, official.MergeAll)
	wantStatus(t, "merge", err, codes.OK)
	got := data(t, c, "orders/1")
	if at, ok := got["at"].(time.Time); !ok || at.Before(created.UpdateTime.Truncate(time.Millisecond)) {
		t.Errorf("the server's time is %v", got["at"])
	}
	delete(got, "at")
	want := fields{"n": int64(3), "m": fields{"b": int64(2), "c": int64(3)}, "tags": []any{"x", "y"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	_, err = d.Delete(t.Context())
	wantStatus(t, "delete", err, codes.OK)
	_, err = d.Delete(t.Context(), official.Exists)
	wantStatus(t, "delete again", err, codes.NotFound)
	_, err = d.Get(t.Context())
	wantStatus(t, "get", err, codes.NotFound)
}

func TestTheOfficialClientReadsSeveralAndOlderDocuments(t *testing.T) {
	t.Parallel()
	c, _ := start(t, firestore.Options{})
	fill(t, c, map[string]fields{"c/a": {"x": 1}, "c/b": {"x": 2}})
	refs := []*official.DocumentRef{c.Doc("c/b"), c.Doc("c/no"), c.Doc("c/a"), c.Doc("c/b")}
	ds, err := c.GetAll(t.Context(), refs)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range ds {
		got = append(got, fmt.Sprintln(d.Ref.ID, d.Exists(), d.Data()["x"], d.ReadTime.Equal(ds[0].ReadTime)))
	}
	want := []string{"b true 2 true\n", "no false <nil> true\n", "a true 1 true\n", "b true 2 true\n"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	before := ds[0].ReadTime
	fill(t, c, map[string]fields{"c/a": {"x": 5}})
	old, err := c.Doc("c/a").WithReadOptions(official.ReadTime(before)).Get(t.Context())
	if err != nil || old.Data()["x"] != int64(1) {
		t.Errorf("before, it was %v, %v", old.Data(), err)
	}
}

func TestTheOfficialClientsTransactionsLoseNothing(t *testing.T) {
	t.Parallel()
	c, _ := start(t, firestore.Options{})
	fill(t, c, map[string]fields{"c/a": {"x": 0}, "c/b": {"x": 0}})
	var wg sync.WaitGroup
	const workers, each = 4, 10
	for range workers {
		wg.Go(func() {
			for range each {
				err := c.RunTransaction(t.Context(), func(_ context.Context, tx *official.Transaction) error {
					a, err1 := tx.Get(c.Doc("c/a"))
					b, err2 := tx.Get(c.Doc("c/b"))
					if err := errors.Join(err1, err2); err != nil {
						return err
					}
					if x, y := a.Data()["x"].(int64), b.Data()["x"].(int64); x != -y {
						t.Errorf("a transaction sees %d and %d", x, y)
					}
					return errors.Join(tx.Update(a.Ref, []official.Update{{Path: "x", Value: a.Data()["x"].(int64) + 1}}),
						tx.Update(b.Ref, []official.Update{{Path: "x", Value: official.Increment(-1)}}))
				}, official.MaxAttempts(1000))
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if a, b := data(t, c, "c/a")["x"], data(t, c, "c/b")["x"]; a != int64(workers*each) || b != int64(-workers*each) {
		t.Errorf("got %v and %v", a, b)
	}
}

func TestTheOfficialClientsTransactionIsAbortedAndRetried(t *testing.T) {
	t.Parallel()
	c, _ := start(t, firestore.Options{})
	attempts := 0
	err := c.RunTransaction(t.Context(), func(_ context.Context, tx *official.Transaction) error {
		attempts++
		if _, err := tx.Get(c.Doc("c/a")); status.Code(err) != codes.NotFound {
			return fmt.Errorf("get: %w", err)
		}
		if attempts == 1 {
			fill(t, c, map[string]fields{"c/a": {}})
			if found, err := tx.Documents(c.Collection("c")).GetAll(); err != nil || len(found) > 0 {
				return fmt.Errorf("the query is of another moment: it found %d, %w", len(found), err)
			}
			if _, err := c.Doc("c/a").Delete(t.Context()); err != nil {
				return err
			}
			fill(t, c, map[string]fields{"other/phantom": {}})
		}
		return tx.Set(c.Doc("w/w"), fields{"n": attempts})
	})
	if err != nil || attempts != 1 {
		t.Errorf("what was missing is missing again: %d attempts, %v", attempts, err)
	}
	attempts = 0
	err = c.RunTransaction(t.Context(), func(_ context.Context, tx *official.Transaction) error {
		attempts++
		if _, err := tx.Documents(c.Collection("c")).GetAll(); err != nil {
			return err
		}
		if attempts == 1 {
			fill(t, c, map[string]fields{"c/new": {}})
		}
		return tx.Set(c.Doc("w/w"), fields{"n": attempts})
	})
	if err != nil || attempts != 2 || data(t, c, "w/w")["n"] != int64(2) {
		t.Errorf("%d attempts, %v", attempts, err)
	}
}

func TestTheOfficialClientReadsInAReadOnlyTransaction(t *testing.T) {
	t.Parallel()
	c, _ := start(t, firestore.Options{})
	fill(t, c, map[string]fields{"c/a": {"x": 1}})
	err := c.RunTransaction(t.Context(), func(_ context.Context, tx *official.Transaction) error {
		if _, err := tx.Get(c.Doc("c/a")); err != nil {
			return err
		}
		fill(t, c, map[string]fields{"c/a": {"x": 2}})
		d, err := tx.Get(c.Doc("c/a"))
		if err == nil && d.Data()["x"] != int64(1) {
			t.Errorf("got %v", d.Data())
		}
		return err
	}, official.ReadOnly)
	if err != nil {
		t.Error(err)
	}
}

func TestTheOfficialBulkWriterLearnsWhatBecameOfEachWrite(t *testing.T) {
	t.Parallel()
	c, _ := start(t, firestore.Options{})
	fill(t, c, map[string]fields{"c/07": {}})
	w := c.BulkWriter(t.Context())
	var jobs []*official.BulkWriterJob
	for i := range 100 {
		j, err := w.Create(c.Doc(fmt.Sprintf("c/%02d", i)), fields{"i": i})
		if err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, j)
	}
	w.End()
	for i, j := range jobs {
		_, err := j.Results()
		if want := i == 7; want != (err != nil) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func TestTheOfficialClientListsCollectionsAndDocuments(t *testing.T) {
	t.Parallel()
	c, _ := start(t, firestore.Options{})
	fill(t, c, map[string]fields{"l/a": {}, "l/b/s/1": {}, "l/c": {}, "l/c/s/1": {}, "l/c/t/1/u/1": {}, "l-x/a": {}, "m/n/o/p": {}})
	collections := func(it *official.CollectionIterator) string {
		all, err := it.GetAll()
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, r := range all {
			ids = append(ids, r.ID)
		}
		return strings.Join(ids, " ")
	}
	if got := collections(c.Collections(t.Context())); got != "l l-x m" {
		t.Errorf("the database has %s", got)
	}
	if got := collections(c.Doc("l/c").Collections(t.Context())); got != "s t" {
		t.Errorf("l/c has %s", got)
	}
	var got []string
	for it := c.Collection("l").DocumentRefs(t.Context()); ; {
		r, err := it.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.ID)
	}
	if !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("l has %v: also what only has documents below it is wanted", got)
	}
}
