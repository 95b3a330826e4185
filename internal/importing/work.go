package importing

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/backoff"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/importing/rows"
)

// Order is what an order of a file asks for.
type Order struct {
	Source, Ref   string // unique together
	CustomerID    string // the source's own
	PaymentMethod string
	Note          string
	Lines         []Line
	ImportID      string
	FirstLine     int64 // of the file
}

// Line is how many of what.
type Line struct {
	SKU       string
	Quantity  int32
	UnitPrice *int64 // minor units of Currency; nil: the catalogue's
	Currency  string
}

// Placed is the order that there is now.
type Placed struct {
	ImportID   string // whose import made it; empty if none did
	FirstLine  int64  // from which line
	Currency   string
	MinorUnits int64 // its total
}

// Orders takes orders as the HTTP intake does. An order that is there with the same content is answered as it is.
// Refusals are INVALID_ARGUMENT: already_imported is one that is there with other content, and is answered
// too, so that it can be said where it is in the file.
type Orders interface {
	Place(ctx context.Context, o Order) (Placed, error)
}

// AlreadyImported is the reason of an order that is there with other content.
const AlreadyImported = "already_imported"

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

// batch is orders that are placed between two checkpoints, many at once.
type batch struct {
	started time.Time
	groups  []*rows.Group
	results []*result
	rows    int
	bytes   int64
	placing *errgroup.Group
	ctx     context.Context          // of placing
	last    map[string]chan struct{} // by order_ref: closed when its last order so far is placed
}

// result is what came of one group.
type result struct {
	placed     Placed
	superseded bool  // a newer catalogue has the product
	err        error // why it was rejected
}

func (w Worker) batch(ctx context.Context) *batch {
	b := &batch{started: w.Now(), last: map[string]chan struct{}{}}
	b.placing, b.ctx = errgroup.WithContext(ctx)
	b.placing.SetLimit(max(w.Parallel, 1))
	return b
}

func (b *batch) full(now time.Time) bool {
	return len(b.groups) >= checkpointOrders || b.rows >= checkpointRows || b.bytes >= checkpointBytes ||
		now.Sub(b.started) >= checkpointTime
}

// start begins to place a group. It waits while as many as may are being placed.
func (w Worker) start(b *batch, im *Import, g *rows.Group) {
	r := &result{err: g.Err()}
	b.groups, b.results = append(b.groups, g), append(b.results, r)
	b.rows += len(g.Rows)
	b.bytes += g.End - g.Offset
	if r.err != nil || im.Kind == rows.Catalogue { // whose rows are set together, in settle
		return
	}
	before, done := b.last[g.Ref], make(chan struct{})
	b.last[g.Ref] = done
	b.placing.Go(func() (err error) {
		if before != nil { // of two orders with one order_ref, it is the later one that is refused
			select {
			case <-before:
			case <-b.ctx.Done(): // trouble, perhaps with that one
				return b.ctx.Err()
			}
		}
		if *r, err = w.placeOne(b.ctx, im, g); err == nil {
			close(done)
		}
		return err
	})
}

// settle waits for a batch and adds to the chunk what came of it, which is not recorded yet.
func (w Worker) settle(ctx context.Context, im *Import, c *Chunk, b *batch) error {
	if err := b.placing.Wait(); err != nil {
		return err
	}
	if im.Kind == rows.Catalogue {
		if err := w.state(ctx, im, b); err != nil {
			return err
		}
	}
	var rejects bytes.Buffer
	tally := Tally{}
	for i, g := range b.groups {
		tally.count(im, g, *b.results[i])
		if err := b.results[i].err; err != nil {
			writeRejects(&rejects, im.Layout, g, err)
		}
	}
	c.Tally.add(tally)
	if rejects.Len() == 0 {
		return nil
	}
	name := partName(c, b.groups[0].Offset, rejects.Bytes())
	c.Rejects = append(c.Rejects, name)
	return w.Reports.Write(ctx, name, "text/plain", func(out io.Writer) error { _, err := out.Write(rejects.Bytes()); return err })
}

// partName tells parts apart by content too: somebody else at work on the same rows, who may have come less far or met
// with other answers, must not overwrite what is recorded.
func partName(c *Chunk, offset int64, content []byte) string {
	h := sha256.Sum256(content)
	return fmt.Sprintf("parts/%s/%06d-%014d-%x", c.ImportID, c.Number, offset, h[:8])
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

// placeAttempts is how often an order that meets trouble is tried before the whole chunk is.
const placeAttempts = 6

func (w Worker) placeOne(ctx context.Context, im *Import, g *rows.Group) (result, error) {
	o := w.order(im, g)
	for n := 0; ; n++ {
		if w.Pace != nil {
			if err := w.Pace.Wait(ctx); err != nil {
				return result{}, err
			}
		}
		placed, err := w.Orders.Place(ctx, o)
		switch {
		case err == nil:
			return result{placed: placed, err: repeated(im, g, placed)}, nil
		case fault.Code(err) == codes.InvalidArgument: // any other is ours, and no reason to reject an order
			return result{err: cmp.Or(repeated(im, g, placed), err)}, nil
		case n == placeAttempts-1:
			return result{}, err
		}
		if err := backoff.Wait(ctx, n, 100*time.Millisecond, 3*time.Second); err != nil {
			return result{}, err
		}
	}
}

// repeated refuses an order_ref that was in the same file before, on another line.
func repeated(im *Import, g *rows.Group, p Placed) error {
	if p.ImportID != im.ID || p.FirstLine == g.Line {
		return nil
	}
	return fault.New(codes.InvalidArgument, "repeated_order_ref",
		"order_ref %s is on line %d already: the rows of an order must stand together", g.Ref, p.FirstLine)
}

func (w Worker) order(im *Import, g *rows.Group) Order {
	first := g.Rows[0]
	o := Order{
		Source: im.Source, Ref: g.Ref, CustomerID: first.CustomerID, PaymentMethod: first.PaymentMethod, Note: first.Note,
		ImportID: im.ID, FirstLine: g.Line,
	}
	honoured := w.Trusted != nil && w.Trusted(im.Source)
	for _, r := range g.Rows {
		l := Line{SKU: r.SKU, Quantity: r.Quantity}
		if honoured && r.UnitPrice != nil {
			l.UnitPrice, l.Currency = r.UnitPrice, r.Currency
		}
		o.Lines = append(o.Lines, l)
	}
	return o
}

// count counts what came of a group. An order that this import made before a crash counts as made.
func (t *Tally) count(im *Import, g *rows.Group, r result) {
	n := int64(len(g.Rows))
	t.Rows += n
	switch {
	case im.Kind == rows.Catalogue:
		t.countItem(r)
	case r.err != nil:
		t.RejectedRows += n
		if g.Part == 0 {
			t.RejectedOrders++
			t.Reasons = sum(t.Reasons, map[string]int64{reasonOf(r.err): 1})
		}
	case r.placed.ImportID != im.ID:
		t.AlreadyThere++
	default:
		t.Orders++
		t.Money = sum(t.Money, map[string]int64{r.placed.Currency: r.placed.MinorUnits})
	}
}

func reasonOf(err error) string {
	if reason := fault.Reason(err); reason != "" {
		return reason
	}
	return "refused"
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
