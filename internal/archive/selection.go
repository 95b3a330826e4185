package archive

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"orderflow.dev/internal/platform/event"
)

// Selection takes what is to be published again from what is read: each event of a window once, as it was published
// first. It may be used concurrently.
type Selection struct {
	Window Window
	Order  string // only events about this order; empty: all

	mu     sync.Mutex
	events map[string]Event // by id
	counts map[string]*Counts
}

// Event is an event as it was published first.
type Event struct {
	Aggregate   string // whose order is kept: //orderflow.dev/orders and the id
	PublishTime time.Time
	Message     event.Message
	decoded     *event.Event
}

// ID is the event's id, which names it for good: orders/{id}/1.
func (e Event) ID() string { return e.decoded.ID }

// Type is the event's type, which is its topic too.
func (e Event) Type() string { return e.decoded.Type }

// Counts are the messages of one topic in the window, and why some of them are left out.
type Counts struct {
	Found   int // all
	Again   int // left out: the event is there already; a delivery or a publication that was repeated
	Replays int // left out: published by an earlier replay
	Others  int // left out: about another order
	Broken  int // left out: no event, which nothing can take
}

// Selected is how many events are to be published again.
func (c Counts) Selected() int { return c.Found - c.Again - c.Replays - c.Others - c.Broken }

// Add takes a message of a topic, if it is one of the window.
func (s *Selection) Add(topic string, r Record) {
	if !s.Window.Contains(r.PublishTime) {
		return
	}
	e, err := event.Decode(r.Message())
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.countsOf(topic)
	n.Found++
	switch {
	case err != nil || e.Type != topic:
		n.Broken++
	case e.Replay != "":
		n.Replays++
	case s.Order != "" && e.Subject != s.Order:
		n.Others++
	default:
		s.keep(n, Event{e.Source + "/" + e.Subject, r.PublishTime, r.Message(), e})
	}
}

// keep keeps the earliest of an event's messages.
func (s *Selection) keep(n *Counts, e Event) {
	if s.events == nil {
		s.events = map[string]Event{}
	}
	before, again := s.events[e.ID()]
	if again {
		n.Again++
	}
	if !again || e.PublishTime.Before(before.PublishTime) {
		s.events[e.ID()] = e
	}
}

func (s *Selection) countsOf(topic string) *Counts {
	if s.counts == nil {
		s.counts = map[string]*Counts{}
	}
	if s.counts[topic] == nil {
		s.counts[topic] = &Counts{}
	}
	return s.counts[topic]
}

// Counts are the messages of a topic so far.
func (s *Selection) Counts(topic string) Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.countsOf(topic)
}

// Events are the selected events, by publish time; those of one time by their place in the journal.
func (s *Selection) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := make([]Event, 0, len(s.events))
	for _, e := range s.events {
		events = append(events, e)
	}
	slices.SortFunc(events, func(a, b Event) int {
		return cmp.Or(a.PublishTime.Compare(b.PublishTime), cmp.Compare(a.decoded.Seq, b.decoded.Seq), cmp.Compare(a.ID(), b.ID()))
	})
	return events
}
