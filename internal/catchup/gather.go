package catchup

import (
	"context"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	"orderflow.dev/internal/archive"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/platform/event"
)

// events are what is archived of one order, by seq: one entry each, but where a restored pipeline went on as if what was lost
// had not been, and came to something else.
type events map[int64][]journal.Entry

// add keeps the first of the entries that say the same.
func (e events) add(entry journal.Entry) {
	seq := entry.Event.GetSeq()
	i := slices.IndexFunc(e[seq], func(known journal.Entry) bool { return alike(known, entry) })
	switch {
	case i < 0:
		e[seq] = append(e[seq], entry)
	case entry.Event.GetEventTime().AsTime().Before(e[seq][i].Event.GetEventTime().AsTime()):
		e[seq][i] = entry
	}
}

// alike says that two entries say the same: a saga that a restore did not stop confirms its order once more, and only the time
// is another.
func alike(a, b journal.Entry) bool {
	if proto.Equal(a.Event, b.Event) {
		return true
	}
	x, y := proto.Clone(a.Event).ProtoReflect(), proto.Clone(b.Event).ProtoReflect()
	if x.Descriptor() != y.Descriptor() {
		return false
	}
	if at := x.Descriptor().Fields().ByName("event_time"); at != nil {
		x.Clear(at)
		y.Clear(at)
	}
	return proto.Equal(x.Interface(), y.Interface())
}

// gathering keeps of what is archived what journals do not have.
type gathering struct {
	mu     sync.Mutex
	read   int
	batch  map[string]events // not compared yet
	behind map[string]events // compared, and not in the order's journal
}

// batchSize is how many orders are compared at once.
const batchSize = 250

// source is that of orders' events.
const source = "//orderflow.dev/orders"

// Add takes an archived message, if it is an order's event. It may be called concurrently.
func (c *CatchingUp) Add(ctx context.Context, r archive.Record) error {
	e, err := event.Decode(r.Message())
	if err != nil || e.Source != source {
		return nil // nobody took it for an order's event, either
	}
	what, ok := e.Data.(journal.Event)
	if !ok || what.GetOrderId() != e.Subject || what.GetSeq() != e.Seq {
		return nil
	}
	c.mu.Lock()
	c.read++
	keep(&c.batch, e.Subject, journal.Entry{Event: what, Resume: e.Resume, Traceparent: e.Traceparent, RequestID: e.RequestID})
	c.mu.Unlock()
	return c.compare(ctx, c.take(batchSize))
}

func keep(all *map[string]events, id string, e journal.Entry) {
	if *all == nil {
		*all = map[string]events{}
	}
	if (*all)[id] == nil {
		(*all)[id] = events{}
	}
	(*all)[id].add(e)
}

// take takes the batch, once it has so many orders.
func (c *CatchingUp) take(least int) map[string]events {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.batch) < least {
		return nil
	}
	batch := c.batch
	c.batch = nil
	return batch
}

// compare keeps what the orders' journals do not have. An order that cannot be read is left to the repair, which tells of it.
func (c *CatchingUp) compare(ctx context.Context, batch map[string]events) error {
	ids := make([]string, 0, len(batch))
	for id := range batch {
		ids = append(ids, id)
	}
	there, unread, err := c.Orders.Look(ctx, ids)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, archived := range batch {
		if unread[id] != nil {
			continue
		}
		var known []journal.Entry
		if o := there[id]; o != nil {
			known = o.Journal.Entries
		}
		for seq, entries := range archived {
			for _, e := range entries {
				if seq > int64(len(known)) || !alike(known[seq-1], e) {
					keep(&c.behind, id, e)
				}
			}
		}
	}
	return nil
}
