package pubsub

import (
	"container/list"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/proto"
)

// message is a published message. All subscriptions that have it share it, and nobody changes it.
type message struct {
	id        int64
	published time.Time
	size      int64 // bytes
	body      *pubsubpb.PubsubMessage
}

func newMessage(id int64, body *pubsubpb.PubsubMessage) *message {
	return &message{id: id, published: body.GetPublishTime().AsTime(), size: int64(proto.Size(body)), body: body}
}

// state is where a message is on its way to the subscribers of one subscription.
type state int

const (
	waiting  state = iota // for its turn in its line
	leased                // handed out, until the deadline
	resting               // failed, may be handed out again at the deadline
	leaving               // failed for the last time, about to be published to the dead-letter topic
	done                  // acknowledged before one that comes earlier in its line
	retained              // acknowledged, and kept for a seek
	dropped               // no longer in the subscription
)

// delivery is a message of a subscription.
type delivery struct {
	*message
	state    state
	line     *line
	lease    int64     // of the last hand-out
	deadline time.Time // of the state
	holder   *consumer // of the lease
	failures int       // hand-outs that ended without an acknowledgement
	attempts int32     // the same, while there was a dead-letter policy
}

// line is messages that are delivered one after the other: all that have the same ordering key, or any other message
// alone.
type line struct {
	key    string      // empty for a message alone
	queue  []*delivery // what is not acknowledged, as it was published
	next   int         // the first of queue that is not handed out
	leased int         // how many are
	owner  *consumer   // who has them; what comes after goes to the same
	in     *list.List  // where the line waits for a consumer, if it does
	place  *list.Element
}

// alone is the line of a message that has no ordering key.
func alone(m *message) *delivery {
	a := &struct {
		d     delivery
		l     line
		queue [1]*delivery
	}{d: delivery{message: m}}
	a.d.line, a.queue[0] = &a.l, &a.d
	a.l.queue = a.queue[:]
	return &a.d
}

func (l *line) index(d *delivery) int {
	for i := range l.queue {
		if l.queue[i] == d {
			return i
		}
	}
	return -1
}

// handable says whether the next message may be handed out now.
func (l *line) handable() bool { return l.next < len(l.queue) && l.queue[l.next].state == waiting }

// pop takes away the first message.
func (l *line) pop() *delivery {
	d := l.queue[0]
	l.remove(0)
	return d
}

// remove forgets what was there, so that its memory is freed; the first is taken without moving the others.
func (l *line) remove(i int) {
	if i < l.next {
		l.next--
	}
	if i > 0 {
		copy(l.queue[i:], l.queue[i+1:])
		l.queue[len(l.queue)-1] = nil
		l.queue = l.queue[:len(l.queue)-1]
		return
	}
	l.queue[0] = nil
	l.queue = l.queue[1:]
}

// consumer is a stream or a pull that takes messages from a subscription. The subscription's lock guards it.
type consumer struct {
	wake        chan struct{} // has room for one: there may be something to take
	ackDeadline time.Duration // of what it takes
	maxMessages int64         // that it may have at once; any number if 0
	maxBytes    int64
	messages    int64 // that it has
	bytes       int64
	lines       list.List     // whose earlier messages it has
	place       *list.Element // among the consumers that wait
	woken       bool          // because there is something to take, and has not come for it yet
	closed      bool
}

func newConsumer(ackDeadline time.Duration) *consumer {
	return &consumer{wake: make(chan struct{}, 1), ackDeadline: ackDeadline}
}

func (c *consumer) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *consumer) full() bool {
	return c.maxMessages > 0 && c.messages >= c.maxMessages || c.maxBytes > 0 && c.bytes >= c.maxBytes
}
