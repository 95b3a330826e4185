package promise

import (
	"fmt"
	"path"
	"strings"
	"time"

	"orderflow.dev/internal/journal"
)

// CheckHistory holds every promise that stores alone cannot show against a run that came to rest: what is not done by
// then will never be.
func CheckHistory(w World, h History) []Verdict {
	p := newPast(w, h)
	return []Verdict{
		p.run(SameKeySameAnswer, "keys", sameKeySameAnswer),
		p.run(RefusedOnlyWhenShort, "refusals", refusedOnlyWhenShort),
		p.run(ReadsSeeAnswers, "readings", readsSeeAnswers),
		p.run(EventsFollowCommits, "events", eventsFollowCommits),
		p.run(ToldOnce, "ended orders", toldOnce),
		p.run(PoisonIsParked, "letters", poisonIsParked),
		p.run(UndoneOnce, "undone steps", undoneOnce),
		p.run(CancellationWasAsked, "cancellations by somebody", cancellationWasAsked),
		p.run(ReplayChangesNothing, "documents", replayChangesNothing),
	}
}

// past is a world and what led to it, with its indexes.
type past struct {
	*check
	History

	facts     []fact
	known     map[string]bool     // facts, by id
	committed map[string]Happened // by id: when it was first
	poison    map[string]bool     // ids of what nobody can handle
}

// fact is an event that a journal has, under the id that it is published by.
type fact struct {
	id, orderID, name string
	resume            bool
}

func newPast(w World, h History) *past {
	c := newCheck(w, time.Time{}, true)
	p := &past{check: c, History: h, known: map[string]bool{}, committed: map[string]Happened{}, poison: map[string]bool{}}
	for i := range w.Orders {
		p.tell("orders", w.Orders[i].ID, w.Orders[i].Journal)
	}
	for i := range w.Payments {
		p.tell("payments", w.Payments[i].OrderID, w.Payments[i].Journal)
	}
	for _, e := range h.Committed {
		if first, ok := p.committed[e.EventID]; !ok || e.At.Before(first.At) {
			p.committed[e.EventID] = e
		}
	}
	for _, l := range h.Poison {
		p.poison[l.EventID] = true
	}
	return p
}

func (p *past) tell(collection, orderID string, j journal.Journal) {
	for _, e := range j.Entries {
		f := fact{eventID(collection, orderID, e.Event.GetSeq()), orderID, nameOf(e.Event), e.Resume}
		p.facts = append(p.facts, f)
		p.known[f.id] = true
	}
}

func (p *past) run(name, what string, promise func(*past, *Verdict)) Verdict {
	return p.check.run(name, what, func(_ *check, v *Verdict) { promise(p, v) })
}

func eventID(collection, orderID string, seq int64) string {
	return fmt.Sprintf("%s/%s/%d", collection, orderID, seq)
}

// orderOf is the order that an event's id names; empty if it is no event of ours.
func orderOf(eventID string) string {
	parts := strings.Split(eventID, "/")
	if len(parts) != 3 || parts[0] != "orders" && parts[0] != "payments" {
		return ""
	}
	return parts[1]
}

// hidden says that an event may be in a document that nobody can read.
func (p *past) hidden(eventID string) bool { return p.unreadable(path.Dir(eventID)) }

// committedAt is when an order's event of a name was committed; zero if that is not known.
func (p *past) committedAt(o *Order, name string) (at time.Time) {
	for _, e := range o.Journal.Entries {
		if nameOf(e.Event) == name {
			at = p.committed[eventID("orders", o.ID, e.Event.GetSeq())].At
		}
	}
	return at
}

// grouped puts items of one key together, in the order in which keys are first met.
func grouped[K comparable, T any](items []T, keyOf func(T) K) (groups [][]T) {
	at := map[K]int{}
	for _, item := range items {
		key := keyOf(item)
		i, ok := at[key]
		if !ok {
			i = len(groups)
			at[key], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], item)
	}
	return groups
}
