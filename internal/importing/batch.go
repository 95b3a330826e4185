package importing

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/importing/rows"
)

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
	rows       int // of the group, which lets go of them once they are an order
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
	r := &result{rows: len(g.Rows), err: g.Err()}
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
		if r.placed, r.err, err = w.placeOne(b.ctx, im, g); err != nil {
			return err
		}
		close(done)
		if r.err == nil {
			g.Rows = nil // nobody needs them any more, and a batch's are most of what a worker keeps
		}
		return nil
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
	err := w.Reports.Write(ctx, name, "text/plain", func(out io.Writer) error { _, err := out.Write(rejects.Bytes()); return err })
	if err != nil {
		return err
	}
	c.Rejects, c.Loose = append(c.Rejects, name), c.Loose+1
	return w.bind(ctx, c)
}

// looseParts is how many parts are joined to one. Their names are in the chunk's record, which a database takes up to 1 MiB.
const looseParts = 100

// bind joins the loose parts of a chunk once there are many.
func (w Worker) bind(ctx context.Context, c *Chunk) error {
	if c.Loose < looseParts {
		return nil
	}
	loose := c.Rejects[len(c.Rejects)-c.Loose:]
	name := fmt.Sprintf("%s-%x", loose[0], sha256.Sum256([]byte(strings.Join(loose, " ")))) // as partName: by all of its content
	err := w.Reports.Write(ctx, name, "text/plain", func(out io.Writer) error {
		_, err := w.join(ctx, out, loose)
		return err
	})
	if err != nil {
		return err
	}
	c.Rejects, c.Loose = append(c.Rejects[:len(c.Rejects)-c.Loose:len(c.Rejects)-c.Loose], name), 0
	return nil
}

// partName tells parts apart by content too: somebody else at work on the same rows, who may have come less far or met
// with other answers, must not overwrite what is recorded.
func partName(c *Chunk, offset int64, content []byte) string {
	h := sha256.Sum256(content)
	return fmt.Sprintf("parts/%s/%06d-%014d-%x", c.ImportID, c.Number, offset, h[:8])
}

// count counts what came of a group. An order that this import made before a crash counts as made.
func (t *Tally) count(im *Import, g *rows.Group, r result) {
	n := int64(r.rows)
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
