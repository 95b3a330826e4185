package promise

import (
	"time"

	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/payment"
)

// cancelledIsUndone: both sides are final, even where nothing was begun: a tombstone refuses what comes late.
func cancelledIsUndone(c *check, v *Verdict) {
	for i := range c.Orders {
		o := &c.Orders[i]
		if statusOf(o.Journal) != order.Cancelled {
			continue
		}
		v.Checked++
		c.paymentIsFinal(v, o)
		c.reservationIsFinal(v, o)
	}
}

func (c *check) paymentIsFinal(v *Verdict, o *Order) {
	p := c.payments[o.ID]
	if p == nil {
		v.failIf(!c.unreadable("payments/"+o.ID), o.ID, "it is CANCELLED, and no payment refuses a late charge")
		return
	}
	switch p.State {
	case payment.Refunded, payment.Voided, payment.Declined:
	default:
		v.fail(o.ID, "it is CANCELLED and its payment is %s", p.State)
	}
}

func (c *check) reservationIsFinal(v *Verdict, o *Order) {
	r := c.reservations[o.ID]
	if r == nil {
		v.failIf(!c.unreadable("reservations/"+o.ID), o.ID, "it is CANCELLED, and no reservation refuses a late reserve")
		return
	}
	switch r.State {
	case inventory.Refused, inventory.Released:
	default:
		v.fail(o.ID, "it is CANCELLED and its stock is %s", r.State)
	}
}

// troubleNeverCancels: a reason is one of ours, and what it says happened did.
func troubleNeverCancels(c *check, v *Verdict) {
	v.Note = "that a customer or an operator asked is not in the stores"
	for i := range c.Orders {
		o := &c.Orders[i]
		reasons := reasonsOf(o.Journal)
		if len(reasons) == 0 {
			continue
		}
		v.Checked++
		c.reasonHolds(v, o, order.Reason(reasons[0]))
	}
}

func (c *check) reasonHolds(v *Verdict, o *Order, reason order.Reason) {
	switch reason {
	case order.OutOfStock:
		r := c.reservations[o.ID]
		v.failIf(r == nil || r.State != inventory.Refused, o.ID, "it is cancelled as out_of_stock, and inventory did not refuse it")
	case order.Declined:
		p := c.payments[o.ID]
		v.failIf(p == nil || p.State != payment.Declined, o.ID, "it is cancelled as declined, and the provider did not decline it")
	case order.Expired:
		early := o.created().GetExpireTime().AsTime().Sub(o.cancelledAt())
		v.failIf(early > 0, o.ID, "it is cancelled as expired, %s before its expire_time", early)
	case order.ByCustomer, order.ByOperator:
	default:
		v.fail(o.ID, "it is cancelled for %q, which is no reason", reason)
	}
}

// cancelledAt is when its cancellation started.
func (o *Order) cancelledAt() (at time.Time) {
	for _, e := range o.Journal.Entries {
		if nameOf(e.Event) == "OrderCancellationStarted" {
			at = e.Event.GetEventTime().AsTime()
		}
	}
	return at
}
