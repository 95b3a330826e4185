package simulation

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/promise"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

// databases are one database per bounded context, by name.
type databases map[string]*memory.Database

func newDatabases() databases {
	d := databases{}
	for _, name := range []string{"orders", "payments", "inventory", "notifications", "platform"} {
		d[name] = &memory.Database{}
	}
	return d
}

// database is a database as a process reaches it.
type database struct {
	*memory.Database
	sim  *sim
	name string
}

func (s *sim) database(name string) *database {
	return &database{s.databases[name], s, name}
}

func (d *database) Get(ctx context.Context, paths ...string) (out []store.Document, err error) {
	return d.read(ctx, "get "+path.Dir(paths[0]), paths[0], func() ([]store.Document, error) { return d.Database.Get(ctx, paths...) })
}

func (d *database) Query(ctx context.Context, q store.Query) (out []store.Document, err error) {
	return d.read(ctx, "query "+q.Collection, fmt.Sprint(q.Where), func() ([]store.Document, error) { return d.Database.Query(ctx, q) })
}

func (d *database) read(ctx context.Context, what, about string, read func() ([]store.Document, error)) ([]store.Document, error) {
	o := taskOf(ctx).at(what, about)
	o.pause("there")
	if o.fires(readFails) {
		return nil, memory.ErrUnavailable
	}
	out, err := read()
	o.pause("back")
	return out, err
}

// Commit applies writes, or does not, and says so, or something else.
func (d *database) Commit(ctx context.Context, writes ...store.Write) (time.Time, error) {
	t := taskOf(ctx)
	gained := d.sim.gains(writes)
	o := t.at(label(d.name, writes, gained), writes[0].Path)
	o.pause("there")
	switch {
	case o.fires(commitFails):
		return time.Time{}, memory.ErrUnavailable
	case o.fires(commitAborted):
		return time.Time{}, store.ErrAborted
	}
	o.point("before")
	at, err := d.Database.Commit(ctx, writes...)
	if err != nil {
		t.note(orderOf(writes), o.what+": "+err.Error())
		o.pause("back")
		return at, err
	}
	t.note(orderOf(writes), o.what)
	d.sim.observe(t, writes, gained)
	o.point("after")
	o.pause("back")
	switch {
	case ctx.Err() != nil:
		return time.Time{}, fault.Wrap(ctx.Err(), fault.Code(ctx.Err()), "", "commit")
	case o.fires(commitUnanswered):
		return time.Time{}, memory.ErrDeadline
	case o.fires(commitRepeated):
		return time.Time{}, store.ErrConflict
	}
	return at, nil
}

// gains are the events that a commit would add to its journal.
func (s *sim) gains(writes []store.Write) []journal.Entry {
	stored, ok := writes[0].Fields["journal"].([]byte)
	if !ok {
		return nil
	}
	j, err := journal.Unmarshal(stored, 0)
	if err != nil {
		panic(err) // a repository wrote it a moment ago
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return j.Entries[min(s.known[writes[0].Path], len(j.Entries)):]
}

// label names a commit by its database and what it does there.
func label(database string, writes []store.Write, gained []journal.Entry) string {
	_, journaled := writes[0].Fields["journal"]
	_, marks := writes[0].Fields["published"]
	switch {
	case len(gained) > 0:
		return "commit " + database + " " + nameOf(gained[len(gained)-1].Event)
	case marks && !journaled:
		return "commit " + database + " mark"
	case writes[0].As.IsZero():
		return "commit " + database + " new"
	}
	return "commit " + database + " change"
}

func nameOf(e proto.Message) string { return string(e.ProtoReflect().Descriptor().Name()) }

// orderOf is the order that a commit is about; empty if it is about several or none.
func orderOf(writes []store.Write) string {
	collection, id := path.Split(writes[0].Path)
	switch collection {
	case "orders/", "payments/":
		return id
	case "reservations/":
		return decoded(id)
	case "notifications/":
		id, _, _ = strings.Cut(id, ".")
		return id
	}
	return ""
}

func decoded(id string) string {
	b, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil {
		panic(err) // the repository made it
	}
	return string(b)
}

// observe records what a commit made true.
func (s *sim) observe(t *task, writes []store.Write, gained []journal.Entry) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range gained {
		collection := path.Dir(writes[0].Path)
		s.known[writes[0].Path] = int(e.Event.GetSeq())
		s.history.Committed = append(s.history.Committed, promise.Happened{
			EventID: collection + "/" + e.Event.GetOrderId() + "/" + itoa(e.Event.GetSeq()), Content: content(e.Event), At: now,
		})
	}
	s.observeHolds(writes, now)
	for _, w := range writes {
		s.observeWrite(t, w, now)
	}
}

// observeHolds records the least that can have been free between the requests of one commit: all that it holds is taken,
// and nothing that it releases is back.
func (s *sim) observeHolds(writes []store.Write, now time.Time) {
	for _, w := range writes {
		if path.Dir(w.Path) != "reservations" || inventory.State(w.Fields["state"].(int64)) != inventory.Held {
			continue
		}
		for sku, n := range quantities(w) {
			s.free[sku] -= int64(n)
			s.history.Levels = append(s.history.Levels, promise.Level{SKU: sku, Available: s.free[sku], At: now})
		}
	}
}

func quantities(w store.Write) (q map[string]int32) {
	if err := json.Unmarshal(w.Fields["quantities"].([]byte), &q); err != nil {
		panic(err) // the repository made it
	}
	return q
}

func (s *sim) observeWrite(t *task, w store.Write, now time.Time) {
	switch collection, id := path.Split(w.Path); collection {
	case "stock/":
		sku, available := w.Fields["sku"].(string), w.Fields["available"].(int64)
		s.free[sku] = available
		s.history.Levels = append(s.history.Levels, promise.Level{SKU: sku, Available: available, At: now})
	case "reservations/":
		s.observeReservation(t, decoded(id), w, now)
	case "payments/":
		if state, ok := w.Fields["state"].(int64); ok && payment.State(state) == payment.Refunded {
			s.history.Undone = append(s.history.Undone, promise.Undone{OrderID: id, Step: "refund", At: now})
		}
	case "notifications/":
		lease, _ := w.Fields["lease_until"].(time.Time)
		// Whoever takes over after the lease ran out may send what was sent and not recorded; who gave it back had not sent it.
		before, claimed := s.leases[id], w.Fields["sent"] == false && !lease.IsZero()
		if claimed && !before.IsZero() && !now.Before(before.Add(-2*maxSkew)) {
			s.history.Excused[id]++
		}
		s.leases[id] = lease
	}
}

func (s *sim) observeReservation(t *task, order string, w store.Write, now time.Time) {
	state := inventory.State(w.Fields["state"].(int64))
	if s.held[order] && state == inventory.Released {
		s.history.Undone = append(s.history.Undone, promise.Undone{OrderID: order, Step: "release", At: now})
	}
	s.held[order] = state == inventory.Held
	if state != inventory.Refused {
		return
	}
	short := w.Fields["short"].(string)
	s.history.Refusals = append(s.history.Refusals, promise.Refusal{
		OrderID: order, SKU: short, Wanted: int64(quantities(w)[short]), Asked: t.process.asking.since(order), Decided: now,
	})
}

// content is an event as text that differs for different events.
func content(e proto.Message) string {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(e)
	if err != nil {
		panic(err)
	}
	return string(b)
}
