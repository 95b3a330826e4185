package promise

import (
	"maps"
	"slices"
	"strings"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/order"
)

// toldOnce: a customer hears of each ending, and of nothing else.
func toldOnce(p *past, v *Verdict) {
	type ending struct{ orderID, ending string }
	told, of := map[ending]bool{}, map[string]string{}
	for _, same := range grouped(p.Messages, func(m Message) ending { return ending{m.OrderID, m.Ending} }) {
		told[ending{same[0].OrderID, same[0].Ending}] = true
		p.rightlyTold(v, same)
	}
	for _, m := range p.Messages { // who gets it drops what has an id that was there before
		other, ok := of[m.ID]
		v.failIf(ok && other != m.OrderID, m.OrderID, "its message has the id %s of order %s's", m.ID, other)
		of[m.ID] = m.OrderID
	}
	parked := map[string]bool{} // what was given up on waits for a person, and is told once it is replayed
	for _, l := range p.GivenUp {
		parked[l.EventID] = true
	}
	for i := range p.Orders {
		o := &p.Orders[i]
		if status := statusOf(o.Journal); final(status) {
			v.Checked++
			last := eventID("orders", o.ID, int64(o.endedAt()+1))
			v.failIf(!told[ending{o.ID, string(status)}] && !parked[last], o.ID, "it is %s and its customer was not told", status)
		}
	}
}

// endings are the events that end an order.
var endings = map[string]string{string(order.Confirmed): "OrderConfirmed", string(order.Cancelled): "OrderCancelled"}

// rightlyTold checks the messages of one order and ending.
func (p *past) rightlyTold(v *Verdict, same []Message) {
	m := same[0]
	o := p.orders[m.OrderID]
	if o == nil {
		v.failIf(!p.unreadable("orders/"+m.OrderID), m.OrderID, "somebody was told that it is %s, and there is no such order", m.Ending)
		return
	}
	status := statusOf(o.Journal)
	v.failIf(!final(status) || m.Ending != string(status), o.ID, "its customer was told that it is %s, it is %s", m.Ending, status)
	v.failIf(len(same) > 1+p.Excused[m.ID], o.ID, "its customer was told %d times, of which %d are excused", len(same), p.Excused[m.ID])
	decided := p.committedAt(o, endings[m.Ending])
	for _, again := range same {
		v.failIf(again.ID != m.ID, o.ID, "its messages have two ids: %s, %s", m.ID, again.ID)
		v.failIf(again.At.Before(decided), o.ID, "its customer was told that it is %s before it was", status)
	}
}

// undoneOnce: an undoing follows the decision to cancel, once.
func undoneOnce(p *past, v *Verdict) {
	v.Checked = len(p.Undone)
	type step struct{ orderID, step string }
	for _, times := range grouped(p.Undone, func(u Undone) step { return step{u.OrderID, u.Step} }) {
		u := times[0]
		v.failIf(len(times) > 1, u.OrderID, "its %s was done %d times", u.Step, len(times))
		v.failIf(u.Step != "refund" && u.Step != "release", u.OrderID, "%q was undone, which is no step", u.Step)
		for _, u := range times {
			p.rightlyUndone(v, u)
		}
	}
}

func (p *past) rightlyUndone(v *Verdict, u Undone) {
	o := p.orders[u.OrderID]
	if o == nil {
		v.failIf(!p.unreadable("orders/"+u.OrderID), u.OrderID, "its %s was done and there is no such order", u.Step)
		return
	}
	status := statusOf(o.Journal)
	v.failIf(status != order.Cancelled, o.ID, "its %s was done and it is %s", u.Step, status)
	decided := p.committedAt(o, "OrderCancellationStarted")
	v.failIf(u.At.Before(decided), o.ID, "its %s was done before its cancellation was decided", u.Step)
}

// cancellationWasAsked: nobody's order is cancelled in their name, or in an operator's.
func cancellationWasAsked(p *past, v *Verdict) {
	type request struct{ orderID, customerID, operator string }
	asked := map[request]bool{}
	for _, a := range p.Asked {
		asked[request{a.OrderID, a.CustomerID, a.Operator}] = true
	}
	for i := range p.Orders {
		o := &p.Orders[i]
		reason := append(reasonsOf(o.Journal), "")[0]
		if reason != string(order.ByCustomer) && reason != string(order.ByOperator) {
			continue
		}
		v.Checked++
		if reason == string(order.ByOperator) {
			v.failIf(!asked[request{orderID: o.ID, operator: o.cancelledBy()}], o.ID, "it is cancelled by operator %q, who did not ask for it", o.cancelledBy())
			continue
		}
		unasked := !asked[request{orderID: o.ID, customerID: o.created().GetCustomerId()}]
		v.failIf(unasked, o.ID, "it is cancelled by its customer, who did not ask for it")
	}
}

// cancelledBy is the operator who cancelled an order; empty if none did.
func (o *Order) cancelledBy() (by string) {
	for _, e := range o.Journal.Entries {
		if c, ok := e.Event.(*eventv1.OrderCancellationStarted); ok {
			by = c.GetBy()
		}
	}
	return by
}

func replayChangesNothing(p *past, v *Verdict) {
	if p.Replay == nil {
		v.Note = "nothing was replayed"
		return
	}
	before, after := p.Replay.Before, p.Replay.After
	v.Checked = len(before)
	v.failIf(len(before) == 0 && len(p.Orders) > 0, "", "nothing was recorded before the replay")
	for _, path := range slices.Sorted(maps.Keys(before)) {
		text, there := after[path]
		v.failIf(!there, p.orderIn(path), "%s is gone after the replay", path)
		v.failIf(there && text != before[path], p.orderIn(path), "%s is another after the replay", path)
	}
	for _, path := range slices.Sorted(maps.Keys(after)) {
		_, there := before[path]
		v.failIf(!there, p.orderIn(path), "%s is there since the replay", path)
	}
}

// orderIn is the order that a path names; empty if none.
func (p *past) orderIn(path string) string {
	for _, part := range strings.Split(path, "/") {
		if p.orders[part] != nil {
			return part
		}
	}
	return ""
}
