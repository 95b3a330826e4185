package promise

import (
	"slices"
	"time"

	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/journal"
)

// journalIsLegal: gap-free and a path through the state machine. Clocks differ, so times need not ascend.
func journalIsLegal(c *check, v *Verdict) {
	v.Checked = len(c.Orders) + len(c.Payments) + len(c.Unreadable)
	for _, u := range c.Unreadable {
		v.fail(u.OrderID, "%s cannot be read: %s", u.Path, u.Why)
	}
	for i := range c.Orders {
		o := &c.Orders[i]
		gapFree(v, o.ID, "orders", o.Journal)
		if _, err := walk(o.Journal); err != nil {
			v.fail(o.ID, "%s", err)
		}
		v.failIf(len(o.Journal.Entries) == 0, o.ID, "its journal is empty")
		reasons := reasonsOf(o.Journal)
		v.failIf(len(slices.Compact(reasons)) > 1, o.ID, "its reasons differ: %q", reasons)
		o.repeats(v)
	}
	for i := range c.Payments {
		p := &c.Payments[i]
		gapFree(v, p.OrderID, "payments", p.Journal)
		v.failIf(!slices.ContainsFunc(allHistories(), func(h string) bool { return h == history(p.Journal) }),
			p.OrderID, "no payment has the history %s", history(p.Journal))
	}
}

func allHistories() (all []string) {
	for _, h := range paymentJournals {
		all = append(all, h...)
	}
	return all
}

// repeats checks what an order's later events repeat of its first.
func (o *Order) repeats(v *Verdict) {
	created := o.created()
	for _, e := range o.Journal.Entries {
		last, ok := e.Event.(interface {
			GetCustomerId() string
			journal.Event
		})
		if !ok {
			continue
		}
		v.failIf(last.GetCustomerId() != created.GetCustomerId(), o.ID, "its %s is of customer %q", nameOf(e.Event), last.GetCustomerId())
		if _, ok := e.Event.(interface{ GetTotal() *typev1.Money }); !ok {
			continue // a refund, whose amount is its own
		}
		v.failIf(!sameMoney(totalOf(e.Event), created.GetTotal()), o.ID, "its %s says %s, not its total", nameOf(e.Event), price(totalOf(e.Event)))
	}
}

func gapFree(v *Verdict, orderID, collection string, j journal.Journal) {
	for i, e := range j.Entries {
		v.failIf(e.Event.GetSeq() != int64(i+1), orderID, "event %d of %s has seq %d", i+1, collection, e.Event.GetSeq())
		at := e.Event.GetEventTime()
		v.failIf(!at.IsValid() || at.AsTime().Unix() <= 0, orderID, "event %d of %s has no time", i+1, collection)
	}
}

// fieldsMatchJournal: what is stored for queries and sweeps says what the journal says.
func fieldsMatchJournal(c *check, v *Verdict) {
	v.Checked = len(c.Orders) + len(c.Payments)
	for i := range c.Orders {
		c.Orders[i].matches(v)
	}
	for i := range c.Payments {
		p := &c.Payments[i]
		possible, known := paymentJournals[p.State]
		v.failIf(!known || !slices.Contains(possible, history(p.Journal)), p.OrderID,
			"its payment is %s, whose journal cannot be %q", p.State, history(p.Journal))
	}
}

func (o *Order) matches(v *Verdict) {
	status := statusOf(o.Journal)
	created := o.created()
	f := o.Fields
	v.failIf(f.Status != string(status), o.ID, "its status is %q, its journal says %q", f.Status, status)
	v.failIf(f.CustomerID != created.GetCustomerId(), o.ID, "its customer_id is %q, its journal says %q", f.CustomerID, created.GetCustomerId())
	apart := f.CreateTime.Sub(created.GetEventTime().AsTime()).Abs() // a store keeps microseconds
	v.failIf(apart > time.Microsecond, o.ID, "its create_time is %s off", apart)
	swept := f.InSweep && !f.NextAttempt.IsZero()
	v.failIf(!final(status) && !swept, o.ID, "it is %s and no sweep will look at it", status)
	v.failIf(final(status) && (f.InSweep || !f.NextAttempt.IsZero()), o.ID, "it is %s and still in the sweep", status)
}

// unpublishedFor is how long the sweep may take to publish what a crash kept back: its grace, its minute, and time to
// spare.
const unpublishedFor = 5 * time.Minute

func eventsArePublished(c *check, v *Verdict) {
	v.Checked = len(c.Orders) + len(c.Payments)
	for i := range c.Orders {
		c.published(v, c.Orders[i].ID, "orders", c.Orders[i].Journal, c.Orders[i].Sweep)
	}
	for i := range c.Payments {
		c.published(v, c.Payments[i].OrderID, "payments", c.Payments[i].Journal, c.Payments[i].Sweep)
	}
	if !c.quiet {
		v.Note = "while something is on its way, only what is overdue or out of the sweep's sight"
	}
}

func (c *check) published(v *Verdict, orderID, collection string, j journal.Journal, s Sweep) {
	events := int64(len(j.Entries))
	visible := s.InShard && !s.Since.IsZero()
	switch {
	case j.Published < 0 || j.Published > events:
		v.fail(orderID, "%s: its mark is %d of %d events", collection, j.Published, events)
	case j.Published < events && !visible:
		v.fail(orderID, "%s: %d of %d events are published and the sweep cannot see it", collection, j.Published, events)
	case j.Published < events && (c.quiet || c.now.Sub(s.Since) > unpublishedFor):
		v.fail(orderID, "%s: %d of %d events are published, for %s now", collection, j.Published, events, c.now.Sub(s.Since).Round(time.Second))
	case j.Published == events && c.quiet && (s.InShard || !s.Since.IsZero()):
		v.fail(orderID, "%s: everything is published and it is still in the sweep", collection)
	}
}
