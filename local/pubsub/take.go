package pubsub

import (
	"container/list"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

const (
	batchMessages = 1000    // of one response
	batchBytes    = 1 << 20 // after which a response is full
)

// batch is what a consumer takes at once.
type batch struct {
	deliveries []*delivery
	received   []*pubsubpb.ReceivedMessage
	bytes      int64
	max        int
}

func (b *batch) full() bool { return len(b.received) >= b.max || b.bytes >= batchBytes }

// take hands out messages to a consumer. If there are none it is woken when there may be, unless it is full: then
// when it no longer is. The error says why there will be none any more.
func (s *subscription) take(c *consumer, limit int) (b batch, err error) {
	b.max = min(limit, batchMessages)
	s.update(func(now time.Time) {
		turn := s.arrived(c)
		if err = s.gone; err != nil {
			return
		}
		for c.lines.Len() > 0 && s.room(&b, c) {
			s.hand(c.lines.Front(), &b, c, now)
		}
		for share := s.share(turn); share > 0 && s.room(&b, c); share-- {
			s.hand(s.ready.Front(), &b, c, now)
		}
		if s.ready.Len() > 0 {
			s.wakeOne()
		}
		if len(b.received) == 0 && !c.full() && c.place == nil {
			c.place = s.idle.PushBack(c)
		}
	})
	return b, err
}

// share is how many of the ready lines a consumer may take: its part, if others wait for some. While others are on
// their way that were woken before, it is not its turn.
func (s *subscription) share(turn bool) int {
	if !turn && s.woken > 0 {
		return 0
	}
	others := s.idle.Len() + s.woken
	return (s.ready.Len() + others) / (others + 1)
}

func (s *subscription) room(b *batch, c *consumer) bool { return !b.full() && !c.full() }

// hand gives a consumer what it can take from a line. What is left of the line stays with the consumer.
func (s *subscription) hand(place *list.Element, b *batch, c *consumer, now time.Time) {
	l := place.Value.(*line)
	for l.handable() && s.room(b, c) {
		d := l.queue[l.next]
		l.next++
		l.leased++
		l.owner = c
		d.state, d.holder, d.lease, d.deadline = leased, c, s.server.leases.Add(1), now.Add(c.ackDeadline)
		s.deadlines.Set(d)
		c.messages++
		c.bytes += d.size
		b.bytes += d.size
		b.deliveries = append(b.deliveries, d)
		b.received = append(b.received, s.received(d))
	}
	s.settle(l)
}

// received counts the attempts only if there is a dead-letter policy, as in production.
func (s *subscription) received(d *delivery) *pubsubpb.ReceivedMessage {
	m := &pubsubpb.ReceivedMessage{AckId: s.ackID(d), Message: d.body}
	if s.maxAttempts > 0 {
		m.DeliveryAttempt = d.attempts + 1
	}
	return m
}

// giveBack undoes a take whose messages did not reach the consumer. It does not count as a failure.
func (s *subscription) giveBack(b batch) {
	s.update(func(time.Time) {
		for i, d := range b.deliveries {
			if d.state == leased && s.ackID(d) == b.received[i].GetAckId() {
				s.rewind(d)
				s.settle(d.line)
			}
		}
	})
}

// leave ends a consumer. Its leases go on; what waited for it goes to others, as does its wake-up.
func (s *subscription) leave(c *consumer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.closed = true
	s.arrived(c)
	if c.place != nil {
		s.idle.Remove(c.place)
		c.place = nil
	}
	for c.lines.Len() > 0 {
		s.settle(c.lines.Front().Value.(*line))
	}
	if s.ready.Len() > 0 {
		s.wakeOne()
	}
}

// setTimer lets the timer ring at the next deadline, or when the oldest message has been kept long enough. One that
// rings too early is set again then, which is cheaper than to set it for every lease that ends.
func (s *subscription) setTimer(now time.Time) {
	next := s.nextDeadline()
	if s.gone != nil || next.IsZero() || !s.alarm.IsZero() && !next.Before(s.alarm) {
		return
	}
	s.alarm = next
	in := max(next.Sub(now), 0)
	if s.timer == nil {
		s.timer = time.AfterFunc(in, s.ring)
		return
	}
	s.timer.Reset(in)
}

func (s *subscription) nextDeadline() (next time.Time) {
	if d, ok := s.deadlines.Min(); ok {
		next = d.deadline
	}
	if _, oldest, ok := s.backlog.Min(); ok {
		if end := oldest.published.Add(s.retention); next.IsZero() || end.Before(next) {
			next = end
		}
	}
	return next
}

func (s *subscription) ring() {
	s.update(func(now time.Time) {
		s.alarm = time.Time{}
		for d, ok := s.deadlines.Min(); ok && !d.deadline.After(now); d, ok = s.deadlines.Min() {
			s.elapse(d, now)
		}
		for _, d, ok := s.backlog.Min(); ok && !d.published.Add(s.retention).After(now); _, d, ok = s.backlog.Min() {
			s.drop(d)
		}
	})
}

func (s *subscription) elapse(d *delivery, now time.Time) {
	if d.state == leased {
		s.fail(d, now)
		return
	}
	s.clear(d)
	d.state = waiting
	s.settle(d.line)
}
