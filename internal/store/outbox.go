package store

import (
	"context"
	"errors"
	"hash/fnv"
	"log/slog"
	"path"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/platform/telemetry"
)

// Publisher publishes events.
type Publisher interface {
	Publish(ctx context.Context, events ...event.Event) error
}

// outbox writes aggregates with their journals and publishes what the journals gained.
type outbox struct {
	db         Database
	publisher  Publisher
	collection string
	now        func() time.Time
}

// Fields of every journaled document. The last two are there only while something may be unpublished: they are what
// sweep-journals finds, sharded because an index on a growing time alone takes 500 writes a second and no more
// (https://cloud.google.com/firestore/docs/best-practices#hotspots).
const (
	fieldJournal     = "journal"
	fieldPublished   = "published"
	fieldShard       = "unpublished_shard"
	fieldUnpublished = "unpublished_time"
)

// shards is how many ways a sweep's index is split.
const shards = 4

func shardOf(id string) int64 {
	h := fnv.New32a()
	h.Write([]byte(id))
	return int64(h.Sum32() % shards)
}

// commit writes an aggregate, publishes its new events before it returns, and answers the document's update time. A failed publish is no error: the sweep
// makes up for it. last says that no other write is expected soon, so that the mark must be written now; otherwise the
// next writer advances it.
func (o *outbox) commit(ctx context.Context, id string, fields Fields, j *journal.Journal, as time.Time, last bool) (time.Time, error) {
	o.stamp(ctx, j)
	if err := o.journalFields(id, fields, j, as.IsZero()); err != nil {
		return time.Time{}, err
	}
	at, err := commit(ctx, o.db, Write{Path: o.collection + "/" + id, Fields: fields, As: as})
	if err != nil {
		return time.Time{}, err
	}
	if !o.publish(ctx, id, j) || !last {
		return at, nil
	}
	if at, err = o.mark(ctx, id, j, at); err != nil {
		telemetry.Log(ctx, slog.LevelWarn, "mark left to sweep-journals", slog.String("order_id", id), slog.String("error", err.Error()))
	}
	return at, nil
}

// stamp gives new entries the trace and request id of the request that made them.
func (o *outbox) stamp(ctx context.Context, j *journal.Journal) {
	t := telemetry.TraceOf(ctx)
	for i := range j.Entries {
		if e := &j.Entries[i]; e.RequestID == "" {
			e.Traceparent, e.RequestID = t.Traceparent(), t.RequestID
		}
	}
}

func (o *outbox) journalFields(id string, fields Fields, j *journal.Journal, isNew bool) error {
	data, err := j.Marshal()
	if err != nil {
		return err
	}
	fields[fieldJournal], fields[fieldPublished] = data, j.Published
	switch {
	case len(j.Unpublished()) > 0:
		fields[fieldShard], fields[fieldUnpublished] = shardOf(id), o.now()
	case !isNew:
		fields[fieldShard], fields[fieldUnpublished] = Delete, Delete
	}
	return nil
}

// publish publishes everything above the mark, in order: a writer does not know what became of the events before its
// own. It stops at the first that fails, since a call caused by an event is evidence of those before it.
func (o *outbox) publish(ctx context.Context, id string, j *journal.Journal) bool {
	entries := j.Unpublished()
	for _, e := range entries {
		if err := o.publisher.Publish(ctx, event.FromJournal(o.collection, e)); err != nil {
			telemetry.Log(ctx, slog.LevelWarn, "events left to sweep-journals", slog.String("order_id", id), slog.String("error", err.Error()))
			return false
		}
		j.Witness(e.Event.GetSeq())
	}
	return len(entries) > 0
}

// mark records that everything is published, and answers the document's update time as far as it is known. Its
// precondition is the writer's own update time: an event appended meanwhile by another is never hidden, and that is no
// error.
func (o *outbox) mark(ctx context.Context, id string, j *journal.Journal, as time.Time) (time.Time, error) {
	at, err := commit(ctx, o.db, Write{
		Path: o.collection + "/" + id, As: as,
		Fields: Fields{fieldPublished: int64(len(j.Entries)), fieldShard: Delete, fieldUnpublished: Delete},
	})
	switch {
	case errors.Is(err, ErrConflict):
		return as, nil
	case err != nil:
		return as, err
	}
	return at, nil
}

// sweepPage is how many journals a sweep reads at once, sweepParallel how many of them it publishes at once.
const (
	sweepPage     = 250
	sweepParallel = 16
)

// Swept is what a sweep of journals did.
type Swept struct {
	Found       int           // journals with something to publish
	Unpublished time.Duration // how old the oldest is that could not be published
}

// Sweep publishes what a crash or a failed publish kept back in a collection's journals for longer than grace, page by
// page until nothing is left.
func Sweep(ctx context.Context, db Database, p Publisher, collection string, now time.Time, grace time.Duration) (Swept, error) {
	o := &outbox{db: db, publisher: p, collection: collection, now: func() time.Time { return now }}
	var (
		swept  Swept
		failed []error
	)
	for shard := range int64(shards) {
		failed = append(failed, o.sweepShard(ctx, shard, now.Add(-grace), &swept))
	}
	return swept, errors.Join(failed...)
}

// sweepShard stops at a page with a failure: what is found again and again must not keep it going for ever.
func (o *outbox) sweepShard(ctx context.Context, shard int64, before time.Time, swept *Swept) error {
	for {
		documents, err := o.db.Query(ctx, Query{
			Collection: o.collection, Limit: sweepPage,
			Where:   []Where{{fieldShard, "==", shard}, {fieldUnpublished, "<=", before}},
			OrderBy: []Order{{Field: fieldUnpublished}},
		})
		if err != nil {
			return err
		}
		swept.Found += len(documents)
		if err := o.sweepAll(ctx, documents, swept); err != nil || len(documents) < sweepPage {
			return err
		}
	}
}

func (o *outbox) sweepAll(ctx context.Context, documents []Document, swept *Swept) error {
	var (
		g      errgroup.Group
		failed = make([]error, len(documents))
	)
	g.SetLimit(sweepParallel)
	for i, d := range documents {
		g.Go(func() error {
			failed[i] = o.sweep(ctx, d) // one journal's error does not keep the others back
			return nil
		})
	}
	_ = g.Wait() // never an error: they are in failed
	for i, d := range documents {
		if failed[i] != nil {
			swept.Unpublished = max(swept.Unpublished, o.now().Sub(d.timestamp(fieldUnpublished)))
		}
	}
	return errors.Join(failed...)
}

func (o *outbox) sweep(ctx context.Context, d Document) error {
	j, err := journal.Unmarshal(d.bytes(fieldJournal), d.number(fieldPublished))
	if err != nil {
		return err
	}
	id := path.Base(d.Path)
	if len(j.Unpublished()) > 0 && !o.publish(ctx, id, &j) {
		return fault.New(codes.Unavailable, "", "the events of %s could not be published", d.Path)
	}
	_, err = o.mark(ctx, id, &j, d.UpdateTime)
	return err
}
