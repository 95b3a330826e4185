package pubsub

import (
	"maps"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// forward moves a message that failed for the last time to the dead-letter topic: one record tells the log of both
// ends. If there is no such topic, or its schema does not take the message, it stays and is delivered again.
func (s *Server) forward(from *subscription, d *delivery) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	from.mu.Lock()
	name, body := from.deadLetterTopicName, deadLetter(from.name, d)
	from.mu.Unlock()
	to := s.topics[name]
	if to == nil {
		from.stay(d)
		return
	}
	bodies, err := s.conform(to.config.GetSchemaSettings(), []*pubsubpb.PubsubMessage{body})
	if err != nil {
		from.stay(d)
		return
	}
	to.receive(from, d, bodies)
}

// receive publishes a dead letter. What has left its subscription in the meantime is not published.
func (t *topic) receive(from *subscription, d *delivery, bodies []*pubsubpb.PubsubMessage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var messages []*message
	from.update(func(time.Time) {
		if d.state != leaving {
			return
		}
		messages, _ = t.stamp(bodies)
		record := [][]byte{[]byte(from.name), encodeID(d.id), []byte(t.name)}
		t.server.append(forwarded, append(record, encode(messages)...)...)
		from.drop(d)
	})
	t.deliver(messages)
}

// stay lets a message go on that could not be forwarded.
func (s *subscription) stay(d *delivery) {
	s.update(func(now time.Time) {
		if d.state != leaving {
			return
		}
		d.state = waiting
		if pause := s.backoff(d.failures); pause > 0 {
			s.rest(d, now.Add(pause))
		}
		s.settle(d.line)
	})
}

// deadLetter is the message with the attributes that say where it comes from
// (https://cloud.google.com/pubsub/docs/handling-failures#how_dead_letter_topics_work).
func deadLetter(subscription string, d *delivery) *pubsubpb.PubsubMessage {
	name := strings.Split(subscription, "/")
	attributes := map[string]string{
		"CloudPubSubDeadLetterSourceDeliveryCount":       strconv.Itoa(int(d.attempts)),
		"CloudPubSubDeadLetterSourceSubscription":        name[3],
		"CloudPubSubDeadLetterSourceSubscriptionProject": name[1],
		"CloudPubSubDeadLetterSourceTopicPublishTime":    d.published.UTC().Format("2006-01-02T15:04:05.000Z"),
	}
	maps.Copy(attributes, d.body.GetAttributes())
	return &pubsubpb.PubsubMessage{
		Data: d.body.GetData(), OrderingKey: d.body.GetOrderingKey(), Attributes: attributes,
	}
}
