package promise

import (
	"cmp"
	"fmt"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/payment"
)

// money is what the provider's ledger says of one order, in minor units.
type money struct {
	charges           int
	charged, refunded int64
	movements         []Movement
}

func (m money) add(v Movement) money {
	m.movements = append(m.movements, v)
	switch v.Type {
	case "charge":
		m.charges++
		m.charged += v.Amount
	case "refund":
		m.refunded += v.Amount
	}
	return m
}

func moneyFollowsOrder(c *check, v *Verdict) {
	v.Checked = len(c.Orders)
	for i := range c.Orders {
		c.moneyOf(v, &c.Orders[i])
	}
	if !c.quiet {
		return
	}
	for id := range c.money {
		v.failIf(c.orders[id] == nil && !c.unreadable("orders/"+id), id, "the provider moved money for it and there is no such order")
	}
}

func (c *check) moneyOf(v *Verdict, o *Order) {
	m, total := c.money[o.ID], o.created().GetTotal()
	v.failIf(m.charges > 1, o.ID, "it was charged %d times", m.charges)
	v.failIf(m.refunded > m.charged, o.ID, "%d were refunded of %d charged", m.refunded, m.charged)
	for _, mv := range m.movements {
		if mv.RefundKey != "" {
			continue // refunded-as-requested holds it against what was asked for
		}
		moved := &typev1.Money{CurrencyCode: cmp.Or(mv.Currency, total.GetCurrencyCode()), MinorUnits: mv.Amount}
		v.failIf(!sameMoney(moved, total), o.ID, "a %s is of %s, its total is %s", mv.Type, price(moved), price(total))
		v.failIf(mv.Type != "charge" && mv.Type != "refund", o.ID, "the ledger has a %q", mv.Type)
	}
	want := int64(0)
	switch statusOf(o.Journal) {
	case order.Confirmed:
		want = total.GetMinorUnits() - c.refundsMoved(o)
	case order.Cancelled:
	default:
		return // it may be on its way
	}
	v.failIf(m.charged-m.refunded != want, o.ID, "it is %s, and the provider keeps %d of %d", statusOf(o.Journal), m.charged-m.refunded, want)
}

func paymentMatchesOrder(c *check, v *Verdict) {
	v.Checked = len(c.Payments)
	for i := range c.Payments {
		p := &c.Payments[i]
		o := c.orders[p.OrderID]
		if o == nil {
			v.failIf(c.quiet && !c.unreadable("orders/"+p.OrderID), p.OrderID, "it has a payment and there is no such order")
			continue
		}
		p.matches(v, o)
	}
	for i := range c.Orders {
		o := &c.Orders[i]
		if statusOf(o.Journal) != order.Confirmed || c.unreadable("payments/"+o.ID) {
			continue
		}
		if p := c.payments[o.ID]; p == nil {
			v.fail(o.ID, "it is CONFIRMED and has no payment")
		} else {
			v.failIf(p.State != payment.Charged, o.ID, "it is CONFIRMED and its payment is %s", p.State)
		}
	}
}

func (p *Payment) matches(v *Verdict, o *Order) {
	created := o.created()
	for _, e := range p.Journal.Entries {
		v.failIf(e.Event.GetOrderId() != p.OrderID, p.OrderID, "its payment's event %d is of order %s", e.Event.GetSeq(), e.Event.GetOrderId())
		if r, ok := e.Event.(*eventv1.PaymentRefunded); ok && r.GetRefundId() != "" {
			continue // a part
		}
		v.failIf(!sameMoney(totalOf(e.Event), created.GetTotal()), p.OrderID, "its %s is of %s, its total is %s",
			nameOf(e.Event), price(totalOf(e.Event)), price(created.GetTotal()))
		if done, ok := e.Event.(*eventv1.PaymentProcessed); ok {
			v.failIf(done.GetProviderChargeId() != p.ChargeID, p.OrderID, "its charge is %q and was announced as %q", p.ChargeID, done.GetProviderChargeId())
		}
	}
	if p.Amount == nil {
		v.failIf(p.State != payment.Voided, p.OrderID, "its payment is %s of no amount", p.State)
		return
	}
	v.failIf(!sameMoney(p.Amount, created.GetTotal()), p.OrderID, "its payment is of %s, its total is %s", price(p.Amount), price(created.GetTotal()))
	v.failIf(p.Method != created.GetPaymentMethod(), p.OrderID, "its payment is by %q, it asked for %q", p.Method, created.GetPaymentMethod())
}

// totalOf is the amount that an event is about; nil if none.
func totalOf(e journal.Event) *typev1.Money {
	switch e := e.(type) {
	case interface{ GetTotal() *typev1.Money }:
		return e.GetTotal()
	case interface{ GetAmount() *typev1.Money }:
		return e.GetAmount()
	}
	return nil
}

func sameMoney(a, b *typev1.Money) bool {
	return a.GetMinorUnits() == b.GetMinorUnits() && a.GetCurrencyCode() == b.GetCurrencyCode()
}

func price(m *typev1.Money) string {
	return fmt.Sprintf("%d %s", m.GetMinorUnits(), m.GetCurrencyCode())
}
