package repair

import (
	"maps"
	"slices"
	"strings"

	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/promise"
)

// Plan is what is to be done about a world, products first and then orders by id. An order that is as it should be, or
// that sagas and sweeps bring there, is not in it. Done while nobody places orders, it finds what a restore broke; at any
// other time it finds, too, what is on its way, and does that no harm.
func Plan(w promise.World) []Finding {
	plan := recounts(w)
	cases := gather(w)
	for _, id := range slices.Sorted(maps.Keys(cases)) {
		if f := cases[id].finding(); len(f.Acts) > 0 || f.Person != "" {
			plan = append(plan, f)
		}
	}
	return plan
}

func gather(w promise.World) map[string]*one {
	cases := map[string]*one{}
	of := func(id string) *one {
		if cases[id] == nil {
			cases[id] = &one{id: id}
		}
		return cases[id]
	}
	for _, a := range w.Acknowledged {
		of(a.OrderID)
	}
	for _, o := range w.Orders {
		of(o.ID).order = &order.Order{ID: o.ID, Journal: o.Journal}
	}
	for _, p := range w.Payments {
		of(p.OrderID).payment = &p.Payment
	}
	for _, r := range w.Reservations {
		of(r.OrderID).reservation = &r
	}
	for _, m := range w.Ledger {
		of(m.OrderID).moved = append(of(m.OrderID).moved, m)
	}
	for _, u := range w.Unreadable {
		of(u.OrderID).unreadable = append(of(u.OrderID).unreadable, u.Path)
	}
	return cases
}

func (c *one) finding() Finding {
	f := Finding{OrderID: c.id, What: c.what(), Lost: c.order == nil}
	if len(c.unreadable) > 0 {
		f.Person = strings.Join(c.unreadable, ", ") + " cannot be read: restore that document from a backup, then repair again"
		return f
	}
	course := courses[c.status()]
	c.money(&f, course)
	c.stock(&f, course)
	if course.saga && f.Person == "" && (len(f.Acts) > 0 || c.standing() != none) {
		f.Acts = append(f.Acts, Act{Do: Resume})
	}
	if f.Lost {
		f.Person = strings.TrimSpace(c.farewell() + " " + f.Person)
	}
	for i := range f.Acts {
		f.Acts[i].OrderID = c.id
	}
	return f
}

// money plans what is to be done about the order's payment.
func (c *one) money(f *Finding, course course) {
	ledger, state := c.standing(), c.state()
	deed, known := course.money[ledger]
	worth := payments[state][ledger]
	if !known || worth == clash {
		f.Person = c.clash()
		return
	}
	declined := c.reason() == order.Declined
	if declined && (ledger != none || !undecided[state] && state != payment.Declined) {
		f.Person = "it was cancelled as declined, and the provider took its money: the reason that its customer was told is not true"
		declined = false
	}
	// The provider may have an open charge that nobody here knows of: a tombstone instead of the payment would let it.
	open := state == absent && ledger == none && !c.free()
	if worth == behind || open || declined && undecided[state] {
		f.Acts = append(f.Acts, Act{Do: Adopt, Claim: c.claim(declined)})
	}
	settled := state == tombstone || state == payment.Voided || state == payment.Declined
	if deed != nothing && !(ledger == none && settled) {
		f.Acts = append(f.Acts, Act{Do: deed})
	}
}

// stock plans what is to be done about the order's reservation.
func (c *one) stock(f *Finding, course course) {
	state := missing
	if c.reservation != nil {
		state = c.reservation.State
	}
	deed := course.stock[state]
	if c.reason() == order.OutOfStock {
		deed = nothing
		if state != inventory.Refused {
			deed = Refuse // its customer was told so
		}
	}
	if deed != nothing {
		f.Acts = append(f.Acts, Act{Do: deed, Quantities: c.quantities()})
	}
}

// recounts are the products of which something else is held than HELD reservations have, as where stock and reservations
// are not of one moment.
func recounts(w promise.World) (plan []Finding) {
	if w.StockMoved {
		return nil
	}
	held := map[string]int64{}
	for _, r := range w.Reservations {
		if r.State == inventory.Held {
			for sku, n := range r.Quantities {
				held[sku] += int64(n)
			}
		}
	}
	stock := map[string]inventory.Stock{}
	for sku := range held {
		stock[sku] = inventory.Stock{SKU: sku}
	}
	for _, s := range w.Stock {
		stock[s.SKU] = s
	}
	for _, sku := range slices.Sorted(maps.Keys(stock)) {
		if s := stock[sku]; s.Held != held[sku] || s.Available+s.Held != s.Stated {
			plan = append(plan, recount(s, held[sku]))
		}
	}
	return plan
}
