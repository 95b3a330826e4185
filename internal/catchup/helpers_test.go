package catchup_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/archive"
	"orderflow.dev/internal/catchup"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

func init() { telemetry.SetOutput(io.Discard) }

var moment = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return moment.Add(time.Hour) }

func gbp(n int64) *typev1.Money { return &typev1.Money{CurrencyCode: "GBP", MinorUnits: n} }

// happen makes the event of a letter, at a place in an order's journal. In another past it is of another time, and it may say
// something else: see unlike.
func happen(id, letter string, seq int64, past string) journal.Entry {
	at, expire, reason := timestamppb.New(moment.Add(time.Duration(seq)*time.Second)), timestamppb.New(moment.Add(30*time.Minute)), "cancelled"
	if past != "" {
		at, expire, reason = timestamppb.New(moment.Add(time.Duration(seq)*time.Minute)), timestamppb.New(moment.Add(time.Hour)), "declined"
	}
	e := journal.Entry{Traceparent: "trace " + past, RequestID: "request " + past, Resume: letter == "S"}
	switch letter {
	case "P":
		e.Event = &eventv1.OrderCreated{
			OrderId: id, Seq: seq, EventTime: at, CustomerId: "c1", Total: gbp(10), PaymentMethod: "pm_approve",
			ExpireTime: expire, Lines: []*typev1.OrderLine{{Sku: "TEA", Quantity: 2, UnitPrice: gbp(5)}},
		}
	case "C":
		e.Event = &eventv1.OrderConfirmed{OrderId: id, Seq: seq, EventTime: at, CustomerId: "c1", Total: gbp(10)}
	case "S":
		e.Event = &eventv1.OrderCancellationStarted{OrderId: id, Seq: seq, EventTime: at, Reason: reason}
	case "X":
		e.Event = &eventv1.OrderCancelled{OrderId: id, Seq: seq, EventTime: at, CustomerId: "c1", Total: gbp(10), Reason: reason}
	case "T":
		e.Event = &eventv1.OrderRetried{OrderId: id, Seq: seq, EventTime: at, ActId: "a"}
	case "R":
		e.Event = &eventv1.OrderRefundRequested{OrderId: id, Seq: seq, EventTime: at, RefundId: "r", Amount: gbp(1)}
	case "D":
		e.Event = &eventv1.OrderRefunded{OrderId: id, Seq: seq, EventTime: at, RefundId: "r", Amount: gbp(1)}
	}
	return e
}

// unlike are the letters of events that say something else in another past.
const unlike = "PSX"

// happened are the events of letters, behind those of an order's journal.
func happened(id, letters, past string, before ...journal.Entry) (all []journal.Entry) {
	for _, letter := range letters {
		all = append(all, happen(id, string(letter), int64(len(before)+len(all)+1), past))
	}
	return all
}

// record is an entry as it was archived.
func record(t testing.TB, aggregate string, e journal.Entry) archive.Record {
	t.Helper()
	published := event.FromJournal(aggregate, e)
	data, err := proto.Marshal(published.Data)
	if err != nil {
		t.Fatal(err)
	}
	return archive.Record{MessageID: published.ID, PublishTime: published.Time, Attributes: published.Attributes(), Data: data}
}

// publisher counts what is published.
type publisher struct{ n int }

func (p *publisher) Publish(_ context.Context, events ...event.Event) error {
	p.n += len(events)
	return nil
}

// orders are orders in memory, with the journals given.
func orders(t testing.TB, journals map[string][]journal.Entry) (*store.Orders, *memory.Database, *publisher) {
	t.Helper()
	db, p := &memory.Database{}, &publisher{}
	s := store.NewOrders(db, p, clock)
	for id, entries := range journals {
		o := &order.Order{ID: id, Fingerprint: []byte{1}, Note: "ring twice", NextAttempt: moment.Add(2 * time.Minute)}
		o.Journal.Entries = append(o.Journal.Entries, entries...)
		if o.Final() {
			o.NextAttempt = time.Time{}
		}
		if err := s.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	p.n = 0
	return s, db, p
}

// catchUp catches orders up with records.
func catchUp(t testing.TB, s catchup.Orders, dryRun bool, records ...archive.Record) map[string]catchup.Outcome {
	t.Helper()
	c := &catchup.CatchingUp{Orders: s, Now: clock, DryRun: dryRun}
	for _, r := range records {
		if err := c.Add(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	outcomes, err := c.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]catchup.Outcome{}
	for _, o := range outcomes {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		by[o.OrderID] = o
	}
	return by
}

// entriesOf is an order's journal as it is stored; nil if it is not there.
func entriesOf(t testing.TB, db store.Database, id string) (entries []journal.Entry, published int64) {
	t.Helper()
	j, err := store.JournalOf(t.Context(), db, "orders", id)
	if err != nil {
		t.Fatal(err)
	}
	return j.Entries, j.Published
}

func same[T any](t interface {
	Helper()
	Errorf(string, ...any)
}, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got, protocmp.Transform(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
