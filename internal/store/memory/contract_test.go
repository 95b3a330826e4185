package memory_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
	"orderflow.dev/local/cloudtest"
)

func TestMain(m *testing.M) {
	cloudtest.AnyQuery = true // the contract is what queries find; which have an index is index_test.go's
	cloudtest.Main(m)
}

// database is what both have, and a way to delete documents, which the store itself never does.
type database struct {
	watched
	remove func(path string)
}

type watched interface {
	store.Database
	store.Watcher
}

var moment = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

// contract runs a case against Firestore, the embedded or Google's emulator, and against memory. name makes collections that no other case uses.
func contract(t *testing.T, f func(t *testing.T, db database, name func(string) string)) {
	t.Parallel()
	for kind, open := range map[string]func(*testing.T) database{
		"memory": func(*testing.T) database {
			db := &memory.Database{Unindexed: true}
			return database{db, func(path string) { db.Remove(path) }}
		},
		"firestore": func(t *testing.T) database {
			db, err := store.Open(t.Context(), cloudtest.Project(), "contract")
			client, err2 := firestore.NewClientWithDatabase(t.Context(), cloudtest.Project(), "contract")
			if err := errors.Join(err, err2); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close(); client.Close() })
			return database{db, func(path string) { client.Doc(path).Delete(t.Context()) }}
		},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			own := strings.ToLower(rand.Text())
			f(t, open(t), func(name string) string { return name + own })
		})
	}
}

// put creates documents, each by a commit of its own.
func put(t *testing.T, db store.Database, documents map[string]store.Fields) {
	t.Helper()
	for path, fields := range documents {
		commit(t, db, store.Write{Path: path, Fields: fields})
	}
}

func commit(t *testing.T, db store.Database, writes ...store.Write) time.Time {
	t.Helper()
	at, err := db.Commit(t.Context(), writes...)
	if err != nil {
		t.Fatalf("commit %v: %v", writes, err)
	}
	return at
}

func get(t *testing.T, db store.Database, path string) store.Document {
	t.Helper()
	documents, err := db.Get(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return documents[0]
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestEveryFieldComesBackAsItWasStored(t *testing.T) {
	contract(t, func(t *testing.T, db database, name func(string) string) {
		path := name("c") + "/a"
		at := commit(t, db, store.Write{Path: path, Fields: store.Fields{
			"s": "café\x00", "n": int64(-1 << 62), "b": true, "t": moment.Add(789 * time.Nanosecond).In(time.FixedZone("", 3600)),
			"zero": time.Time{}, "bytes": []byte{0, 255}, "none": []byte(nil), "empty": "",
			"m": map[string]any{"ce-id": "x", "deep.er": map[string]any{"t": moment}}, "em": map[string]any{},
		}})
		same(t, "document", store.Document{Path: path, UpdateTime: at, Fields: store.Fields{
			"s": "café\x00", "n": int64(-1 << 62), "b": true, "t": moment, "zero": time.Time{}, "bytes": []byte{0, 255},
			"none": []byte{}, "empty": "", "m": map[string]any{"ce-id": "x", "deep.er": map[string]any{"t": moment}}, "em": map[string]any{},
		}}, get(t, db, path))
	})
}

func TestGetAnswersInTheOrderAskedAndNamesWhatIsMissing(t *testing.T) {
	contract(t, func(t *testing.T, db database, name func(string) string) {
		c := name("c")
		put(t, db, map[string]store.Fields{c + "/a": {"n": int64(1)}, c + "/b": {"n": int64(2)}})
		documents, err := db.Get(t.Context(), c+"/b", c+"/missing", c+"/a", c+"/b")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "documents", []store.Document{
			{Path: c + "/b", Fields: store.Fields{"n": int64(2)}}, {Path: c + "/missing"},
			{Path: c + "/a", Fields: store.Fields{"n": int64(1)}}, {Path: c + "/b", Fields: store.Fields{"n": int64(2)}},
		}, untimed(documents))
		same(t, "exists", []bool{true, false, true, true}, exists(documents))
	})
}

func untimed(documents []store.Document) []store.Document {
	out := make([]store.Document, len(documents))
	for i, d := range documents {
		out[i] = store.Document{Path: d.Path, Fields: d.Fields}
	}
	return out
}

func exists(documents []store.Document) (out []bool) {
	for _, d := range documents {
		out = append(out, d.Exists())
	}
	return out
}

func TestPreconditionThatFailsIsAConflictAndNothingIsWritten(t *testing.T) {
	type step struct {
		id string
		as string // "": create; "now": as it is; "old": as it was; "never": a time it never had
	}
	for name, c := range map[string]struct {
		writes []step
		want   error
	}{
		"create what is new":                  {[]step{{"new", ""}}, nil},
		"create what exists":                  {[]step{{"a", ""}}, store.ErrConflict},
		"update what is as it was":            {[]step{{"a", "now"}}, nil},
		"update what was changed":             {[]step{{"a", "old"}}, store.ErrConflict},
		"update what is missing":              {[]step{{"new", "now"}}, store.ErrConflict},
		"update as at a time it never was":    {[]step{{"a", "never"}}, store.ErrConflict},
		"several, all as they were":           {[]step{{"a", "now"}, {"new", ""}, {"new2", ""}}, nil},
		"several, the last was changed":       {[]step{{"new", ""}, {"new2", ""}, {"a", "old"}}, store.ErrConflict},
		"several, one to create exists":       {[]step{{"new", ""}, {"a", ""}}, store.ErrConflict},
		"several, one to update is missing":   {[]step{{"a", "now"}, {"new", "now"}}, store.ErrConflict},
		"several, the first to create exists": {[]step{{"a", ""}, {"new", ""}}, store.ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			contract(t, func(t *testing.T, db database, own func(string) string) {
				col := own("c")
				old := commit(t, db, store.Write{Path: col + "/a", Fields: store.Fields{"n": int64(0)}})
				now := commit(t, db, store.Write{Path: col + "/a", Fields: store.Fields{"n": int64(1)}, As: old})
				times := map[string]time.Time{"": {}, "now": now, "old": old, "never": moment}
				var writes []store.Write
				for _, s := range c.writes {
					writes = append(writes, store.Write{Path: col + "/" + s.id, Fields: store.Fields{"n": int64(2)}, As: times[s.as]})
				}
				if _, err := db.Commit(t.Context(), writes...); !errors.Is(err, c.want) {
					t.Fatalf("error %v, want %v", err, c.want)
				}
				for _, w := range writes {
					d := get(t, db, w.Path)
					if written := d.Fields["n"] == int64(2); written != (c.want == nil) {
						t.Errorf("%s is %v after a commit with error %v", w.Path, d.Fields, c.want)
					}
				}
			})
		})
	}
}

func TestUpdateTimeTellsVersionsApart(t *testing.T) {
	contract(t, func(t *testing.T, db database, name func(string) string) {
		a, b := name("c")+"/a", name("c")+"/b"
		first := commit(t, db, store.Write{Path: a, Fields: store.Fields{"n": int64(1), "gone": "x", "kept": "y"}})
		if d := get(t, db, a); !d.UpdateTime.Equal(first) {
			t.Errorf("update time is %v, the commit said %v", d.UpdateTime, first)
		}
		if r := first.Round(time.Microsecond); !r.Equal(first) {
			t.Errorf("commit time %v is finer than a microsecond", first)
		}
		again := commit(t, db, store.Write{Path: a, Fields: store.Fields{"n": int64(1)}, As: first})
		if !again.Equal(first) || !get(t, db, a).UpdateTime.Equal(first) {
			t.Errorf("a write that changes nothing moved the update time from %v to %v", first, again)
		}
		second := commit(t, db, store.Write{Path: a, Fields: store.Fields{"n": int64(2), "gone": store.Delete, "never": store.Delete}, As: again})
		if !second.After(first) {
			t.Errorf("update times %v and then %v do not grow", first, second)
		}
		both := commit(t, db, store.Write{Path: a, Fields: store.Fields{"n": int64(3)}, As: second}, store.Write{Path: b, Fields: store.Fields{"n": int64(1)}})
		for _, p := range []string{a, b} {
			if d := get(t, db, p); !d.UpdateTime.Equal(both) {
				t.Errorf("%s has update time %v, its commit said %v", p, d.UpdateTime, both)
			}
		}
		mixed := commit(t, db, store.Write{Path: a, Fields: store.Fields{"n": int64(3)}, As: both}, store.Write{Path: b, Fields: store.Fields{"n": int64(2)}, As: both})
		if d := get(t, db, a); !d.UpdateTime.Equal(both) || !mixed.After(both) {
			t.Errorf("in a commit at %v, a write that changes nothing moved the update time from %v to %v", mixed, both, d.UpdateTime)
		}
		same(t, "fields", store.Fields{"n": int64(3), "kept": "y"}, get(t, db, a).Fields)
	})
}

func TestContextThatEndedIsAnError(t *testing.T) {
	contract(t, func(t *testing.T, db database, name func(string) string) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, errGet := db.Get(ctx, name("c")+"/a")
		_, errCommit := db.Commit(ctx, store.Write{Path: name("c") + "/a", Fields: store.Fields{"n": int64(1)}})
		_, errQuery := db.Query(ctx, store.Query{Collection: name("c"), Limit: 1})
		errWatch := db.Watch(ctx, name("c"), func([]store.Document, []string, time.Time) {})
		for op, err := range map[string]error{"get": errGet, "commit": errCommit, "query": errQuery, "watch": errWatch} {
			if code := fault.Code(err); code != codes.Canceled {
				t.Errorf("%s: code %s (%v), want Canceled", op, code, err)
			}
		}
	})
}
