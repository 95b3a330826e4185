// Package promise checks what Orderflow promises, docs/promises.md, over everything that its stores and the payment
// provider's ledger say. It does no I/O and trusts none of the domain's own readings of a journal: what it compares it
// derives itself.
package promise

import (
	"time"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/payment"
)

// World is everything a check looks at. Whoever gathers it while orders are on their way reads in this order, so that
// what a final order promises is there when it is looked for: acknowledgements, orders, and then the rest.
type World struct {
	Acknowledged []Acknowledgement
	Orders       []Order
	Payments     []Payment
	Reservations []inventory.Reservation
	Stock        []inventory.Stock
	Adjustments  []inventory.Adjustment
	StockMoved   bool       // stock was written while it and the reservations were read: they are not compared
	Ledger       []Movement // the provider's own, in its order
	DeadLetters  []DeadLetter
	Unreadable   []Unreadable
	Slack        time.Duration // how long after its expire_time an order may take to end; DefaultSlack if zero
}

// DefaultSlack is the sweep's longest backoff and a saga's patience, with time to spare.
const DefaultSlack = 15 * time.Minute

// Acknowledgement is an order that somebody was told of. Customer and key are empty if they are not known.
type Acknowledgement struct {
	OrderID        string
	CustomerID     string
	IdempotencyKey string
}

// Order is an order as it is stored.
type Order struct {
	ID      string
	Journal journal.Journal
	Fields  OrderFields
	Sweep   Sweep
}

// OrderFields are what is stored beside an order's journal for queries and the sweep.
type OrderFields struct {
	Status      string
	CustomerID  string
	CreateTime  time.Time
	NextAttempt time.Time // zero: the field is not there
	InSweep     bool      // it has the shard without which sweep-orders does not see it
}

// Sweep is what lets sweep-journals see a document.
type Sweep struct {
	InShard bool
	Since   time.Time // zero: the field is not there
}

// Payment is a payment as it is stored.
type Payment struct {
	payment.Payment
	Sweep Sweep
}

// Movement is money that moved by the provider's ledger.
type Movement struct {
	Type      string // charge or refund
	OrderID   string // its idempotency key
	RefundKey string // of a refund that an operator asked for; empty: of all, because the order was cancelled
	Amount    int64  // minor units
	Currency  string
}

// DeadLetter is an event that could not be handled, and that nobody has decided about yet.
type DeadLetter struct {
	OrderID, Function, Reason string
}

// Unreadable is a document that does not say what its writer wrote.
type Unreadable struct {
	Path, OrderID, Why string
}

// created is an order's first event; nil, whose fields are all zero, if it is something else.
func (o *Order) created() *eventv1.OrderCreated {
	if len(o.Journal.Entries) == 0 {
		return nil
	}
	c, _ := o.Journal.Entries[0].Event.(*eventv1.OrderCreated)
	return c
}

// ending is when an order reached its final state.
func (o *Order) ending() (time.Time, bool) {
	if !final(statusOf(o.Journal)) {
		return time.Time{}, false
	}
	return o.Journal.Entries[o.endedAt()].Event.GetEventTime().AsTime(), true
}

// endedAt is the place in an ended order's journal of the event that ended it; operators' refunds come after it.
func (o *Order) endedAt() int {
	for i, e := range o.Journal.Entries {
		if name := nameOf(e.Event); name == "OrderConfirmed" || name == "OrderCancelled" {
			return i
		}
	}
	return 0
}

// OnItsWay are the orders that have not ended, or of which a refund is not done, and the aggregates with events not known
// to be published: nothing is quiet before there are none.
func (w World) OnItsWay() (orders, journals int) {
	for _, o := range w.Orders {
		if !final(statusOf(o.Journal)) || o.refunding() {
			orders++
		}
		if len(o.Journal.Unpublished()) > 0 {
			journals++
		}
	}
	for _, p := range w.Payments {
		if len(p.Journal.Unpublished()) > 0 {
			journals++
		}
	}
	return orders, journals
}
