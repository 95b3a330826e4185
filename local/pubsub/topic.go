package pubsub

import (
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	deletedTopic  = "_deleted-topic_"
	deletedSchema = "_deleted-schema_"
)

// topic hands what is published to its subscriptions, and keeps it for a while if it is told to.
type topic struct {
	server *Server
	name   string

	// The server's lock guards these.
	config        *pubsubpb.Topic // never changed, only replaced
	subscriptions map[string]*subscription

	mu      sync.Mutex
	keeps   time.Duration // how long messages are kept here; not at all if 0
	kept    []*message
	timer   *time.Timer
	stopped bool
}

func newTopic(s *Server, name string) *topic {
	return &topic{server: s, name: name, subscriptions: map[string]*subscription{}}
}

// configure is given a valid configuration.
func (t *topic) configure(config *pubsubpb.Topic) {
	t.config = config
	for _, sub := range t.subscriptions {
		sub.keepAsLongAs(config.GetMessageRetentionDuration())
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keeps = config.GetMessageRetentionDuration().AsDuration()
	t.trim()
}

// publish answers the ids of the messages and the place in the log by which they are there.
func (t *topic) publish(bodies []*pubsubpb.PubsubMessage) ([]string, position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	messages, ids := t.stamp(bodies)
	logged := t.server.append(published, append([][]byte{[]byte(t.name)}, encode(messages)...)...)
	t.deliver(messages)
	return ids, logged
}

// stamp gives messages their ids and time.
func (t *topic) stamp(bodies []*pubsubpb.PubsubMessage) (messages []*message, ids []string) {
	now := timestamppb.New(t.server.now())
	for _, b := range bodies {
		id := t.server.ids.Add(1)
		m := newMessage(id, &pubsubpb.PubsubMessage{
			Data: b.GetData(), Attributes: b.GetAttributes(), OrderingKey: b.GetOrderingKey(),
			MessageId: strconv.FormatInt(id, 10), PublishTime: now,
		})
		messages, ids = append(messages, m), append(ids, m.body.GetMessageId())
	}
	return messages, ids
}

// deliver gives messages to the subscriptions. The caller has the topic's lock.
func (t *topic) deliver(messages []*message) {
	for _, sub := range t.subscriptions {
		sub.update(func(time.Time) {
			for _, m := range messages {
				sub.add(m)
			}
		})
	}
	if t.keeps > 0 {
		t.keep(messages)
	}
}

// keep does nothing for messages that are kept already: a log may tell of them again.
func (t *topic) keep(messages []*message) {
	for _, m := range messages {
		at, found := slices.BinarySearchFunc(t.kept, m.id, func(m *message, id int64) int { return int(m.id - id) })
		if !found {
			t.kept = slices.Insert(t.kept, at, m)
		}
	}
	t.trim()
}

// trim forgets what has been kept for long enough, and comes again when the next has.
func (t *topic) trim() {
	now := t.server.now()
	old := 0
	for old < len(t.kept) && !t.kept[old].published.Add(t.keeps).After(now) {
		t.kept[old] = nil
		old++
	}
	t.kept = t.kept[old:]
	if len(t.kept) == 0 {
		t.kept = nil
		return
	}
	if t.timer == nil && !t.stopped {
		t.timer = time.AfterFunc(t.kept[0].published.Add(t.keeps).Sub(now), t.ring)
	}
}

func (t *topic) ring() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.timer = nil
	t.trim()
}

// stop lets nothing happen any more by itself. What is kept stays: the log may still take a snapshot.
func (t *topic) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	if t.timer != nil {
		t.timer.Stop()
	}
}

// messages are those that are kept.
func (t *topic) messages() []*message {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.kept)
}

func (t *topic) subscriptionNames() []string { return slices.Sorted(maps.Keys(t.subscriptions)) }
