package promise

import (
	"cmp"
	"net/http"
	"slices"

	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
)

// sighting is a reading, or an answer to who placed the order, which says that it is PLACED however late it comes.
type sighting struct {
	Reading
	placing bool
}

// readsSeeAnswers: whatever a customer saw, or was told, is what is looked at from then on.
func readsSeeAnswers(p *past, v *Verdict) {
	v.Checked = len(p.Readings)
	type eye struct{ orderID, customerID string }
	for _, own := range grouped(p.sightings(), func(s sighting) eye { return eye{s.OrderID, s.CustomerID} }) {
		for _, s := range own {
			p.isTrue(v, s)
		}
		neverBack(v, own)
	}
}

func (p *past) sightings() (all []sighting) {
	for _, a := range p.Answers {
		if a.Status == http.StatusCreated {
			all = append(all, sighting{Reading{a.CustomerID, a.OrderID, string(order.Placed), a.Asked, a.Answered}, true})
		}
	}
	for _, r := range p.Readings {
		all = append(all, sighting{Reading: r})
	}
	return all
}

// isTrue: what was seen is there, the customer's own, and was so at some time. So two endings are never seen, even by
// readings that no time orders.
func (p *past) isTrue(v *Verdict, s sighting) {
	o := p.orders[s.OrderID]
	switch {
	case s.Status == "":
	case o == nil:
		v.failIf(!p.unreadable("orders/"+s.OrderID), s.OrderID, "customer %q saw it and there is no such order", s.CustomerID)
	case o.created().GetCustomerId() != s.CustomerID:
		v.fail(s.OrderID, "customer %q saw it, it is of customer %q", s.CustomerID, o.created().GetCustomerId())
	default:
		was := slices.Contains(statusesOf(o.Journal), order.Status(s.Status))
		v.failIf(!was, s.OrderID, "customer %q saw it %s, which it never was", s.CustomerID, s.Status)
	}
}

// statusesOf are where an order stood, one after another.
func statusesOf(j journal.Journal) (all []order.Status) {
	for n := range j.Entries {
		all = append(all, statusOf(journal.Journal{Entries: j.Entries[:n+1]}))
	}
	return all
}

// neverBack holds each reading against all that the customer had seen of the order when asking.
func neverBack(v *Verdict, own []sighting) {
	asked, answered := slices.Clone(own), slices.Clone(own)
	slices.SortStableFunc(asked, func(a, b sighting) int { return a.Asked.Compare(b.Asked) })
	slices.SortStableFunc(answered, func(a, b sighting) int { return a.Answered.Compare(b.Answered) })
	var seen []order.Status // each once
	for _, s := range asked {
		for len(answered) > 0 && !answered[0].Answered.After(s.Asked) {
			if status := order.Status(answered[0].Status); !slices.Contains(seen, status) {
				seen = append(seen, status)
			}
			answered = answered[1:]
		}
		for _, before := range seen {
			back := !s.placing && !mayFollow(before, order.Status(s.Status))
			v.failIf(back, s.OrderID, "customer %q saw it %s, and after that %s", s.CustomerID, before, cmp.Or(s.Status, "not at all"))
		}
	}
}

// mayFollow says that the table of states leads from one status to another.
func mayFollow(from, to order.Status) bool {
	if from == to {
		return true
	}
	for _, next := range orderMachine[from] {
		if next != from && mayFollow(next, to) {
			return true
		}
	}
	return false
}
