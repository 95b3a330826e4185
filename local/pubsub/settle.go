package pubsub

import (
	"time"
)

// acknowledge says whether the message was, or may have been, acknowledged by this lease. Without ordering and
// exactly-once delivery that of a lease that ended is as good, as long as the message is there.
func (s *subscription) acknowledge(id, lease int64) bool {
	d, ok := s.backlog.Get(id)
	if !ok || d.state == done || d.state == retained || d.state == leaving {
		return false
	}
	current := d.state == leased && d.lease == lease
	if !current && (d.line.key != "" || s.exactlyOnce) {
		return false
	}
	s.finish(d)
	return true
}

// finish acknowledges; in a line the acknowledgement counts once all before it are acknowledged, as until then a
// failure of one of these brings the message again.
func (s *subscription) finish(d *delivery) {
	l := d.line
	s.clear(d)
	d.state = done
	for len(l.queue) > 0 && l.queue[0].state == done {
		s.keep(l.pop())
	}
	s.settle(l)
}

// keep forgets an acknowledged message, or retains it.
func (s *subscription) keep(d *delivery) {
	s.finished = append(s.finished, d.id)
	d.line = nil
	if s.retain {
		d.state = retained
		return
	}
	d.state = dropped
	s.backlog.Delete(d.id)
}

// clear ends what has a deadline.
func (s *subscription) clear(d *delivery) {
	if d.state == leased || d.state == resting {
		s.deadlines.Delete(d)
	}
	if d.state != leased {
		return
	}
	c, l := d.holder, d.line
	d.holder = nil
	wasFull := c.full()
	c.messages--
	c.bytes -= d.size
	if wasFull {
		c.signal()
	}
	if l.leased--; l.leased == 0 {
		l.owner = nil
	}
}

// fail ends a lease without an acknowledgement. It may be the last one; else the message is delivered again, after the
// backoff, and with it those that come after it in its line.
func (s *subscription) fail(d *delivery, now time.Time) {
	d.failures++
	if s.maxAttempts > 0 {
		d.attempts++
	}
	s.rewind(d)
	pause := s.backoff(d.failures)
	switch {
	case s.maxAttempts > 0 && d.attempts >= s.maxAttempts:
		d.state = leaving
		s.dead = append(s.dead, d)
	case pause > 0:
		s.rest(d, now.Add(pause))
	}
	s.settle(d.line)
}

func (s *subscription) rest(d *delivery, until time.Time) {
	d.state, d.deadline = resting, until
	s.deadlines.Set(d)
}

// rewind lets a line go back to a message that was handed out.
func (s *subscription) rewind(d *delivery) {
	l := d.line
	from := l.index(d)
	for _, later := range l.queue[from:l.next] {
		if later.state == leased || later.state == done {
			s.clear(later)
			later.state = waiting
		}
	}
	l.next = min(l.next, from)
}

// extend gives a lease a new deadline, none gives the message back. It says whether the lease is still there.
func (s *subscription) extend(id, lease int64, by time.Duration, now time.Time) bool {
	d, ok := s.backlog.Get(id)
	if !ok || d.state != leased || d.lease != lease {
		return false
	}
	if by == 0 {
		s.fail(d, now)
		return true
	}
	s.deadlines.Delete(d)
	d.deadline = now.Add(by)
	s.deadlines.Set(d)
	return true
}

// drop takes a message out of the subscription.
func (s *subscription) drop(d *delivery) {
	s.clear(d)
	d.state = dropped
	s.backlog.Delete(d.id)
	if l := d.line; l != nil {
		l.remove(l.index(d))
		for len(l.queue) > 0 && l.queue[0].state == done {
			s.keep(l.pop())
		}
		s.settle(l)
	}
}
