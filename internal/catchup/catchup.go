// Package catchup brings orders' journals up to what the archive says was published, as after the orders database was
// restored to a moment: an order is its journal, and every published event of it is archived. What follows a journal without
// a gap is appended exactly as it was; an order that is not there is made again, from its first event on. What an order has
// beside its events, address and note, stays lost. A journal that says otherwise than the archive is left as it is.
package catchup

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/archive"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/bucket"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/unit"
)

// Orders is what is needed of the store of orders.
type Orders interface {
	// Look reads orders by id: those that are there, and why some cannot be read.
	Look(ctx context.Context, ids []string) (there map[string]*order.Order, unread map[string]error, err error)
	// CatchUp writes what change makes of an order, nil if there is none; see store.Orders.
	CatchUp(ctx context.Context, id string, change func(*order.Order) *order.Order) error
}

// Outcome is what became of one order.
type Outcome struct {
	OrderID  string
	Rebuilt  bool            // it was not there
	Appended []journal.Entry // to its journal
	Person   string          // what no machine can decide, and what a person is to do
	Hold     bool            // it must not be repaired as one that is lost for good: it may be in the archive all the same
	Would    *order.Order    // of a dry run: the order as it would be
	Err      error           // why nothing was appended: catch up again
}

// Ask is what a person has to ask a rebuilt order's customer for; empty of any other.
func (o Outcome) Ask() string {
	if !o.Rebuilt {
		return ""
	}
	return "it was lost, and rebuilt from its events, which carry no personal data: ask its customer for the shipping address and the note, or to send the same request again, under the same idempotency key"
}

// CatchingUp catches orders up. Add what is archived, in any order and however often, then Finish. It holds in memory what
// the journals lack, and a few hundred events besides.
type CatchingUp struct {
	Orders Orders
	Now    func() time.Time
	DryRun bool // change nothing

	gathering
}

// Options say what is caught up with what.
type Options struct {
	Project string
	Since   time.Time // events published since then are read; files are found by it, so some are older
	DryRun  bool
	// Progress is told how many files of how many are read. It is called by one at a time, and may be nil.
	Progress func(read, of int)
}

// Run catches the orders of a project up with its archive. Outcomes are by order; of those that lack nothing there is none.
// read is how many events of orders were read.
func Run(ctx context.Context, o Options) (outcomes []Outcome, read int, err error) {
	b, err := bucket.Open(ctx, unit.BucketName(o.Project, archive.Bucket))
	if err != nil {
		return nil, 0, err
	}
	defer b.Close()
	orders, err := store.ReadOrders(ctx, store.Config{Project: o.Project})
	if err != nil {
		return nil, 0, err
	}
	c := &CatchingUp{Orders: orders, Now: time.Now, DryRun: o.DryRun}
	files, err := archive.FilesOf(ctx, b, topics(), archive.Window{From: o.Since, To: time.Now()})
	if err != nil {
		return nil, 0, err
	}
	add := func(ctx context.Context, _ archive.File, r archive.Record) error { return c.Add(ctx, r) }
	var (
		mu   sync.Mutex
		done int
	)
	progress := func(archive.File) {
		mu.Lock()
		defer mu.Unlock()
		if done++; o.Progress != nil {
			o.Progress(done, len(files))
		}
	}
	if err := archive.ReadAll(ctx, b, files, add, progress); err != nil {
		return nil, 0, err
	}
	outcomes, err = c.Finish(ctx)
	return outcomes, c.read, err
}

// topics are those of all events there are: a message of the events' page is an event, and its name is its topic.
func topics() (all []string) {
	messages := eventv1.File_orderflow_event_v1_events_proto.Messages()
	for i := range messages.Len() {
		all = append(all, string(messages.Get(i).FullName()))
	}
	return all
}

// Finish appends what is missing. An error is one of reading; what could not be written is in the outcomes.
func (c *CatchingUp) Finish(ctx context.Context) (outcomes []Outcome, err error) {
	if err := c.compare(ctx, c.take(1)); err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(c.behind)) {
		if err := ctx.Err(); err != nil {
			return outcomes, err
		}
		if o := c.finish(ctx, id, c.behind[id]); o.Err != nil || o.Person != "" || len(o.Appended) > 0 {
			outcomes = append(outcomes, o)
		}
	}
	return outcomes, nil
}

// finish catches one order up. Others may write it meanwhile: what follows is seen anew each time.
func (c *CatchingUp) finish(ctx context.Context, id string, archived events) (out Outcome) {
	change := func(o *order.Order) *order.Order {
		out = Outcome{OrderID: id, Rebuilt: o == nil}
		if o == nil {
			o = &order.Order{ID: id, Origin: order.RebuiltOrigin}
		}
		out.Appended, out.Person = follow(o, archived)
		out.Hold = len(o.Journal.Entries) == 0
		out.Rebuilt = out.Rebuilt && !out.Hold
		if len(out.Appended) == 0 {
			return nil
		}
		o.Attempts, o.NextAttempt = 0, time.Time{}
		if !o.Final() {
			o.NextAttempt = c.Now() // whatever was at work on it knows an older one
		}
		return o
	}
	if !c.DryRun {
		out.Err = c.Orders.CatchUp(ctx, id, change)
	} else {
		there, unread, err := c.Orders.Look(ctx, []string{id})
		if out.Err = err; err == nil && unread[id] == nil {
			out.Would = change(there[id])
		}
	}
	if out.Err != nil {
		out.OrderID, out.Appended = id, nil
	}
	return out
}
