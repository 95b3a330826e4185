package order_test

import (
	"context"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/testing/protocmp"

	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

func init() { telemetry.SetOutput(io.Discard) }

const (
	held     = typev1.ReservationState_RESERVATION_STATE_HELD
	refused  = typev1.ReservationState_RESERVATION_STATE_REFUSED
	released = typev1.ReservationState_RESERVATION_STATE_RELEASED
	charging = typev1.PaymentState_PAYMENT_STATE_CHARGING
	pending  = typev1.PaymentState_PAYMENT_STATE_PENDING
	charged  = typev1.PaymentState_PAYMENT_STATE_CHARGED
	declined = typev1.PaymentState_PAYMENT_STATE_DECLINED
	refunded = typev1.PaymentState_PAYMENT_STATE_REFUNDED
	voided   = typev1.PaymentState_PAYMENT_STATE_VOIDED
	patience = 2 * time.Minute
	expiry   = 30 * time.Minute
	customer = "customer"
)

var moment = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is the order room over a store in memory, with a clock, a catalogue and a saga that tests hold.
type world struct {
	t         testing.TB
	db        *memory.Database
	orders    *store.Orders
	catalogue *catalogue
	saga      *saga

	mu     sync.Mutex
	now    time.Time
	events []event.Event
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, db: &memory.Database{}, now: moment, saga: &saga{}, catalogue: &catalogue{quotes: map[string]order.Quote{
		"TEA": {Name: "Tea", UnitPrice: gbp(250)}, "CUP": {Name: "Cup", UnitPrice: gbp(1000)}, "SPOON": {Name: "Spoon", UnitPrice: &typev1.Money{CurrencyCode: "EUR", MinorUnits: 1}},
	}}}
	w.orders = store.NewOrders(w.db, w, time.Now)
	return w
}

// Publish implements store.Publisher.
func (w *world) Publish(_ context.Context, events ...event.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, events...)
	return nil
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) placing() order.Placing {
	return order.Placing{Orders: w.orders, Catalogue: w.catalogue, Now: w.clock, Expiry: expiry, Patience: patience}
}

func (w *world) confirming() order.Confirming {
	return order.Confirming{Orders: w.orders, Now: w.clock, Patience: patience}
}

func (w *world) cancellation() order.Cancellation {
	return order.Cancellation{Orders: w.orders, Now: w.clock, Patience: patience}
}

func (w *world) sweeping() order.Sweeping {
	return order.Sweeping{Cancellation: w.cancellation(), Saga: w.saga}
}

func (w *world) fulfilling() order.Fulfilling {
	return order.Fulfilling{Orders: w.orders, Saga: w.saga, Now: w.clock}
}

// place makes an order with a key.
func (w *world) place(key string) *order.Order {
	w.t.Helper()
	o, replayed, err := w.placing().Place(w.t.Context(), request(key))
	if err != nil || replayed {
		w.t.Fatalf("place order %s: replayed %v, %v", key, replayed, err)
	}
	return o
}

// in makes an order in a status.
func (w *world) in(status order.Status) *order.Order {
	w.t.Helper()
	o, ctx := w.place("key"), w.t.Context()
	var err error
	switch status {
	case order.Confirmed:
		o, err = w.confirming().Confirm(ctx, o.ID, order.Evidence{Seq: 1, Reservation: held, Payment: charged})
	case order.Cancelling, order.Cancelled:
		o, err = w.cancellation().Cancel(ctx, o.ID, order.Declined, 1, true)
	}
	if err == nil && status == order.Cancelled {
		o, err = w.cancellation().Close(ctx, o.ID, order.Evidence{Reservation: released, Payment: declined})
	}
	if got, _ := o.Status(); err != nil || got != status {
		w.t.Fatalf("make an order %s: it is %s, %v", status, got, err)
	}
	return o
}

func (w *world) get(id string) *order.Order {
	w.t.Helper()
	o, err := w.orders.Get(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return o
}

func (w *world) sweep() order.Swept {
	w.t.Helper()
	done, err := w.sweeping().Sweep(w.t.Context())
	if err != nil {
		w.t.Fatalf("sweep: %v", err)
	}
	return done
}

func request(key string) order.Request {
	return order.Request{CustomerID: customer, IdempotencyKey: key, Lines: []order.Line{{SKU: "TEA", Quantity: 2}}, PaymentMethod: "pm_approve"}
}

// catalogue is an order.Catalogue.
type catalogue struct {
	quotes map[string]order.Quote
	err    error
}

func (c *catalogue) Quote(_ context.Context, skus []string) (map[string]order.Quote, error) {
	found := map[string]order.Quote{}
	for _, sku := range skus {
		if q, ok := c.quotes[sku]; ok {
			found[sku] = q
		}
	}
	return found, c.err
}

// saga is an order.Saga that records what it starts.
type saga struct {
	answer func(order.Fulfilment) error // nil: it starts

	mu      sync.Mutex
	started []order.Fulfilment
}

func (s *saga) Start(_ context.Context, f order.Fulfilment) error {
	if s.answer != nil {
		if err := s.answer(f); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started = append(s.started, f)
	return nil
}

func (s *saga) ids() []string {
	var ids []string
	for _, f := range s.started {
		ids = append(ids, f.OrderID)
	}
	s.started = nil
	slices.Sort(ids)
	return ids
}

func gbp(n int64) *typev1.Money { return &typev1.Money{CurrencyCode: "GBP", MinorUnits: n} }

func same[T any](t testing.TB, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got, protocmp.Transform(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// fieldNames are the bad fields an error names.
func fieldNames(err error) []string {
	var names []string
	for _, f := range fault.Of(err).Fields {
		names = append(names, f.Name)
	}
	return names
}
