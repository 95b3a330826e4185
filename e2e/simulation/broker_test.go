package simulation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/promise"
	"orderflow.dev/internal/unit"
)

// broker is Pub/Sub: at least once, in any order, again with backoff, and to the dead letters after too many attempts.
type broker struct {
	sim  *sim
	subs []subscription
}

type subscription struct {
	consumer string
	topic    string
	resume   bool // its filter: only events that nobody waits for
}

// Deliveries are given up after maxAttempts, as a subscription's dead-letter policy says; those of dead letters never.
const (
	maxAttempts = 10
	minBackoff  = time.Second
	maxBackoff  = time.Minute
)

const resumeFilter = `attributes."ce-resume" = "true"`

// subscriptions are those of function.yaml.
func subscriptions(units []unit.Unit) (subs []subscription, err error) {
	for _, u := range units {
		for _, e := range u.Trigger.Events {
			if e.Type == "ImportChunk" {
				continue
			}
			if e.Filter != "" && e.Filter != resumeFilter {
				return nil, fmt.Errorf("%s filters %s by %s: the simulation does not know that filter", u.Name, e.Type, e.Filter)
			}
			subs = append(subs, subscription{u.Name, e.Topic(), e.Filter != ""})
		}
	}
	return subs, nil
}

type message struct {
	attributes map[string]string
	data       []byte
}

func (m message) id() string    { return m.attributes["ce-id"] }
func (m message) order() string { return m.attributes["ce-subject"] }

// publisher is a process's way to Pub/Sub: a store.Publisher and a function.Parking.
type publisher struct{ sim *sim }

var errNotPublished = errors.New("the publish was not acknowledged")

// Publish implements store.Publisher.
func (p publisher) Publish(ctx context.Context, events ...event.Event) error {
	for _, e := range events {
		data, err := proto.Marshal(e.Data)
		if err != nil {
			return err
		}
		o := taskOf(ctx).at("publish "+nameOf(e.Data), e.ID)
		err = p.publish(o, e.Subject, func() {
			p.sim.record(func(h *promise.History) {
				h.Published = append(h.Published, promise.Happened{EventID: e.ID, Content: content(e.Data), At: time.Now()})
			})
			p.sim.broker.send(o, e.Type, message{e.Attributes(), data})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Park implements function.Parking.
func (p publisher) Park(ctx context.Context, m event.Message, function, reason string) error {
	a := maps.Clone(m.Attributes)
	a["parked-by"], a["parked-reason"] = function, reason
	o := taskOf(ctx).at("park", a["ce-id"])
	return p.publish(o, a["ce-subject"], func() { p.sim.broker.deadLetter(o, message{a, m.Data}) })
}

func (p publisher) publish(o occasion, order string, send func()) error {
	o.pause("there")
	if o.fires(publishFails) {
		return errNotPublished
	}
	o.point("before")
	send()
	o.note(order, o.what)
	o.point("after")
	o.pause("back")
	if o.fires(publishUnheard) {
		return errNotPublished
	}
	return nil
}

// send delivers a message to every subscription of its topic.
func (b *broker) send(o occasion, topic string, m message) {
	for i, sub := range b.subs {
		if sub.topic != topic || sub.resume && m.attributes["ce-resume"] != "true" {
			continue
		}
		if b.sim.dropped != nil && b.sim.dropped(sub.consumer) {
			continue
		}
		b.deliver(o, i, sub.consumer, m)
		if o.sim.fires(o.dice.of("twice", i), deliveryTwice, o.task, o.what) {
			b.deliver(o, i+1000, sub.consumer, m)
		}
	}
}

// deadLetter delivers a message to who keeps dead letters, for ever.
func (b *broker) deadLetter(o occasion, m message) { b.deliver(o, -1, "park-dead-letter", m) }

func (b *broker) deliver(o occasion, copy int, consumer string, m message) {
	t := o.child("pub/sub", m.order())
	t.dice = t.dice.of(consumer, copy)
	first := t.at("deliver", "")
	delay := first.dice.of("delay", 0).between(time.Millisecond, 500*time.Millisecond)
	if first.fires(deliveryLate) {
		delay = first.dice.of("delay", 0).between(time.Minute, 2*time.Hour)
	}
	b.sim.spawn(func() {
		time.Sleep(delay)
		backoff := minBackoff
		for attempt := 1; ; attempt++ {
			if b.push(t, consumer, m, attempt) || b.sim.ctx.Err() != nil {
				return
			}
			if copy >= 0 && attempt == maxAttempts {
				b.giveUp(t, consumer, m)
				return
			}
			time.Sleep(t.at("backoff", "").dice.between(backoff, 2*backoff))
			backoff = min(2*backoff, maxBackoff)
		}
	})
}

// push makes one attempt, in the form that our subscriptions have: attributes as headers.
func (b *broker) push(t *task, consumer string, m message, attempt int) (acknowledged bool) {
	ctx, cancel := context.WithTimeout(t.in(b.sim.ctx), time.Minute)
	defer cancel()
	resp, err := t.call(ctx, consumer, m.order(), func() *http.Request {
		r, err := http.NewRequest(http.MethodPost, "http://"+consumer, bytes.NewReader(m.data))
		if err != nil {
			panic(err)
		}
		for k, v := range m.attributes {
			r.Header.Set(k, v)
		}
		r.Header.Set("x-goog-pubsub-message-id", fmt.Sprintf("%x", uint64(t.dice)))
		r.Header.Set("x-goog-pubsub-delivery-attempt", strconv.Itoa(attempt))
		return r
	})
	acknowledged = err == nil && resp.StatusCode/100 == 2
	if !acknowledged {
		t.note("", fmt.Sprintf("%s to %s, attempt %d: %s", m.id(), consumer, attempt, failed(resp, err)))
	}
	b.sim.record(func(h *promise.History) {
		h.Deliveries = append(h.Deliveries, promise.Delivery{Consumer: consumer, EventID: m.id(), Acknowledged: acknowledged, At: time.Now()})
	})
	return acknowledged
}

func (b *broker) giveUp(t *task, consumer string, m message) {
	t.note("", "gives up delivering "+m.id()+" to "+consumer)
	b.sim.record(func(h *promise.History) {
		h.GivenUp = append(h.GivenUp, promise.Letter{Consumer: consumer, EventID: m.id()})
	})
	a := maps.Clone(m.attributes)
	a["cloudpubsubdeadlettersourcesubscription"] = consumer
	a["cloudpubsubdeadlettersourcedeliverycount"] = strconv.Itoa(maxAttempts)
	b.deadLetter(t.at("give up", ""), message{a, m.data})
}

// poison publishes an event that its consumers cannot handle, one of several kinds.
func (s *sim) poison(i int) {
	o := (&task{sim: s, dice: s.dice.of("poison", i), who: "poison"}).at("poison", "")
	if !o.fires(poison) {
		return
	}
	id := fmt.Sprintf("poison/%d/1", i)
	a := map[string]string{
		"ce-specversion": "1.0", "ce-id": id, "ce-source": "//orderflow.dev/orders", "ce-subject": fmt.Sprintf("poison%d", i),
		"ce-seq": "1", "ce-resume": "true", "Content-Type": "application/protobuf", "ce-time": time.Now().UTC().Format(time.RFC3339Nano),
	}
	topic := "orderflow.event.v1." + []string{"OrderCancellationStarted", "OrderCreated", "OrderConfirmed", "OrderRefundRequested"}[o.dice.of("topic", 0).below(4)]
	a["ce-type"] = topic
	data := []byte{0xff, 0xff}
	switch o.dice.of("kind", 0).below(3) {
	case 0:
		delete(a, "ce-seq")
	case 1:
		a["ce-type"] = "orderflow.event.v1.Nonsense"
	}
	for _, sub := range s.broker.subs {
		if sub.topic == topic {
			s.record(func(h *promise.History) {
				h.Poison = append(h.Poison, promise.Letter{Consumer: sub.consumer, EventID: id})
			})
		}
	}
	s.broker.send(o, topic, message{a, data})
}

// letter is a dead letter as it is kept.
func letter(fields map[string]any) promise.Letter {
	consumer, _ := fields["function"].(string)
	id, _ := fields["event_id"].(string)
	return promise.Letter{Consumer: strings.TrimSpace(consumer), EventID: id}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
