// Package store keeps aggregates in Firestore: the only room that knows it. Documents are written by single commits
// with preconditions, never by transactions that hold locks: the first committer wins, the others read again.
package store

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/backoff"
	"orderflow.dev/internal/fault"
)

// Database is what the repositories here need of a document database. Firestore is one; a simulation may be another.
type Database interface {
	// Get reads documents in one call, in the order asked. A document that is not there has no UpdateTime.
	Get(ctx context.Context, paths ...string) ([]Document, error)
	// Commit applies all writes or none. Its error is ErrConflict when a precondition failed, ErrAborted when the same
	// commit is to be tried again. UNAVAILABLE and DEADLINE_EXCEEDED leave open whether it was applied.
	Commit(ctx context.Context, writes ...Write) (time.Time, error)
	// Query reads the documents of one collection that match.
	Query(ctx context.Context, q Query) ([]Document, error)
}

// Document is a document as it was read.
type Document struct {
	Path       string // collection/id
	Fields     Fields
	UpdateTime time.Time // zero: there is no such document
}

// Exists says whether there is such a document.
func (d Document) Exists() bool { return !d.UpdateTime.IsZero() }

// Fields are a document's fields: string, int64, bool, time.Time, []byte, map[string]any, or Delete in a write.
type Fields map[string]any

// Delete removes a field.
var Delete = new(struct{ _ byte })

// Write creates a document, or changes the named fields of one that is still as it was read.
type Write struct {
	Path   string
	Fields Fields
	As     time.Time // the update time it must still have; zero: it must not exist
}

// Query selects documents of a collection. Every query here has its index: see indexes.yaml.
type Query struct {
	Collection string
	Where      []Where
	OrderBy    []Order
	After      []any // values of OrderBy: start behind them
	Limit      int
}

// Where compares a field: "==", "<=", ">", ...
type Where struct {
	Field, Op string
	Value     any
}

// Order is a field to order by. DocumentID orders by id.
type Order struct {
	Field string
	Desc  bool
}

// DocumentID is the document's id as a field.
const DocumentID = "__name__"

// What Commit says where nothing was written.
var (
	// ErrConflict says that a document was not as its writer had read it: read again.
	ErrConflict = fault.New(codes.Aborted, "conflict", "the document was changed by another writer")
	// ErrAborted says that writers were in each other's way: that tells nothing about the documents, not even that one
	// exists. Firestore's ABORTED.
	ErrAborted = fault.New(codes.Unavailable, "", "too many writers at once")
)

func (d Document) text(field string) string         { s, _ := d.Fields[field].(string); return s }
func (d Document) bytes(field string) []byte        { b, _ := d.Fields[field].([]byte); return b }
func (d Document) number(field string) int64        { n, _ := d.Fields[field].(int64); return n }
func (d Document) timestamp(field string) time.Time { t, _ := d.Fields[field].(time.Time); return t }

// commit commits writes, again and again while writers are in each other's way.
func commit(ctx context.Context, db Database, writes ...Write) (time.Time, error) {
	for n := 0; ; n++ {
		at, err := db.Commit(ctx, writes...)
		if !errors.Is(err, ErrAborted) || n >= maxConflicts || backoff.Wait(ctx, n, firstWait, mostWait) != nil {
			return at, err
		}
	}
}

// retry runs attempt until it does not meet another writer, with a wait that grows and varies.
func retry(ctx context.Context, attempt func() error) error {
	for n := 0; ; n++ {
		err := attempt()
		if !errors.Is(err, ErrConflict) || n >= maxConflicts {
			return err
		}
		if err := backoff.Wait(ctx, n, firstWait, mostWait); err != nil {
			return err
		}
	}
}

// maxConflicts is how often a writer yields before it says so: 16 conflicts on one order mean a bug or an attack. It
// waits from firstWait to mostWait between them.
const (
	maxConflicts = 16
	firstWait    = 2 * time.Millisecond
	mostWait     = 250 * time.Millisecond
)

// corrupt says that a document does not say what its writer wrote: a person must look.
func corrupt(d Document, err error) error {
	return fault.Wrap(err, codes.DataLoss, "corrupt_document", "document %s cannot be read", d.Path)
}
