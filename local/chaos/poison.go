package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/platform/event"
)

// poison publishes what no function can ever handle, and what a topic's schema does not keep out.
func (c *Chaos) poison(chance *rand.Rand) {
	c.mu.Lock()
	id := fmt.Sprintf("poison%d", len(c.poisoned)+1)
	c.poisoned = append(c.poisoned, id)
	c.mu.Unlock()
	p := poisons[chance.IntN(len(poisons))](id)
	data, err := proto.Marshal(p.data)
	if err != nil {
		return // events always marshal
	}
	for { // it is not chaos that an outage keeps it from being sent
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		err := c.reach.Publish(ctx, p.topic, data, p.attributes)
		cancel()
		if err == nil {
			return
		}
		c.pause(100 * time.Millisecond)
	}
}

// Poisoned are the order ids that poison bears.
func (c *Chaos) Poisoned() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.poisoned
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
