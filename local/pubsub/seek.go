package pubsub

import (
	"time"

	"github.com/tidwall/btree"
)

// deliveries are those of all messages there, the oldest first.
func (s *subscription) deliveries() []*delivery { return s.backlog.Values() }

// seek makes everything before a time acknowledged, and everything else that is still there unacknowledged: what the
// subscription has, and what its topic keeps. Leases end. Messages after the last one stay as they are: they are there
// only if a log tells of a seek that a snapshot knows. The caller has the server's lock.
func (s *subscription) seek(to time.Time, last int64) {
	var kept []*message
	if s.topic != nil {
		kept = s.topic.messages()
	}
	s.update(func(time.Time) {
		if s.gone != nil {
			return
		}
		all := s.empty()
		for _, m := range kept {
			if _, ok := all.Get(m.id); !ok && m.id <= last && s.filter(m.body.GetAttributes()) {
				all.Set(m.id, &delivery{message: m})
			}
		}
		all.Scan(func(_ int64, d *delivery) bool {
			s.replace(d, d.id <= last && d.published.Before(to) || d.id > last && d.state == retained)
			return true
		})
	})
}

// empty takes everything out of the subscription, and answers it. What was retained is told by its state.
func (s *subscription) empty() *btree.Map[int64, *delivery] {
	all := s.backlog
	s.backlog = btree.Map[int64, *delivery]{}
	all.Scan(func(_ int64, d *delivery) bool {
		s.clear(d)
		if d.state != retained {
			d.state = dropped
		}
		if l := d.line; l != nil {
			l.queue, l.next = nil, 0
			s.settle(l)
		}
		return true
	})
	return &all
}

// replace puts in a message that was taken out, or that only the topic had.
func (s *subscription) replace(d *delivery, acknowledged bool) {
	switch {
	case !acknowledged:
		again := s.enqueue(d.message)
		again.failures, again.attempts = d.failures, d.attempts
	case s.retain:
		s.backlog.Set(d.id, &delivery{message: d.message, state: retained})
	}
}
