package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/firestore"
	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/telemetry"
)

// Firestore is one Firestore database. Each context has its own, so that access is granted per context.
type Firestore struct {
	client *firestore.Client
	id     string
}

// Open opens a database of a project ("orders", "inventory", …). It asks nothing of it yet.
func Open(ctx context.Context, project, database string) (*Firestore, error) {
	client, err := firestore.NewClientWithDatabase(ctx, project, database)
	if err != nil {
		return nil, fmt.Errorf("open Firestore database %s of project %s: %w", database, project, err)
	}
	return &Firestore{client: client, id: database}, nil
}

// Close closes its connections.
func (f *Firestore) Close() error { return f.client.Close() }

// Get implements Database.
func (f *Firestore) Get(ctx context.Context, paths ...string) ([]Document, error) {
	refs := make([]*firestore.DocumentRef, len(paths))
	for i, p := range paths {
		refs[i] = f.client.Doc(p)
	}
	snapshots, err := f.client.GetAll(ctx, refs)
	if err != nil {
		return nil, f.failed(err, "read", paths...)
	}
	telemetry.Count(ctx, "reads", len(paths))
	out := make([]Document, len(paths))
	for i, s := range snapshots {
		out[i] = Document{Path: paths[i]}
		if s.Exists() {
			out[i].Fields, out[i].UpdateTime = s.Data(), s.UpdateTime
		}
	}
	return out, nil
}

// Commit implements Database.
func (f *Firestore) Commit(ctx context.Context, writes ...Write) (time.Time, error) {
	telemetry.Count(ctx, "writes", len(writes))
	if len(writes) == 1 {
		return f.commitOne(ctx, writes[0])
	}
	// A transaction without reads takes no locks: it is one commit with preconditions. Retries are the caller's.
	var committed firestore.CommitResponse
	err := f.client.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		for _, w := range writes {
			if err := f.add(tx, w); err != nil {
				return err
			}
		}
		return nil
	}, firestore.MaxAttempts(1), firestore.WithCommitResponseTo(&committed))
	if err != nil {
		return time.Time{}, f.unwritten(err, writes...)
	}
	return committed.CommitTime(), nil
}

func (f *Firestore) commitOne(ctx context.Context, w Write) (time.Time, error) {
	var (
		result *firestore.WriteResult
		err    error
	)
	if w.As.IsZero() {
		result, err = f.client.Doc(w.Path).Create(ctx, map[string]any(w.Fields))
	} else {
		result, err = f.client.Doc(w.Path).Update(ctx, updates(w.Fields), firestore.LastUpdateTime(w.As))
	}
	if err != nil {
		return time.Time{}, f.unwritten(err, w)
	}
	return result.UpdateTime, nil
}

func (f *Firestore) add(tx *firestore.Transaction, w Write) error {
	if w.As.IsZero() {
		return tx.Create(f.client.Doc(w.Path), map[string]any(w.Fields))
	}
	return tx.Update(f.client.Doc(w.Path), updates(w.Fields), firestore.LastUpdateTime(w.As))
}

func updates(fields Fields) []firestore.Update {
	out := make([]firestore.Update, 0, len(fields))
	for k, v := range fields {
		if v == Delete {
			v = firestore.Delete
		}
		out = append(out, firestore.Update{Path: k, Value: v})
	}
	return out
}

// Query implements Database.
func (f *Firestore) Query(ctx context.Context, q Query) ([]Document, error) {
	query := f.client.Collection(q.Collection).Query
	for _, w := range q.Where {
		query = query.Where(w.Field, w.Op, w.Value)
	}
	for _, o := range q.OrderBy {
		direction := firestore.Asc
		if o.Desc {
			direction = firestore.Desc
		}
		query = query.OrderBy(o.Field, direction)
	}
	if len(q.After) > 0 {
		query = query.StartAfter(q.After...)
	}
	snapshots, err := query.Limit(q.Limit).Documents(ctx).GetAll()
	if err != nil {
		return nil, f.failed(err, "query", q.Collection)
	}
	telemetry.Count(ctx, "reads", max(len(snapshots), 1)) // an empty answer is billed as one read
	out := make([]Document, len(snapshots))
	for i, s := range snapshots {
		out[i] = Document{Path: q.Collection + "/" + s.Ref.ID, Fields: s.Data(), UpdateTime: s.UpdateTime}
	}
	return out, nil
}

// Count is how many documents a collection has.
func (f *Firestore) Count(ctx context.Context, collection string) (int64, error) {
	const alias = "all"
	result, err := f.client.Collection(collection).NewAggregationQuery().WithCount(alias).Get(ctx)
	if err != nil {
		return 0, f.failed(err, "count", collection)
	}
	n, ok := result[alias].(*firestorepb.Value)
	if !ok {
		return 0, fmt.Errorf("count %s: the database answered %v", collection, result)
	}
	return n.GetIntegerValue(), nil
}

// Watch calls changed with what was set and what was deleted in a collection, first with all of it. at is the moment up
// to which the collection is known. It returns when ctx ends or the listener fails for good.
func (f *Firestore) Watch(ctx context.Context, collection string, changed func(set []Document, deleted []string, at time.Time)) error {
	snapshots := f.client.Collection(collection).Query.Snapshots(ctx)
	defer snapshots.Stop()
	for {
		s, err := snapshots.Next()
		if err != nil {
			return f.failed(err, "watch", collection)
		}
		var (
			set     []Document
			deleted []string
		)
		for _, c := range s.Changes {
			path := collection + "/" + c.Doc.Ref.ID
			if c.Kind == firestore.DocumentRemoved {
				deleted = append(deleted, path)
				continue
			}
			set = append(set, Document{Path: path, Fields: c.Doc.Data(), UpdateTime: c.Doc.UpdateTime})
		}
		changed(set, deleted, s.ReadTime)
	}
}

// unwritten is ErrConflict for all ways in which a precondition fails. Only a document that must be there can be the one
// that is not found; otherwise it is the database.
func (f *Firestore) unwritten(err error, writes ...Write) error {
	switch status.Code(err) {
	case codes.Aborted:
		return ErrAborted
	case codes.AlreadyExists, codes.FailedPrecondition:
		return ErrConflict
	case codes.NotFound:
		if slices.ContainsFunc(writes, func(w Write) bool { return !w.As.IsZero() }) {
			return ErrConflict
		}
	}
	return f.failed(err, "write", pathsOf(writes)...)
}

// failed gives Firestore's error the domain's form. What a person must mend (a missing grant, index or database) is
// INTERNAL, so that it never counts as the fault of the request.
func (f *Firestore) failed(err error, did string, paths ...string) error {
	code := status.Code(err)
	switch code {
	case codes.Unknown:
		code = fault.Code(err) // perhaps the context's end
	case codes.PermissionDenied, codes.Unauthenticated, codes.FailedPrecondition, codes.NotFound, codes.InvalidArgument,
		codes.AlreadyExists, codes.OutOfRange, codes.Unimplemented:
		code = codes.Internal
	}
	what := strings.Join(paths[:min(len(paths), 3)], ", ")
	return fault.Wrap(err, code, "", "%s %s in database %s", did, what, f.id)
}

func pathsOf(writes []Write) []string {
	paths := make([]string, len(writes))
	for i, w := range writes {
		paths[i] = w.Path
	}
	return paths
}
