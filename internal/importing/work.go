package importing

import (
	"context"
	"errors"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/backoff"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/importing/rows"
)

// Worker makes orders of chunks.
type Worker struct {
	Reporter
	Uploads  Bucket
	Orders   Orders
	Items    Items
	Patience time.Duration            // how long the sweep waits for somebody at work
	Budget   time.Duration            // how long one call may work; the rest is handed on
	Parallel int                      // orders placed at once
	Trusted  func(source string) bool // whose prices are honoured
	Pace     *rate.Limiter            // of orders; nil: none
}

// A checkpoint comes after any of these. They bound what is done again after a crash, and what is kept in memory.
const (
	checkpointOrders = 500
	checkpointRows   = 10 * checkpointOrders
	checkpointBytes  = 2 << 20
	checkpointTime   = 10 * time.Second
)

// Work makes a chunk's rows orders, from where its record says that it stands, until it is done or the budget is spent:
// then a fresh message hands it on. Somebody else at work on the same chunk does no harm: orders are made once, and the
// first to record a checkpoint wins.
func (w Worker) Work(ctx context.Context, importID string, number int) error {
	im, err := w.Imports.Get(ctx, importID)
	if err != nil {
		return err
	}
	c, err := w.Imports.Chunk(ctx, importID, number)
	if err != nil {
		return err
	}
	if c.Done || im.State.Final() {
		return w.finishIfLast(ctx, importID)
	}
	err = w.read(ctx, im, c)
	switch {
	case errors.Is(err, ErrConflict):
		return nil // another is at it
	case err != nil:
		return err
	case c.Done:
		return w.finishIfLast(ctx, importID)
	}
	return w.Messages.Work(ctx, c)
}

// read places the chunk's orders and records checkpoints.
func (w Worker) read(ctx context.Context, im *Import, c *Chunk) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	src, err := part(ctx, w.Uploads, im, c.At)
	if err != nil {
		return w.broken(ctx, im, c, w.batch(ctx), err)
	}
	defer src.Close()
	r, err := rows.Resume(src, im.Layout, c.At)
	if err != nil {
		return err
	}
	started, b := w.Now(), w.batch(ctx)
	for g, err := range r.Groups() {
		if err != nil {
			return w.broken(ctx, im, c, b, err)
		}
		w.start(b, im, g)
		if !b.full(w.Now()) {
			continue
		}
		if err := w.settle(ctx, im, c, b); err != nil {
			return err
		}
		b = w.batch(ctx)
		if !g.Checkpoint { // what is settled is recorded with the next one
			continue
		}
		over := w.Now().Sub(started) > w.Budget
		if err := w.checkpoint(ctx, c, g, over); err != nil || over {
			return err
		}
	}
	return w.end(ctx, im, c, b)
}

// broken ends the reading of a file that turns out to be broken on the way, such as a gzip file that is cut off: what is
// before that counts. Trouble in reading is only that.
func (w Worker) broken(ctx context.Context, im *Import, c *Chunk, b *batch, err error) error {
	problem, ok := problemOf(err)
	if !ok {
		return errors.Join(err, b.placing.Wait())
	}
	im.Problem = problem
	return w.end(ctx, im, c, b)
}

// checkpoint records how far the chunk is: behind a group. All since the one before happens again if a crash comes first.
func (w Worker) checkpoint(ctx context.Context, c *Chunk, g *rows.Group, handOn bool) error {
	c.At.Offset, c.At.Line = g.End, g.LastLine+1
	c.Changed = w.Now()
	if handOn {
		c.Sent++
	}
	return w.Imports.SaveChunk(ctx, c)
}

// end records that the chunk is done.
func (w Worker) end(ctx context.Context, im *Import, c *Chunk, b *batch) error {
	if err := w.settle(ctx, im, c, b); err != nil {
		return err
	}
	if n := len(b.groups); n > 0 {
		c.At.Offset, c.At.Line = b.groups[n-1].End, b.groups[n-1].LastLine+1
	}
	c.Done, c.Changed = true, w.Now()
	return w.saveDone(ctx, im, c)
}

// saveDone records in one commit that a chunk is done and that its import has one more. The last makes it REPORTING.
func (w Worker) saveDone(ctx context.Context, im *Import, c *Chunk) error {
	problem := im.Problem
	for n := 0; ; n++ {
		im.ChunksDone++
		im.Read += c.Span.End - c.Span.Offset
		im.Tally.add(c.Tally)
		im.NextLook = w.Now().Add(w.Patience)
		if problem != "" {
			im.Problem = problem
		}
		if im.ChunksDone == im.Chunks {
			im.State, im.Ended = Reporting, w.Now()
		}
		err := w.Imports.Save(ctx, im, c)
		if !errors.Is(err, ErrConflict) {
			return err
		}
		if n == 20 { // not ErrConflict, which says that the chunk is in other hands
			return fault.New(codes.Unavailable, "", "too many chunks of import %s end at once", im.ID)
		}
		if err := backoff.Wait(ctx, n, 5*time.Millisecond, 200*time.Millisecond); err != nil {
			return err
		}
		// Other chunks end too; but if it was this one that changed, somebody else is at work on it.
		now, err := w.Imports.Chunk(ctx, c.ImportID, c.Number)
		if err != nil {
			return err
		}
		if now.Version != c.Version {
			return ErrConflict
		}
		if im, err = w.Imports.Get(ctx, c.ImportID); err != nil {
			return err
		}
	}
}

// finishIfLast writes the report once every chunk is done.
func (w Worker) finishIfLast(ctx context.Context, importID string) error {
	im, err := w.Imports.Get(ctx, importID)
	if err != nil || im.State != Reporting {
		return err
	}
	return w.Report(ctx, im)
}
