package chaos

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/platform/event"
)

// poison publishes what no function can ever handle, and what a topic's schema does not keep out.
func (c *Chaos) poison(chance *rand.Rand) {
	id := c.poisonID()
	p := poisons[chance.IntN(len(poisons))](id)
	data, err := proto.Marshal(p.data)
	if err != nil {
		return // events always marshal
	}
	for !c.over() { // an outage is not to keep it away
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		err := c.reach.Publish(ctx, p.topic, data, p.attributes)
		cancel()
		if err == nil {
			c.mu.Lock()
			c.poisoned[id] = true
			c.mu.Unlock()
			return
		}
		c.pause(100 * time.Millisecond)
	}
}

func (c *Chaos) poisonID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := fmt.Sprintf("poison%d", len(c.poisoned)+1)
	c.poisoned[id] = false
	return id
}

func (c *Chaos) over() bool {
	select {
	case <-c.end:
		return true
	default:
		return false
	}
}

// Poisoned are the order ids that poison bears, and whether Pub/Sub took it for sure.
func (c *Chaos) Poisoned() map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.poisoned)
}

type poisonous struct {
	topic      string
	data       proto.Message
	attributes map[string]string
}

var poisons = []func(id string) poisonous{
	func(id string) poisonous { // no attributes at all
		return poisonous{"orderflow.event.v1.OrderConfirmed", &eventv1.OrderConfirmed{OrderId: id, Seq: 1}, nil}
	},
	func(id string) poisonous { // of a type that is none
		e := event.Of("orders", id, &eventv1.OrderCancelled{OrderId: id, Seq: 1, EventTime: timestamppb.Now()})
		e.Type = "orderflow.event.v1.Nonsense"
		return poisonous{"orderflow.event.v1.OrderCancelled", e.Data, e.Attributes()}
	},
	func(id string) poisonous { // of an order that never was, and too old to be believed
		e := event.Of("orders", id, &eventv1.OrderCreated{OrderId: id, Seq: 1, EventTime: timestamppb.New(time.Now().Add(-2 * time.Hour))})
		return poisonous{e.Type, e.Data, e.Attributes()}
	},
	func(id string) poisonous { // straight to the dead letters
		return poisonous{event.DeadLetterTopic, &eventv1.OrderCreated{OrderId: id}, nil}
	},
}
