package database

import (
	"context"
	"errors"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	rpc "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orderflow.dev/local/wal"
)

// Commit applies all writes or none. t may be nil; it is ended, unless a write is malformed. It returns when the
// commit is on the disk, if there is a log.
func (db *Database) Commit(ctx context.Context, t *Transaction, writes []*pb.Write) (*pb.CommitResponse, error) {
	checked, err := db.check(writes)
	if err != nil {
		return nil, err
	}
	response, at, err := db.commit(t, checked)
	if err != nil {
		return nil, err
	}
	return response, db.durable(ctx, at)
}

// BatchWrite applies each write for itself, and answers what became of each. The same document twice is
// INVALID_ARGUMENT, as is any malformed write.
func (db *Database) BatchWrite(ctx context.Context, writes []*pb.Write) (*pb.BatchWriteResponse, error) {
	checked, err := db.check(writes)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, w := range checked {
		if seen[w.path] {
			return nil, status.Errorf(codes.InvalidArgument,
				"%s: the same document cannot be written more than once in a single request", w.path)
		}
		seen[w.path] = true
	}
	var answer pb.BatchWriteResponse
	var last wal.Position
	for _, w := range checked {
		result, outcome := &pb.WriteResult{}, &rpc.Status{}
		if response, at, err := db.commit(nil, []write{w}); err != nil {
			outcome = status.Convert(err).Proto()
		} else {
			result, last = response.WriteResults[0], at
		}
		answer.WriteResults = append(answer.WriteResults, result)
		answer.Status = append(answer.Status, outcome)
	}
	return &answer, db.durable(ctx, last)
}

func (db *Database) durable(ctx context.Context, at wal.Position) error {
	err := db.stream.Wait(ctx, at)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return status.FromContextError(err).Err()
	}
	return status.Errorf(codes.Unavailable, "keep the commit on the disk: %v", err)
}

// commit is a commit in memory; at is where it is in the log.
func (db *Database) commit(t *Transaction, writes []write) (_ *pb.CommitResponse, at wal.Position, err error) {
	db.commits.Lock()
	defer db.commits.Unlock()
	if t != nil {
		if err := db.finish(t, len(writes)); err != nil {
			return nil, 0, err
		}
	}
	response, b, at, err := db.apply(writes)
	if err == nil && len(b.Changes) > 0 {
		db.tell(b)
	}
	return response, at, err
}

// finish ends a transaction that is about to make its writes.
func (db *Database) finish(t *Transaction, writes int) error {
	switch {
	case t.readOnly && writes > 0:
		return status.Error(codes.InvalidArgument, "Cannot modify entities in a read-only transaction.")
	case !db.end(t):
		return errExpired
	case writes == 0:
		return nil // it saw one moment: that is its place among the others
	}
	return t.validate()
}

func (db *Database) apply(writes []write) (*pb.CommitResponse, Batch, wal.Position, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	e := &evaluation{docs: db.docs, now: db.tick(), drafts: map[string]*draft{}}
	for _, w := range writes {
		if err := e.write(w); err != nil {
			return nil, Batch{}, 0, err
		}
	}
	b := Batch{e.now, e.changes()}
	return &pb.CommitResponse{CommitTime: timestamppb.New(e.now), WriteResults: e.results()}, b, db.publish(b), nil
}

// publish makes the changes of a commit everybody's. It answers where the last commit is in the log: a commit that
// changes nothing waits for what it found.
func (db *Database) publish(b Batch) wal.Position {
	if len(b.Changes) == 0 {
		return db.logged
	}
	db.logged = db.stream.Append(appendRecord(nil, db.name, b.Time, b.Changes))
	for _, c := range b.Changes {
		set(db.docs, keyOf(c.path()), c.After)
	}
	db.copied = nil
	db.indexes.update(b.Changes)
	db.history.add(b)
	return db.logged
}

func (db *Database) tell(b Batch) {
	for _, w := range db.watchers {
		w.tell(b)
	}
}

// clear takes all documents away.
func (db *Database) clear() wal.Position {
	db.commits.Lock()
	defer db.commits.Unlock()
	b, at := func() (Batch, wal.Position) {
		db.mu.Lock()
		defer db.mu.Unlock()
		b := Batch{Time: db.tick()}
		for d := range withPrefix(db.docs, "") {
			b.Changes = append(b.Changes, Change{Before: d})
		}
		return b, db.publish(b)
	}()
	if len(b.Changes) > 0 {
		db.tell(b)
	}
	return at
}
