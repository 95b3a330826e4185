package pubsub

import (
	"container/list"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/tidwall/btree"
)

// subscription is the messages that its subscribers have not acknowledged, and who has which of them.
//
// Lines with a message to hand out wait in ready, or with the consumer that has the earlier messages of the line.
// Consumers with nothing to take wait in idle. Whenever a line becomes ready the first of them is woken, and it wakes
// the next if it leaves something: no wake-up is lost and nobody polls.
type subscription struct {
	server *Server
	name   string
	mark   string // in its ack ids
	since  int64  // it gets messages published after this one
	topic  *topic // nil if deleted or detached; the server's lock guards it

	mu     sync.Mutex
	config *pubsubpb.Subscription // never changed, only replaced
	settings
	gone      error                       // why there is nothing to take any more; nil while there may be
	ended     chan struct{}               // closed when gone is set
	backlog   btree.Map[int64, *delivery] // by message id, hence by time
	keys      map[string]*line
	ready     list.List // of *line
	idle      list.List // of *consumer
	woken     int       // consumers
	deadlines *btree.BTreeG[*delivery]
	timer     *time.Timer
	alarm     time.Time   // when the timer rings; zero if it does not
	finished  []int64     // acknowledged, not yet in the log
	dead      []*delivery // to be forwarded
}

func newSubscription(s *Server, config *pubsubpb.Subscription, since int64, to settings) *subscription {
	sooner := func(a, b *delivery) bool {
		if a.deadline.Equal(b.deadline) {
			return a.id < b.id
		}
		return a.deadline.Before(b.deadline)
	}
	return &subscription{
		server: s, name: config.GetName(), mark: markOf(config.GetName()), since: since, config: config, settings: to,
		ended: make(chan struct{}), keys: map[string]*line{},
		deadlines: btree.NewBTreeGOptions(sooner, btree.Options{NoLocks: true}),
	}
}

// update makes a change and does what follows from it: the log learns of acknowledgements, the timer is set, and what
// has failed for good is forwarded.
func (s *subscription) update(change func(now time.Time)) (logged position) {
	s.mu.Lock()
	now := s.server.now()
	change(now)
	logged = s.log()
	s.setTimer(now)
	dead := s.dead
	s.dead = nil
	s.mu.Unlock()
	for _, d := range dead {
		s.server.forward(s, d)
	}
	return logged
}

// add takes in a message that was published.
func (s *subscription) add(m *message) {
	if s.gone != nil || m.id <= s.since || !s.filter(m.body.GetAttributes()) {
		return
	}
	if _, ok := s.backlog.Get(m.id); ok {
		return
	}
	s.enqueue(m)
}

func (s *subscription) enqueue(m *message) *delivery {
	d := s.inLine(m)
	s.backlog.Set(m.id, d)
	s.settle(d.line)
	return d
}

func (s *subscription) inLine(m *message) *delivery {
	key := m.body.GetOrderingKey()
	if !s.ordered || key == "" {
		return alone(m)
	}
	l := s.keys[key]
	if l == nil {
		l = &line{key: key}
		s.keys[key] = l
	}
	d := &delivery{message: m, line: l}
	l.queue = append(l.queue, d)
	return d
}

// settle puts a line where it belongs after a change, and wakes who may take from it.
func (s *subscription) settle(l *line) {
	to := s.listOf(l)
	if l.in != to {
		if l.in != nil {
			l.in.Remove(l.place)
		}
		l.in, l.place = to, nil
		if to != nil {
			l.place = to.PushBack(l)
		}
		switch to {
		case nil:
		case &s.ready:
			s.wakeOne()
		default:
			l.owner.signal()
		}
	}
	if len(l.queue) == 0 && l.key != "" {
		delete(s.keys, l.key)
	}
}

// listOf is nil for a line that nobody may take from now. One whose owner left waits until the owner's leases end.
func (s *subscription) listOf(l *line) *list.List {
	switch {
	case !l.handable():
		return nil
	case l.owner == nil:
		return &s.ready
	case l.owner.closed:
		return nil
	}
	return &l.owner.lines
}

func (s *subscription) wakeOne() {
	if first := s.idle.Front(); first != nil {
		c := s.idle.Remove(first).(*consumer)
		c.place, c.woken = nil, true
		s.woken++
		c.signal()
	}
}

// arrived notes that a consumer is here, or will not come, and says whether it was woken.
func (s *subscription) arrived(c *consumer) (woken bool) {
	if woken = c.woken; woken {
		c.woken = false
		s.woken--
	}
	return woken
}
