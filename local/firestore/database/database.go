package database

import (
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/wal"
)

// kept is how long Firestore lets one read the past, without point-in-time recovery
// (https://firebase.google.com/docs/firestore/pitr#read_time).
const kept = time.Hour

// Database is one database.
type Database struct {
	name   string
	wall   func() time.Time
	stream *wal.Stream

	commits  sync.Mutex // one commit at a time, with what it tells its watchers; taken before mu
	watchers []*watcher

	mu           sync.Mutex // what follows; held while something is computed, never while something is waited for
	clock        time.Time  // no later commit is of this moment or before
	docs         *tree
	copied       *tree // a copy of docs as it is; nil if there is none
	history      history
	indexes      indexes
	transactions transactions
	logged       wal.Position // the last commit's

	building sync.Mutex // an index is built by one, others wait; taken before mu
}

func newDatabase(name string, wall func() time.Time, stream *wal.Stream) *Database {
	return &Database{
		name: name, wall: wall, stream: stream, docs: &tree{}, history: history{limit: 32 << 20},
		indexes: indexes{scopes: map[Scope]map[string]*index{}}, transactions: newTransactions(),
	}
}

// Name is projects/P/databases/D.
func (db *Database) Name() string { return db.name }

// now is the time in Firestore's precision.
func (db *Database) now() time.Time { return db.wall().UTC().Truncate(time.Microsecond) }

// moment is now, but never before what was read or committed already.
func (db *Database) moment() time.Time {
	if now := db.now(); now.After(db.clock) {
		db.clock = now
	}
	return db.clock
}

// tick is the next commit's moment: later than all that anybody saw.
func (db *Database) tick() time.Time {
	if before := db.clock; !db.moment().After(before) {
		db.clock = before.Add(time.Microsecond)
	}
	return db.clock
}

// copyOfDocs is a copy of all documents. It is shared until the next commit.
func (db *Database) copyOfDocs() *tree {
	if db.copied == nil {
		db.copied = db.docs.Copy()
	}
	return db.copied
}

// Latest is the database now, of one moment.
func (db *Database) Latest() View { return db.latest() }

func (db *Database) latest() *view {
	db.mu.Lock()
	defer db.mu.Unlock()
	return &view{db: db, time: db.moment(), docs: db.copyOfDocs()}
}

// At is the database as it was, exactly. INVALID_ARGUMENT for a time in the future, not after 1970 began or with more than
// microseconds, FAILED_PRECONDITION for one of which the history is not kept any more. (Firestore keeps an hour; this
// keeps an hour or some tens of megabytes.)
func (db *Database) At(t time.Time) (View, error) {
	if t != t.Truncate(time.Microsecond) {
		return nil, status.Error(codes.InvalidArgument, "timestamp cannot have more than microseconds precision")
	}
	if !t.After(time.Unix(0, 0)) {
		return nil, status.Error(codes.InvalidArgument, "Only timestamps past epoch are supported.")
	}
	docs, changes, err := db.since(t)
	if err != nil {
		return nil, err
	}
	undo(docs, changes)
	return &view{db: db, time: t, docs: docs}, nil
}

// since is the documents now, and what changed after a moment. If anything did, the documents are the caller's.
func (db *Database) since(t time.Time) (*tree, []Change, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	now := db.moment()
	if t.After(now) {
		return nil, nil, status.Errorf(codes.InvalidArgument, "read_time %s is in the future", t.Format(time.RFC3339Nano))
	}
	changes, known := db.history.since(t)
	if !known || now.Sub(t) > kept {
		return nil, nil, status.Errorf(codes.FailedPrecondition,
			"read_time %s is too old: what was then is not kept any more", t.Format(time.RFC3339Nano))
	}
	if len(changes) == 0 {
		return db.copyOfDocs(), nil, nil
	}
	return db.docs.Copy(), changes, nil
}

// watcher is told of commits.
type watcher struct{ tell func(Batch) }

// Watch calls f with each commit after the view that it answers, in order, one at a time, until stop is called. f is
// called inside the commit: it only notes what it is told, and never waits; nor does it call stop.
func (db *Database) Watch(f func(Batch)) (from View, stop func()) {
	w := &watcher{f}
	db.commits.Lock()
	defer db.commits.Unlock()
	db.watchers = append(db.watchers, w)
	return db.latest(), func() { db.unwatch(w) }
}

func (db *Database) unwatch(w *watcher) {
	db.commits.Lock()
	defer db.commits.Unlock()
	db.watchers = slices.DeleteFunc(db.watchers, func(other *watcher) bool { return other == w })
}
