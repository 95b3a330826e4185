// Package memory is a document database in memory with Firestore's semantics, for tests and simulations: atomic commits
// with preconditions, update times that tell writers apart, queries that need an index and leave out what lacks a field.
// One contract test holds both to them.
package memory

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/store"
)

// Hook is told of an operation: "get", "query", "commit" (with its writes) or "watch" (before each delivery). Its error
// becomes the operation's. It may use the database itself, so that a test can let another writer in between.
type Hook func(op string, writes []store.Write) error

// Database is a store.Database and a store.Watcher. The zero value is an empty one. Its fields are set before use.
type Database struct {
	Before Hook             // before an operation; its error keeps the operation from happening
	After  Hook             // after one that succeeded; its error loses the answer: a commit has happened all the same
	Now    func() time.Time // time.Now if nil. Commits that it does not tell apart get times of their own

	Unindexed bool // answers any query, as Google's emulator does; otherwise one without an index is refused, as by Firestore

	mu        sync.Mutex
	documents map[string]store.Document
	last      time.Time     // the last commit's
	changed   chan struct{} // closed by the next commit; nil if nobody listens
}

// What a Hook may answer, in the store's form: both leave open whether a commit was applied.
var (
	ErrUnavailable = fault.New(codes.Unavailable, "", "the database could not be reached")
	ErrDeadline    = fault.New(codes.DeadlineExceeded, "", "the database did not answer in time")
)

// do runs an operation between its hooks.
func (d *Database) do(ctx context.Context, op string, writes []store.Write, f func() error) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(err, fault.Code(err), "", "%s", op)
	}
	if d.Before != nil {
		if err := d.Before(op, writes); err != nil {
			return err
		}
	}
	d.mu.Lock()
	err := f()
	d.mu.Unlock()
	if err == nil && d.After != nil {
		err = d.After(op, writes)
	}
	return err
}

// Get implements store.Database. All documents are of one moment.
func (d *Database) Get(ctx context.Context, paths ...string) (out []store.Document, err error) {
	err = d.do(ctx, "get", nil, func() error {
		for _, path := range paths {
			doc := d.documents[path]
			doc.Path = path
			out = append(out, copied(doc))
		}
		return nil
	})
	return out, err
}

// Commit implements store.Database. As with Firestore, the time of a single write is its document's update time, which a
// write that changes nothing keeps; that of several is the commit's.
func (d *Database) Commit(ctx context.Context, writes ...store.Write) (at time.Time, err error) {
	err = d.do(ctx, "commit", writes, func() (err error) {
		at, err = d.commit(writes)
		return err
	})
	if err != nil {
		return time.Time{}, err
	}
	return at, nil
}

func (d *Database) commit(writes []store.Write) (time.Time, error) {
	at := d.next()
	staged := make(map[string]store.Document, len(writes))
	for _, w := range writes {
		before, again := staged[w.Path]
		if !again {
			before = d.documents[w.Path]
		}
		if !before.UpdateTime.Equal(w.As) {
			return time.Time{}, store.ErrConflict
		}
		after, err := applied(before, w)
		if err != nil {
			return time.Time{}, err
		}
		if !before.Exists() || !reflect.DeepEqual(before.Fields, after.Fields) {
			after.UpdateTime = at
		}
		staged[w.Path] = after
	}
	if d.documents == nil {
		d.documents = map[string]store.Document{}
	}
	maps.Copy(d.documents, staged)
	d.tick(at)
	if len(writes) == 1 {
		return staged[writes[0].Path].UpdateTime, nil
	}
	return at, nil
}

// applied is a document after a write.
func applied(before store.Document, w store.Write) (store.Document, error) {
	after := store.Document{Path: w.Path, Fields: store.Fields{}, UpdateTime: before.UpdateTime}
	maps.Copy(after.Fields, before.Fields)
	for name, v := range w.Fields {
		if v == store.Delete && before.Exists() {
			delete(after.Fields, name)
			continue
		}
		stored, ok := value(v)
		if !ok {
			return after, fault.New(codes.InvalidArgument, "", "write %s: field %s cannot be a %T", w.Path, name, v)
		}
		after.Fields[name] = stored
	}
	return after, nil
}

// Remove deletes documents, as an operator or an expiry policy does: without a precondition, and without the hooks.
func (d *Database) Remove(paths ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range paths {
		delete(d.documents, p)
	}
	d.tick(d.next())
}

// next is the time of the next commit: later than the last one's, in whole microseconds.
func (d *Database) next() time.Time {
	now := time.Now
	if d.Now != nil {
		now = d.Now
	}
	at := now().UTC().Truncate(time.Microsecond)
	if !at.After(d.last) {
		at = d.last.Add(time.Microsecond)
	}
	return at
}

// tick makes at the time of the last commit and wakes the listeners.
func (d *Database) tick(at time.Time) {
	d.last = at
	if d.changed != nil {
		close(d.changed)
		d.changed = nil
	}
}

// Watch implements store.Watcher: each delivery is everything that changed since the one before.
func (d *Database) Watch(ctx context.Context, collection string, changed func(set []store.Document, deleted []string, at time.Time)) error {
	known := map[string]time.Time{}
	for first := true; ; first = false {
		if d.Before != nil {
			if err := d.Before("watch", nil); err != nil {
				return err
			}
		}
		set, deleted, at, more := d.since(collection, known)
		if first || len(set) > 0 || len(deleted) > 0 {
			changed(set, deleted, at)
		}
		select {
		case <-more:
		case <-ctx.Done():
			return fault.Wrap(ctx.Err(), fault.Code(ctx.Err()), "", "watch %s", collection)
		}
	}
}

// since is what changed in a collection since known, which it brings up to date; at is the moment it is of, and more is
// closed by the next commit.
func (d *Database) since(collection string, known map[string]time.Time) (set []store.Document, deleted []string, at time.Time, more <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, doc := range d.collection(collection) {
		if !doc.UpdateTime.Equal(known[doc.Path]) {
			known[doc.Path] = doc.UpdateTime
			set = append(set, copied(doc))
		}
	}
	for path := range known {
		if _, ok := d.documents[path]; !ok {
			delete(known, path)
			deleted = append(deleted, path)
		}
	}
	slices.Sort(deleted)
	if d.changed == nil {
		d.changed = make(chan struct{})
	}
	if d.last.IsZero() {
		d.last = d.next() // what is committed later is later
	}
	return set, deleted, d.last, d.changed
}
