package repair_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/promise"
	"orderflow.dev/internal/repair"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
	"orderflow.dev/local/psp"
	"orderflow.dev/local/stack"
)

func init() { telemetry.SetOutput(io.Discard) }

const (
	id     = "o1"
	expiry = 30 * time.Minute
)

var (
	moment = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	lines  = map[string]int32{"jar": 1, "mug": 2}
)

// world is every database after a restore, the provider, and the ordinary parts over them.
type world struct {
	t         testing.TB
	now       time.Time
	orders    *memory.Database
	payments  *memory.Database
	inventory *memory.Database
	bank      bank
	total     *typev1.Money
}

func newWorld(t testing.TB, total int64) *world {
	w := &world{
		t: t, now: moment.Add(time.Minute), orders: &memory.Database{}, payments: &memory.Database{}, inventory: &memory.Database{},
		total: &typev1.Money{CurrencyCode: "GBP", MinorUnits: total},
	}
	w.bank = bank{psp.NewLedger(psp.LedgerOptions{Now: w.clock})}
	return w
}

func (w *world) clock() time.Time { return w.now }

// Publish implements store.Publisher: nobody listens.
func (w *world) Publish(context.Context, ...event.Event) error { return nil }

func (w *world) paying() payment.Paying {
	return payment.Paying{Payments: store.NewPayments(w.payments, w, w.clock), Provider: w.bank, Now: w.clock}
}

func (w *world) kept() *store.Orders { return store.NewOrders(w.orders, w, w.clock) }

func (w *world) reserving() *inventory.Reserving {
	return inventory.NewReserving(store.NewInventory(w.inventory), 0)
}

// repairing is wired as the command wires it, without the network between.
func (w *world) repairing() repair.Repairing {
	return repair.Repairing{
		Payments: parts{w}, Inventory: parts{w}, Mending: inventory.Mending{Store: store.NewInventory(w.inventory)},
		Fulfilling: order.Fulfilling{Orders: w.kept(), Saga: saga{w}, Now: w.clock},
	}
}

type parts struct{ *world }

func (p parts) Adopt(ctx context.Context, c payment.Claim) error {
	_, err := p.paying().Adopt(ctx, c)
	return err
}

func (p parts) Refund(ctx context.Context, orderID string) error {
	_, err := p.paying().Refund(ctx, orderID)
	return err
}

func (p parts) Release(ctx context.Context, orderID string) error {
	_, err := p.reserving().Release(ctx, orderID)
	return err
}

// gather is what promises are checked on.
func (w *world) gather() promise.World {
	w.t.Helper()
	all, err := stack.Stores{Orders: w.orders, Payments: w.payments, Inventory: w.inventory, Platform: &memory.Database{}}.World(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range w.bank.Movements() {
		all.Ledger = append(all.Ledger, promise.Movement{Type: m.Type, OrderID: m.IdempotencyKey, Amount: m.Amount, Currency: m.Currency})
	}
	return all
}

// repair plans and acts once.
func (w *world) repair() (outcomes []repair.Outcome) {
	for _, f := range repair.Plan(w.gather()) {
		outcomes = append(outcomes, w.repairing().Do(w.t.Context(), f))
	}
	return outcomes
}

// settle lets the ordinary machinery work until the order has expired: sagas, sweeps of orders, sweeps of journals.
func (w *world) settle() {
	w.t.Helper()
	cancellation := order.Cancellation{Orders: w.kept(), Now: w.clock, Patience: time.Minute}
	for _, now := range []time.Time{w.now, moment.Add(expiry + time.Minute), moment.Add(expiry + 5*time.Minute)} {
		w.now = now
		// What a saga could not end is no error here: promises are checked on what it left.
		_, _ = order.Sweeping{Cancellation: cancellation, Saga: saga{w}}.Sweep(w.t.Context())
	}
	for name, db := range map[string]*memory.Database{"orders": w.orders, "payments": w.payments} {
		if _, err := store.Sweep(w.t.Context(), db, w, name, w.now, 0); err != nil {
			w.t.Fatal(err)
		}
	}
}

// violations are what is broken once nothing is on its way.
func (w *world) violations() (all []string) {
	for _, v := range promise.Check(w.gather(), w.now, true) {
		for _, b := range v.Violations {
			all = append(all, v.Promise+": "+b.Why)
		}
	}
	return all
}

// saga is fulfil-order, in as few lines: the shipped one is held to the same by the drill.
type saga struct{ *world }

func (s saga) Start(ctx context.Context, f order.Fulfilment) error {
	if f.CancelReason != "" {
		return s.compensate(ctx, f, order.Reason(f.CancelReason))
	}
	err := s.fulfil(ctx, f)
	switch r := order.Reason(fault.Reason(err)); r {
	case order.OutOfStock, order.Declined, order.ByCustomer, order.Expired:
		return s.compensate(ctx, f, r)
	}
	return err
}

func (s saga) fulfil(ctx context.Context, f order.Fulfilment) error {
	reserved, err := s.reserving().Reserve(ctx, f.OrderID, f.Quantities)
	if err != nil {
		return err
	}
	charged, err := s.paying().Charge(ctx, f.OrderID, s.total, f.PaymentMethod)
	if err != nil {
		return err
	}
	_, err = order.Confirming{Orders: s.kept(), Now: s.clock, Patience: time.Minute}.Confirm(ctx, f.OrderID,
		order.Evidence{Seq: f.Seq, Reservation: reserved.State, Payment: charged.State})
	return err
}

func (s saga) compensate(ctx context.Context, f order.Fulfilment, reason order.Reason) error {
	cancellation := order.Cancellation{Orders: s.kept(), Now: s.clock, Patience: time.Minute}
	o, err := cancellation.Cancel(ctx, f.OrderID, reason, f.Seq, true)
	if err != nil {
		return err
	}
	if status, _ := o.Status(); status == order.Confirmed {
		return nil
	}
	refunded, err := s.paying().Refund(ctx, f.OrderID)
	if err != nil {
		return err
	}
	released, err := s.reserving().Release(ctx, f.OrderID)
	if err != nil {
		return err
	}
	_, err = cancellation.Close(ctx, f.OrderID, order.Evidence{Seq: f.Seq, Reservation: released.State, Payment: refunded.State})
	return err
}

// bank is the local stack's provider as payment.Provider.
type bank struct{ *psp.Ledger }

func known(c psp.Charge, err error) (payment.Charge, error) {
	switch {
	case errors.Is(err, psp.ErrNotFound):
		return payment.Charge{}, payment.ErrUnknownCharge
	case err != nil:
		return payment.Charge{}, fault.Wrap(err, codes.InvalidArgument, "provider_refused", "the provider")
	}
	out := payment.Charge{ID: c.ID, Status: payment.ChargeStatus(c.Status), Refunded: c.Refunded}
	if c.Currency != "" {
		out.Amount = &typev1.Money{CurrencyCode: c.Currency, MinorUnits: c.Amount}
	}
	return out, nil
}

func (b bank) Charge(_ context.Context, key string, amount *typev1.Money, method string) (payment.Charge, error) {
	return known(b.Ledger.Charge(psp.ChargeRequest{IdempotencyKey: key, Amount: amount.GetMinorUnits(), Currency: amount.GetCurrencyCode(), PaymentMethod: method}))
}

func (b bank) Find(_ context.Context, key string) (payment.Charge, error) { return known(b.Get(key)) }

func (b bank) Void(_ context.Context, key string) (payment.Charge, error) {
	return known(b.Ledger.Void(key))
}

func (b bank) Refund(_ context.Context, key string, amount *typev1.Money) error {
	_, err := known(b.Ledger.Refund(key, amount.GetMinorUnits()))
	return err
}

func (b bank) RefundAmount(_ context.Context, key, refundKey string, amount *typev1.Money) error {
	_, err := known(b.Ledger.RefundAmount(key, refundKey, amount.GetMinorUnits(), amount.GetCurrencyCode()))
	return err
}

func at(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(moment.Add(d)) }

func journalOf(events ...journal.Event) (j journal.Journal) {
	for _, e := range events {
		j.Append(e, false)
	}
	return j
}

// placed is the order's first event.
func (w *world) placed(method string) *eventv1.OrderCreated {
	e := &eventv1.OrderCreated{
		OrderId: id, Seq: 1, EventTime: at(0), CustomerId: "c1", Total: w.total, PaymentMethod: method, ExpireTime: at(expiry),
	}
	for _, sku := range []string{"jar", "mug"} {
		e.Lines = append(e.Lines, &typev1.OrderLine{Sku: sku, Quantity: lines[sku], UnitPrice: &typev1.Money{CurrencyCode: "GBP"}})
	}
	return e
}
