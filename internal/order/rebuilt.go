package order

import (
	"bytes"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/journal"
)

// Follows says whether an event may be the next of an order's journal, by the table of states. It is for events that come
// from elsewhere: use cases append only what may follow.
func (o *Order) Follows(e journal.Event) bool {
	if e.GetOrderId() != o.ID || e.GetSeq() != o.Journal.Next() {
		return false
	}
	if created, ok := e.(*eventv1.OrderCreated); ok || len(o.Journal.Entries) == 0 {
		return ok && len(o.Journal.Entries) == 0 && created.GetCustomerId() != "" && len(created.GetLines()) > 0
	}
	status, _ := o.Status()
	switch e := e.(type) {
	case *eventv1.OrderConfirmed, *eventv1.OrderCancellationStarted:
		return status == Placed
	case *eventv1.OrderCancelled:
		return status == Cancelling
	case *eventv1.OrderRetried:
		return !o.Final()
	case *eventv1.OrderRefundRequested:
		return status == Confirmed && o.refund(e.GetRefundId()) == nil
	case *eventv1.OrderRefunded:
		wanted := o.refund(e.GetRefundId())
		return wanted != nil && wanted.Done.IsZero()
	}
	return false
}

// RebuiltOrigin is the origin of an order that was lost and made again from its events. What is in no event it does not have:
// its address and note, where it came from, and the fingerprint of its request. It has them again, and another origin, once the
// same request comes again.
const RebuiltOrigin = "rebuilt"

// Rebuilt says that the order is such a one.
func (o *Order) Rebuilt() bool { return o.Origin == RebuiltOrigin }

// made says whether a request is the one that made an order. Of a rebuilt one that is whatever its first event can tell, which
// knows no address and no note.
func (r *Request) made(o *Order) bool {
	if !o.Rebuilt() {
		return bytes.Equal(o.Fingerprint, r.fingerprint())
	}
	created := o.Created()
	lines := created.GetLines()
	if r.CustomerID != created.GetCustomerId() || r.PaymentMethod != created.GetPaymentMethod() || len(r.Lines) != len(lines) {
		return false
	}
	for i, l := range r.Lines {
		price, paid := l.UnitPrice, lines[i].GetUnitPrice()
		if l.SKU != lines[i].GetSku() || l.Quantity != lines[i].GetQuantity() ||
			price != nil && (price.GetMinorUnits() != paid.GetMinorUnits() || price.GetCurrencyCode() != paid.GetCurrencyCode()) {
			return false
		}
	}
	return true
}

// complete gives a rebuilt order back what no event carries: the request that made it has come again.
func (r *Request) complete(o *Order) error {
	if o.Rebuilt() {
		o.Fingerprint, o.Address, o.Note, o.Origin = r.fingerprint(), r.Address, r.Note, r.Origin
	}
	return nil
}
