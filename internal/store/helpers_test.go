package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

func init() { telemetry.SetOutput(io.Discard) }

// moment has nanoseconds, which a database does not keep.
var moment = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

func clock() time.Time { return moment }

var errLost = errors.New("publish lost")

// publisher takes events. As with Pub/Sub, one event's failure does not keep the others of a call back.
type publisher struct {
	fail func(event.Event) bool

	mu  sync.Mutex
	got []event.Event
}

func (p *publisher) Publish(_ context.Context, events ...event.Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var failed error
	for _, e := range events {
		if p.fail != nil && p.fail(e) {
			failed = errors.Join(failed, errLost)
			continue
		}
		p.got = append(p.got, e)
	}
	return failed
}

// ids are the ids of what was published since the last call.
func (p *publisher) ids() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, e := range p.got {
		out = append(out, e.ID)
	}
	p.got = nil
	return out
}

func always(event.Event) bool { return true }

func placed(id string, at time.Time) *order.Order {
	o := &order.Order{ID: id, Fingerprint: []byte{1, 2}, NextAttempt: at.Add(2 * time.Minute)}
	o.Journal.Append(&eventv1.OrderCreated{
		OrderId: id, Seq: 1, EventTime: timestamppb.New(at), CustomerId: "customer", PaymentMethod: "pm_approve",
		Lines: []*typev1.OrderLine{{Sku: "TEA", Name: "Tea", Quantity: 2, UnitPrice: gbp(5)}},
		Total: gbp(10), ExpireTime: timestamppb.New(at.Add(30 * time.Minute)),
	}, false)
	return o
}

func gbp(n int64) *typev1.Money { return &typev1.Money{CurrencyCode: "GBP", MinorUnits: n} }

// confirm and cancel append to an order as the domain does.
func confirm(o *order.Order) error {
	o.Journal.Append(&eventv1.OrderConfirmed{OrderId: o.ID, Seq: o.Journal.Next(), EventTime: timestamppb.New(moment)}, false)
	o.NextAttempt = time.Time{}
	return nil
}

func cancel(o *order.Order) error {
	o.Journal.Append(&eventv1.OrderCancellationStarted{OrderId: o.ID, Seq: o.Journal.Next(), EventTime: timestamppb.New(moment), Reason: "expired"}, true)
	return nil
}

// orders are orders in memory, whose clock stands.
func orders() (*store.Orders, *memory.Database, *publisher) {
	db, p := &memory.Database{}, &publisher{}
	return store.NewOrders(db, p, clock), db, p
}

func create(t *testing.T, s *store.Orders, o *order.Order) {
	t.Helper()
	if err := s.Create(t.Context(), o); err != nil {
		t.Fatalf("create order %s: %v", o.ID, err)
	}
}

func update(t *testing.T, s *store.Orders, id string, change func(*order.Order) error) *order.Order {
	t.Helper()
	o, err := s.Update(t.Context(), id, change)
	if err != nil {
		t.Fatalf("update order %s: %v", id, err)
	}
	return o
}

// sweep sweeps a minute after moment, and says how many journals it found.
func sweep(t *testing.T, db store.Database, p store.Publisher, collection string) int {
	t.Helper()
	swept, err := store.Sweep(t.Context(), db, p, collection, moment.Add(time.Minute), time.Minute)
	if err != nil {
		t.Fatalf("sweep: %v", err)
	}
	return swept.Found
}

// sweepInVain is a sweep that must say that it could not publish.
func sweepInVain(t *testing.T, db store.Database, p store.Publisher, collection string) {
	t.Helper()
	if _, err := store.Sweep(t.Context(), db, p, collection, moment.Add(time.Minute), time.Minute); err == nil {
		t.Fatal("the sweep could not publish, and did not say so")
	}
}

func journalOf(t *testing.T, db store.Database, collection, id string) journal.Journal {
	t.Helper()
	j, err := store.JournalOf(t.Context(), db, collection, id)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// wantMark checks the mark and that the sweep will find the journal exactly while something may be unpublished.
func wantMark(t *testing.T, db *memory.Database, path string, mark int64, findable bool) {
	t.Helper()
	documents, err := db.Get(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	f := documents[0].Fields
	_, shard := f["unpublished_shard"]
	_, at := f["unpublished_time"]
	if f["published"] != mark || shard != findable || at != findable {
		t.Errorf("%s: published %v, shard %v, time %v, want mark %d and findable %v", path, f["published"], f["unpublished_shard"], f["unpublished_time"], mark, findable)
	}
}

func same[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got, protocmp.Transform(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// isMark says that a commit writes nothing but the mark.
func isMark(writes []store.Write) bool {
	return len(writes) == 1 && writes[0].Fields["published"] != nil && writes[0].Fields["journal"] == nil
}

// corrupt makes a document that its reader cannot read.
func corrupt(t *testing.T, db *memory.Database, path string, fields store.Fields) {
	t.Helper()
	fields["journal"] = []byte("no journal")
	if _, err := db.Commit(t.Context(), store.Write{Path: path, Fields: fields}); err != nil {
		t.Fatal(err)
	}
}

func idOf(n int) string { return fmt.Sprintf("o%03d", n) }

func sorted(ids []string) []string { return slices.Sorted(slices.Values(ids)) }
