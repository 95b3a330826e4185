package promise_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/promise"
)

const (
	customer = "customer-1"
	method   = "pm_approve"
	expiry   = 30 * time.Minute
)

var (
	moment = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)
	later  = moment.Add(time.Hour)
	total  = &typev1.Money{CurrencyCode: "GBP", MinorUnits: 2500}
	free   = &typev1.Money{CurrencyCode: "GBP"}
)

// builder makes a world of orders by how each ended, keyed by the ending's name, which is its idempotency key too.
type builder struct {
	t *testing.T
	w promise.World
}

func idOf(key string) string {
	return (&order.Request{CustomerID: customer, IdempotencyKey: key}).OrderID()
}

func at(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(moment.Add(d)) }

func published(events ...journal.Event) (j journal.Journal) {
	for _, e := range events {
		j.Append(e, false)
	}
	j.Published = int64(len(events))
	return j
}

func created(id string, total *typev1.Money) *eventv1.OrderCreated {
	return &eventv1.OrderCreated{
		OrderId: id, Seq: 1, EventTime: at(0), CustomerId: customer, Total: total, PaymentMethod: method, ExpireTime: at(expiry),
		Lines: []*typev1.OrderLine{
			{Sku: "mug", Quantity: 2, UnitPrice: &typev1.Money{CurrencyCode: "GBP", MinorUnits: total.GetMinorUnits() * 2 / 5}},
			{Sku: "jar", Quantity: 1, UnitPrice: &typev1.Money{CurrencyCode: "GBP", MinorUnits: total.GetMinorUnits() / 5}},
		},
	}
}

func quantities() map[string]int32 { return map[string]int32{"mug": 2, "jar": 1} }

func (b *builder) order(id string, status order.Status, events ...journal.Event) {
	o := promise.Order{ID: id, Journal: published(events...)}
	o.Fields = promise.OrderFields{Status: string(status), CustomerID: customer, CreateTime: moment.Truncate(time.Microsecond)}
	if status == order.Placed || status == order.Cancelling {
		o.Fields.InSweep, o.Fields.NextAttempt = true, later
	}
	b.w.Orders = append(b.w.Orders, o)
}

func (b *builder) confirmed(key string, total *typev1.Money) {
	id := idOf(key)
	b.order(id, order.Confirmed, created(id, total),
		&eventv1.OrderConfirmed{OrderId: id, Seq: 2, EventTime: at(time.Second), CustomerId: customer, Total: total})
}

func (b *builder) cancelling(key, reason string, after time.Duration) {
	id := idOf(key)
	b.order(id, order.Cancelling, created(id, total),
		&eventv1.OrderCancellationStarted{OrderId: id, Seq: 2, EventTime: at(after), Reason: reason})
}

func (b *builder) cancelled(key, reason string, after time.Duration) {
	id := idOf(key)
	b.order(id, order.Cancelled, created(id, total),
		&eventv1.OrderCancellationStarted{OrderId: id, Seq: 2, EventTime: at(after), Reason: reason},
		&eventv1.OrderCancelled{OrderId: id, Seq: 3, EventTime: at(after + time.Second), CustomerId: customer, Total: total, Reason: reason})
}

func (b *builder) payment(key string, state payment.State, amount *typev1.Money, events ...journal.Event) {
	p := promise.Payment{Payment: payment.Payment{OrderID: idOf(key), State: state, Amount: amount, Journal: published(events...)}}
	if amount != nil {
		p.Method = method
	}
	if amount.GetMinorUnits() > 0 {
		p.ChargeID = "ch-" + key
	}
	b.w.Payments = append(b.w.Payments, p)
}

func (b *builder) processed(key string, amount *typev1.Money) journal.Event {
	e := &eventv1.PaymentProcessed{OrderId: idOf(key), Seq: 1, EventTime: at(time.Second), Amount: amount}
	if amount.GetMinorUnits() > 0 {
		e.ProviderChargeId = "ch-" + key
		b.moved(key, "charge")
	}
	return e
}

func (b *builder) refunded(key string) journal.Event {
	b.moved(key, "refund")
	return &eventv1.PaymentRefunded{OrderId: idOf(key), Seq: 2, EventTime: at(time.Minute), Amount: total}
}

func failed(key, reason string) journal.Event {
	return &eventv1.PaymentFailed{OrderId: idOf(key), Seq: 1, EventTime: at(time.Second), Amount: total, Reason: reason}
}

func (b *builder) moved(key, kind string) {
	b.w.Ledger = append(b.w.Ledger, promise.Movement{Type: kind, OrderID: idOf(key), Amount: total.MinorUnits, Currency: "GBP"})
}

// refundedInParts is a confirmed order of which an operator gave parts back.
func (b *builder) refundedInParts(key string, parts ...int64) {
	id := idOf(key)
	b.confirmed(key, total)
	b.payment(key, payment.Charged, total, b.processed(key, total))
	b.reservation(key, inventory.Held, quantities())
	o, p := orderAt(&b.w, key), paymentAt(&b.w, key)
	for i, n := range parts {
		amount, refund, when := &typev1.Money{CurrencyCode: "GBP", MinorUnits: n}, fmt.Sprint("r", i), at(time.Duration(i+1)*time.Second)
		o.Journal.Append(&eventv1.OrderRefundRequested{
			OrderId: id, Seq: o.Journal.Next(), EventTime: when, CustomerId: customer, RefundId: refund, Amount: amount, By: "op", Note: "why",
		}, false)
		p.Journal.Append(&eventv1.PaymentRefunded{OrderId: id, Seq: p.Journal.Next(), EventTime: when, Amount: amount, RefundId: refund}, false)
		o.Journal.Append(&eventv1.OrderRefunded{OrderId: id, Seq: o.Journal.Next(), EventTime: when, CustomerId: customer, RefundId: refund, Amount: amount}, false)
		b.w.Ledger = append(b.w.Ledger, promise.Movement{Type: "refund", OrderID: id, RefundKey: id + "/" + refund, Amount: n, Currency: "GBP"})
	}
	o.Journal.Published, p.Journal.Published = int64(len(o.Journal.Entries)), int64(len(p.Journal.Entries))
}

func (b *builder) reservation(key string, state inventory.State, q map[string]int32) {
	r := inventory.Reservation{OrderID: idOf(key), State: state, Quantities: q}
	if state == inventory.Refused {
		r.Short = "mug"
	}
	b.w.Reservations = append(b.w.Reservations, r)
}

// ended is a world in which every ending there is has come about, and nothing is on its way.
func ended(t *testing.T) promise.World {
	b := &builder{t: t}
	b.confirmed("confirmed", total)
	b.payment("confirmed", payment.Charged, total, b.processed("confirmed", total))
	b.reservation("confirmed", inventory.Held, quantities())

	b.confirmed("free", free)
	b.payment("free", payment.Charged, free, b.processed("free", free))
	b.reservation("free", inventory.Held, quantities())

	b.refundedInParts("parts", 1000, 500)

	b.cancelled("out-of-stock", "out_of_stock", time.Second)
	b.payment("out-of-stock", payment.Voided, nil)
	b.reservation("out-of-stock", inventory.Refused, quantities())

	b.cancelled("declined", "declined", time.Second)
	b.payment("declined", payment.Declined, total, failed("declined", "declined"))
	b.reservation("declined", inventory.Released, quantities())

	b.cancelled("too-early", "cancelled", time.Millisecond)
	b.payment("too-early", payment.Voided, nil)
	b.reservation("too-early", inventory.Released, nil)

	b.cancelled("paid-back", "operator", time.Minute)
	b.payment("paid-back", payment.Refunded, total, b.processed("paid-back", total), b.refunded("paid-back"))
	b.reservation("paid-back", inventory.Released, quantities())

	b.cancelled("expired", "expired", expiry+time.Second)
	b.payment("expired", payment.Voided, total, failed("expired", "voided"))
	b.reservation("expired", inventory.Released, quantities())
	return b.finish(3)
}

// underWay is a world with orders that have not ended, beside those that have.
func underWay(t *testing.T) promise.World {
	b := &builder{t: t, w: ended(t)}
	b.order(idOf("pending"), order.Placed, created(idOf("pending"), total))
	b.payment("pending", payment.Pending, total)
	b.reservation("pending", inventory.Held, quantities())

	b.order(idOf("new"), order.Placed, created(idOf("new"), total))
	fresh := &b.w.Orders[len(b.w.Orders)-1]
	fresh.Journal.Published, fresh.Sweep = 0, promise.Sweep{InShard: true, Since: moment}

	b.cancelling("undoing", "declined", time.Second)
	b.payment("undoing", payment.Declined, total, failed("undoing", "declined"))
	b.reservation("undoing", inventory.Held, quantities())
	b.refundedInParts("refunding", 700)
	paymentAt(&b.w, "refunding").Journal.Entries = paymentAt(&b.w, "refunding").Journal.Entries[:1]
	paymentAt(&b.w, "refunding").Journal.Published = 1
	orderAt(&b.w, "refunding").Journal.Entries = orderAt(&b.w, "refunding").Journal.Entries[:3]
	orderAt(&b.w, "refunding").Journal.Published = 3
	return b.finish(6)
}

// finish acknowledges every order and states the stock: held is what so many orders have.
func (b *builder) finish(held int64) promise.World {
	b.w.Acknowledged = nil
	for _, o := range b.w.Orders {
		b.w.Acknowledged = append(b.w.Acknowledged, promise.Acknowledgement{OrderID: o.ID})
	}
	b.w.Acknowledged = append(b.w.Acknowledged, promise.Acknowledgement{OrderID: idOf("free"), CustomerID: customer, IdempotencyKey: "free"})
	b.w.Stock = []inventory.Stock{
		{SKU: "mug", Stated: 20, Held: 2 * held, Available: 20 - 2*held, Adjusted: -3},
		{SKU: "jar", Stated: 1, Held: held, Available: 1 - held}, // restated when more was held
		{SKU: "pot", Stated: 5, Available: 5},
	}
	b.w.Adjustments = []inventory.Adjustment{
		{ID: "a1", SKU: "mug", Delta: -5, By: "op", Note: "broken"}, {ID: "a2", SKU: "mug", Delta: 2, By: "op", Note: "found"},
	}
	b.w.DeadLetters = []promise.DeadLetter{{OrderID: "?", Function: "notify-customer", Reason: "malformed"}}
	return b.w
}

// orderAt, paymentAt and reservationAt find what a seeded bug changes.
func orderAt(w *promise.World, key string) *promise.Order {
	return &w.Orders[slices.IndexFunc(w.Orders, func(o promise.Order) bool { return o.ID == idOf(key) })]
}

func paymentAt(w *promise.World, key string) *promise.Payment {
	return &w.Payments[slices.IndexFunc(w.Payments, func(p promise.Payment) bool { return p.OrderID == idOf(key) })]
}

func reservationAt(w *promise.World, key string) *inventory.Reservation {
	return &w.Reservations[slices.IndexFunc(w.Reservations, func(r inventory.Reservation) bool { return r.OrderID == idOf(key) })]
}

func without[T any](s *[]T, drop func(T) bool) { *s = slices.DeleteFunc(slices.Clone(*s), drop) }
