package promise

import (
	"cmp"
	"time"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/payment"
)

// refund is what is known of one refund by an operator: asked for and done by the order's journal, given back by the
// payment's and by the ledger.
type refund struct {
	id        string
	asked     *typev1.Money
	askedAt   time.Time
	requested int
	done      []*typev1.Money
	paid      []*typev1.Money
	moved     []*typev1.Money
}

// refundsOf are an order's refunds by the key that the provider knows them by.
func (c *check) refundsOf(o *Order) map[string]*refund {
	all := o.refunds()
	of := func(key string) *refund {
		if all[key] == nil {
			all[key] = &refund{id: key}
		}
		return all[key]
	}
	if p := c.payments[o.ID]; p != nil {
		for _, e := range p.Journal.Entries {
			if e, ok := e.Event.(*eventv1.PaymentRefunded); ok && e.GetRefundId() != "" {
				r := of(payment.RefundKey(o.ID, e.GetRefundId()))
				r.paid = append(r.paid, e.GetAmount())
			}
		}
	}
	for _, m := range c.money[o.ID].movements {
		if m.RefundKey != "" {
			r := of(m.RefundKey)
			currency := cmp.Or(m.Currency, o.created().GetTotal().GetCurrencyCode())
			r.moved = append(r.moved, &typev1.Money{CurrencyCode: currency, MinorUnits: m.Amount})
		}
	}
	return all
}

// refunds are those that the order's own journal knows.
func (o *Order) refunds() map[string]*refund {
	all := map[string]*refund{}
	of := func(id string) *refund {
		key := payment.RefundKey(o.ID, id)
		if all[key] == nil {
			all[key] = &refund{id: id}
		}
		return all[key]
	}
	for _, e := range o.Journal.Entries {
		switch e := e.Event.(type) {
		case *eventv1.OrderRefundRequested:
			r := of(e.GetRefundId())
			r.asked, r.askedAt = e.GetAmount(), e.GetEventTime().AsTime()
			r.requested++
		case *eventv1.OrderRefunded:
			r := of(e.GetRefundId())
			r.done = append(r.done, e.GetAmount())
		}
	}
	return all
}

// refunding says that a refund of an order is on its way.
func (o *Order) refunding() bool {
	for _, r := range o.refunds() {
		if len(r.done) == 0 {
			return true
		}
	}
	return false
}

// refundsMoved is how much of what was asked for the provider has given back, in minor units. While things are on their
// way, it may have been asked for after the order was read.
func (c *check) refundsMoved(o *Order) (sum int64) {
	asked := o.refunds()
	for _, mv := range c.money[o.ID].movements {
		if r := asked[mv.RefundKey]; mv.RefundKey != "" && (!c.quiet || r != nil && r.asked != nil) {
			sum += mv.Amount
		}
	}
	return sum
}

// refundedAsRequested: what an operator asked for is given back once, and nothing that nobody asked for.
func refundedAsRequested(c *check, v *Verdict) {
	for i := range c.Orders {
		o := &c.Orders[i]
		refunds := c.refundsOf(o)
		v.Checked += len(refunds)
		sum := int64(0)
		for _, r := range refunds {
			if r.requested == 0 && !c.quiet {
				continue // it may have been asked for after the order was read
			}
			sum += r.asked.GetMinorUnits()
			c.refundHolds(v, o, r)
			v.failIf(statusOf(o.Journal) != order.Confirmed, o.ID, "it is %s and has refund %s", statusOf(o.Journal), r.id)
		}
		total := o.created().GetTotal().GetMinorUnits()
		v.failIf(sum > total, o.ID, "refunds of %d were asked for, its total is %d", sum, total)
	}
}

func (c *check) refundHolds(v *Verdict, o *Order, r *refund) {
	if r.requested != 1 {
		v.fail(o.ID, "refund %s was asked for %d times", r.id, r.requested)
		return
	}
	v.failIf(r.asked.GetMinorUnits() < 1, o.ID, "refund %s is of %s", r.id, price(r.asked))
	overdue := c.quiet || c.now.Sub(r.askedAt) > c.Slack
	for where, amounts := range map[string][]*typev1.Money{"by its journal": r.done, "by its payment's journal": r.paid, "by the provider's ledger": r.moved} {
		v.failIf(len(amounts) > 1, o.ID, "refund %s was given back %d times %s", r.id, len(amounts), where)
		v.failIf(len(amounts) == 0 && overdue, o.ID, "refund %s of %s was not given back %s", r.id, price(r.asked), where)
		for _, a := range amounts {
			v.failIf(!sameMoney(a, r.asked), o.ID, "refund %s is of %s %s, %s were asked for", r.id, price(a), where, price(r.asked))
		}
	}
	// Each is the effect of the one before, which is there once it is.
	v.failIf(len(r.done) > 0 && len(r.paid) == 0 && c.payments[o.ID] != nil, o.ID, "refund %s is done, and its payment does not know it", r.id)
	v.failIf(len(r.paid) > 0 && len(r.moved) == 0, o.ID, "refund %s is in its payment's journal, and the provider did not give it back", r.id)
}
