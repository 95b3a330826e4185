package repair

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/promise"
)

// one is everything that is known of one order.
type one struct {
	id          string
	order       *order.Order // nil: it is lost
	payment     *payment.Payment
	reservation *inventory.Reservation
	moved       []promise.Movement
	unreadable  []string // paths
}

func (c *one) status() order.Status {
	if c.order == nil {
		return lost
	}
	s, _ := c.order.Status()
	return s
}

// reason is why it is cancelled; empty if it is not.
func (c *one) reason() order.Reason {
	if c.order == nil {
		return ""
	}
	return c.order.Reason()
}

func (c *one) state() payment.State {
	switch {
	case c.payment == nil:
		return absent
	case c.payment.State == payment.Voided && len(c.payment.Journal.Entries) == 0:
		return tombstone
	}
	return c.payment.State
}

func (c *one) free() bool { return c.order != nil && c.order.Total().GetMinorUnits() == 0 }

// standing is where its money stands. The provider is not asked for what is free: its payment is all there is.
func (c *one) standing() standing {
	if c.free() {
		switch s := c.state(); {
		case c.status() == order.Confirmed || s == payment.Charged:
			return taken
		case s == payment.Refunded:
			return returned
		}
		return none
	}
	var charges, refunds int
	for _, m := range c.moved {
		if m.RefundKey != "" {
			continue // an operator's: parts says whether all agree about it
		}
		if m.Type == "charge" {
			charges++
		} else {
			refunds++
		}
		if !c.whole(m) {
			return odd
		}
	}
	known := map[[2]int]standing{{0, 0}: none, {1, 0}: taken, {1, 1}: returned}
	if s, ok := known[[2]int{charges, refunds}]; ok {
		return s
	}
	return odd
}

// parts says what does not agree about refunds that operators asked for: the order's journal, the payment's and the ledger
// must have the same ones, and which of them is behind says nothing of what was meant.
func (c *one) parts() string {
	known := map[string]int{}
	if c.order != nil {
		for _, r := range c.order.Refunds() {
			known[payment.RefundKey(c.id, r.ID)]++
		}
	}
	if c.payment != nil {
		for _, e := range c.payment.Journal.Entries {
			if r, ok := e.Event.(*eventv1.PaymentRefunded); ok && r.GetRefundId() != "" {
				known[payment.RefundKey(c.id, r.GetRefundId())]++
			}
		}
	}
	for _, m := range c.moved {
		if m.RefundKey != "" {
			known[m.RefundKey]++
		}
	}
	for _, key := range slices.Sorted(maps.Keys(known)) {
		if known[key] != 3 {
			return fmt.Sprintf("refund %s is not known to all of its order, its payment and the provider: if it is still so in an hour, look at all three", key)
		}
	}
	return ""
}

// whole says that a movement is of all that the order costs; of a lost one, of all that was charged.
func (c *one) whole(m promise.Movement) bool {
	if c.order == nil {
		return m.Amount == c.moved[0].Amount && m.Currency == c.moved[0].Currency
	}
	return m.Amount == c.order.Total().GetMinorUnits() && m.Currency == c.order.Total().GetCurrencyCode()
}

func (c *one) claim(declined bool) payment.Claim {
	claim := payment.Claim{OrderID: c.id, Declined: declined}
	if c.order != nil {
		claim.Amount, claim.Method = c.order.Total(), c.order.Created().GetPaymentMethod()
	}
	return claim
}

// quantities are the order's lines as a reservation has them.
func (c *one) quantities() map[string]int32 {
	if c.order == nil {
		return nil
	}
	q := map[string]int32{}
	for _, l := range c.order.Created().GetLines() {
		q[l.GetSku()] += l.GetQuantity()
	}
	return q
}

// what says how everything stands, in one line.
func (c *one) what() string {
	pay, stock, why := "missing", "missing", ""
	if c.payment != nil {
		pay = short(c.payment.State.String())
	}
	if c.reservation != nil {
		stock = short(c.reservation.State.String())
	}
	if r := c.reason(); r != "" {
		why = " (" + string(r) + ")"
	}
	return fmt.Sprintf("order %s%s, payment %s, by the provider %s, stock %s", c.status(), why, pay, c.standing(), stock)
}

func short(enum string) string {
	return strings.TrimPrefix(strings.TrimPrefix(enum, "PAYMENT_STATE_"), "RESERVATION_STATE_")
}

func (c *one) clash() string {
	do := "look at its charges with the provider, where its id is the idempotency key, and set right by hand what is not: nothing was moved"
	switch {
	case c.standing() == odd:
		return "its money was moved twice, in part or in another amount: " + do
	case c.status() == order.Confirmed && c.standing() != taken:
		return "it is CONFIRMED and its money is not with the provider, and it is never taken again: ask its customer, or let it be; " + do
	}
	return fmt.Sprintf("its payment and the provider contradict each other: %s", do)
}

// farewell says what is known of a lost order.
func (c *one) farewell() string {
	known := []string{"the order is lost: if its customer was told of it, tell them that it is not coming"}
	if c.payment != nil && c.payment.Amount != nil {
		known = append(known, "it was of "+price(c.payment.Amount))
	} else if len(c.moved) > 0 {
		known = append(known, "it was of "+price(&typev1.Money{CurrencyCode: c.moved[0].Currency, MinorUnits: c.moved[0].Amount}))
	}
	if c.reservation != nil && len(c.reservation.Quantities) > 0 {
		var items []string
		for _, sku := range slices.Sorted(maps.Keys(c.reservation.Quantities)) {
			items = append(items, fmt.Sprintf("%d %s", c.reservation.Quantities[sku], sku))
		}
		known = append(known, "it had "+strings.Join(items, ", "))
	}
	return strings.Join(known, "; ") + "."
}

func price(m *typev1.Money) string {
	return fmt.Sprintf("%s %d.%02d", m.GetCurrencyCode(), m.GetMinorUnits()/100, m.GetMinorUnits()%100)
}

func recount(s inventory.Stock, held int64) Finding {
	return Finding{
		What: fmt.Sprintf("%s: %d available and %d held of %d, HELD reservations have %d", s.SKU, s.Available, s.Held, s.Stated, held),
		Acts: []Act{{Do: Recount, Stock: s, Held: held}},
	}
}
