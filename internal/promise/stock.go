package promise

import (
	"maps"

	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/order"
)

// stockAddsUp: then less than nothing is available only where less is stated than is held, which is no overselling.
func stockAddsUp(c *check, v *Verdict) {
	v.Checked = len(c.Stock)
	held := c.held()
	for _, s := range c.Stock {
		v.failIf(s.Available+s.Held != s.Stated, "", "%s: %d available + %d held is not the %d stated", s.SKU, s.Available, s.Held, s.Stated)
		v.failIf(s.Held < 0, "", "%s: %d are held", s.SKU, s.Held)
		v.failIf(!c.StockMoved && s.Held != held[s.SKU], "", "%s: %d are held, HELD reservations have %d", s.SKU, s.Held, held[s.SKU])
		delete(held, s.SKU)
	}
	c.adjustedAsKept(v)
	if c.StockMoved {
		v.Note = "stock kept moving: held stock was not compared with reservations"
		return
	}
	for sku, n := range held {
		v.fail("", "%s: HELD reservations have %d, and there is no stock of it", sku, n)
	}
}

// adjustedAsKept: a correction by hand is in the stock exactly if somebody's name and reason are kept with it.
func (c *check) adjustedAsKept(v *Verdict) {
	if c.StockMoved {
		return
	}
	sum := map[string]int64{}
	for _, a := range c.Adjustments {
		sum[a.SKU] += a.Delta
		v.failIf(a.By == "" || a.Note == "", "", "%s: adjustment %s is nobody's, or for no reason", a.SKU, a.ID)
	}
	for _, s := range c.Stock {
		v.failIf(s.Adjusted != sum[s.SKU], "", "%s: it was adjusted by %d, the adjustments that are kept are %d", s.SKU, s.Adjusted, sum[s.SKU])
		delete(sum, s.SKU)
	}
	for sku := range sum {
		v.fail("", "%s: adjustments are kept, and there is no stock of it", sku)
	}
}

// held is what HELD reservations have, by product.
func (c *check) held() map[string]int64 {
	held := map[string]int64{}
	for _, r := range c.Reservations {
		if r.State != inventory.Held {
			continue
		}
		for sku, n := range r.Quantities {
			held[sku] += int64(n)
		}
	}
	return held
}

func reservationFollowsOrder(c *check, v *Verdict) {
	v.Checked = len(c.Orders)
	for i := range c.Reservations {
		r := &c.Reservations[i]
		o := c.orders[r.OrderID]
		if o == nil {
			v.failIf(c.quiet && !c.unreadable("orders/"+r.OrderID), r.OrderID, "it has a reservation and there is no such order")
			continue
		}
		checkReservation(v, r, o)
	}
	for i := range c.Orders {
		o := &c.Orders[i]
		missing := c.reservations[o.ID] == nil && !c.unreadable("reservations/"+o.ID)
		v.failIf(missing && statusOf(o.Journal) == order.Confirmed, o.ID, "it is CONFIRMED and has no reservation")
	}
}

func checkReservation(v *Verdict, r *inventory.Reservation, o *Order) {
	switch status := statusOf(o.Journal); status {
	case order.Confirmed:
		v.failIf(r.State != inventory.Held, o.ID, "it is CONFIRMED and its stock is %s", r.State)
	case order.Cancelled:
		v.failIf(r.State == inventory.Held, o.ID, "it is CANCELLED and its stock is HELD")
	}
	tombstone := r.State == inventory.Released && len(r.Quantities) == 0
	v.failIf(!tombstone && !maps.Equal(r.Quantities, o.quantities()), o.ID, "its reservation has %v, its lines are %v", r.Quantities, o.quantities())
	v.failIf(r.State == inventory.Refused && r.Quantities[r.Short] == 0, o.ID, "it was refused for %q, which it did not ask for", r.Short)
}

// quantities are an order's lines as reservations have them.
func (o *Order) quantities() map[string]int32 {
	q := map[string]int32{}
	for _, l := range o.created().GetLines() {
		q[l.GetSku()] += l.GetQuantity()
	}
	return q
}
