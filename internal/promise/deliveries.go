package promise

import (
	"slices"
)

func eventsFollowCommits(p *past, v *Verdict) {
	v.Checked = len(p.facts)
	p.commitsAreKept(v)
	p.publishedAsCommitted(v)
	p.deliveredAsSubscribed(v)
	p.reachEverybody(v)
}

// commitsAreKept: what was committed is in the journals, as it was, and nothing else is.
func (p *past) commitsAreKept(v *Verdict) {
	for _, e := range p.Committed {
		lost := !p.known[e.EventID] && !p.hidden(e.EventID)
		v.failIf(lost, orderOf(e.EventID), "%s was committed and no journal has it", e.EventID)
		v.failIf(e.Content != p.committed[e.EventID].Content, orderOf(e.EventID), "%s was committed as two different events", e.EventID)
	}
	for _, f := range p.facts {
		_, ok := p.committed[f.id]
		v.failIf(!ok, f.orderID, "%s is in a journal and was never committed", f.id)
	}
}

func (p *past) publishedAsCommitted(v *Verdict) {
	published := map[string]bool{}
	for _, e := range p.Published {
		published[e.EventID] = true
		switch c, ok := p.committed[e.EventID]; {
		case !ok:
			v.failIf(!p.poison[e.EventID], orderOf(e.EventID), "%s was published and never committed", e.EventID)
		case e.At.Before(c.At):
			v.fail(orderOf(e.EventID), "%s was published %s before its commit", e.EventID, c.At.Sub(e.At))
		case e.Content != c.Content:
			v.fail(orderOf(e.EventID), "%s was published as another event than was committed", e.EventID)
		}
	}
	for _, f := range p.facts {
		v.failIf(!published[f.id], f.orderID, "%s was never published", f.id)
	}
}

// deliveredAsSubscribed: nobody gets what did not happen, or has not yet, or what they did not subscribe to. Whoever has
// no subscription here, such as who parks, gets other things than events.
func (p *past) deliveredAsSubscribed(v *Verdict) {
	wanted, subscribed := map[Letter]bool{}, map[string]bool{}
	for _, s := range p.Subscriptions {
		subscribed[s.Consumer] = true
		for _, f := range p.facts {
			if s.matches(f) {
				wanted[Letter{s.Consumer, f.id}] = true
			}
		}
	}
	for _, d := range p.Deliveries {
		switch id := d.EventID; {
		case !p.known[id]:
			invented := d.Acknowledged && !p.poison[id] && !p.hidden(id)
			v.failIf(invented, orderOf(id), "%s took %s, which no journal has", d.Consumer, id)
		case d.At.Before(p.committed[id].At):
			v.fail(orderOf(id), "%s got %s before its commit", d.Consumer, id)
		case subscribed[d.Consumer] && !wanted[Letter{d.Consumer, id}]:
			v.fail(orderOf(id), "%s got %s and did not subscribe to it", d.Consumer, id)
		}
	}
}

func (s Subscription) matches(f fact) bool { return s.Type == f.name && (f.resume || !s.ResumeOnly) }

// reachEverybody: each event is taken by all who subscribed to it, or parked for them.
func (p *past) reachEverybody(v *Verdict) {
	done := setOf(slices.Concat(p.GivenUp, p.Parked))
	for _, d := range p.Deliveries {
		if d.Acknowledged {
			done[Letter{d.Consumer, d.EventID}] = true
		}
	}
	for _, s := range p.Subscriptions {
		for _, f := range p.facts {
			missed := s.matches(f) && !done[Letter{s.Consumer, f.id}]
			v.failIf(missed, f.orderID, "%s never took %s", s.Consumer, f.id)
		}
	}
}

// poisonIsParked: what could not be handled is kept for a person, and nothing else is.
func poisonIsParked(p *past, v *Verdict) {
	v.Checked = len(p.Poison) + len(p.GivenUp) + len(p.Parked)
	sent, givenUp, parked := setOf(p.Poison), setOf(p.GivenUp), setOf(p.Parked)
	for _, l := range p.Poison {
		v.failIf(!parked[l], orderOf(l.EventID), "%s cannot handle %s, and it is not parked", l.Consumer, l.EventID)
	}
	for _, l := range p.GivenUp {
		v.failIf(!parked[l], orderOf(l.EventID), "%s was given up on for %s, and it is not parked", l.EventID, l.Consumer)
	}
	for _, l := range p.Parked {
		v.failIf(!sent[l] && !givenUp[l], orderOf(l.EventID), "%s is parked for %s, which could handle it", l.EventID, l.Consumer)
	}
}

func setOf(letters []Letter) map[Letter]bool {
	set := map[Letter]bool{}
	for _, l := range letters {
		set[l] = true
	}
	return set
}
