package main

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// topic makes a topic, and a subscription of it.
func (s *side) topic(ctx context.Context) (topic, subscription string, err error) {
	id := "t" + rand.Text()
	topic, subscription = "projects/"+project+"/topics/"+id, "projects/"+project+"/subscriptions/"+id
	if _, err = s.messages.TopicAdminClient.CreateTopic(ctx, &pubsubpb.Topic{Name: topic}); err == nil {
		_, err = s.messages.SubscriptionAdminClient.CreateSubscription(ctx, &pubsubpb.Subscription{Name: subscription, Topic: topic})
	}
	return topic, subscription, err
}

// publisher publishes at once, as in a request.
func (s *side) publisher(topic string) *pubsub.Publisher {
	p := s.messages.Publisher(topic)
	p.PublishSettings.CountThreshold = 1
	return p
}

func publishRate(callers int) func(context.Context, *side, time.Duration) (float64, error) {
	return func(ctx context.Context, s *side, during time.Duration) (float64, error) {
		topic, _, err := s.topic(ctx)
		if err != nil {
			return 0, err
		}
		p := s.publisher(topic)
		defer p.Stop()
		t, err := repeat(ctx, callers, during, func(ctx context.Context, _ int) error {
			_, err := p.Publish(ctx, &pubsub.Message{Data: make([]byte, 1000)}).Get(ctx)
			return err
		})
		if err != nil {
			return 0, err
		}
		return t.perSecond(), nil
	}
}

// deliver measures from the call that publishes to the receiver's.
func deliver(ctx context.Context, s *side, during time.Duration) (float64, error) {
	topic, subscription, err := s.topic(ctx)
	if err != nil {
		return 0, err
	}
	p := s.publisher(topic)
	defer p.Stop()
	var (
		mu       sync.Mutex
		t        timings
		receiver sync.WaitGroup
	)
	receiving, stop := context.WithCancel(ctx)
	receiver.Go(func() {
		err = s.messages.Subscriber(subscription).Receive(receiving, func(_ context.Context, m *pubsub.Message) {
			m.Ack()
			sent, err := time.Parse(time.RFC3339Nano, string(m.Data))
			if err == nil {
				mu.Lock()
				t.took = append(t.took, time.Since(sent))
				mu.Unlock()
			}
		})
	})
	for range int(during / (10 * time.Millisecond)) {
		p.Publish(ctx, &pubsub.Message{Data: []byte(time.Now().Format(time.RFC3339Nano))})
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(500 * time.Millisecond) // for the last ones
	stop()
	receiver.Wait()
	if err == nil && len(t.took) == 0 {
		err = errors.New("nothing was received")
	}
	if err != nil {
		return 0, err
	}
	return t.median(), nil
}

// drain measures how fast a subscriber gets through what waits for it.
func drain(ctx context.Context, s *side, _ time.Duration) (float64, error) {
	const messages = 5000
	topic, subscription, err := s.topic(ctx)
	if err != nil {
		return 0, err
	}
	p := s.messages.Publisher(topic)
	defer p.Stop()
	results := make([]*pubsub.PublishResult, messages)
	for i := range results {
		results[i] = p.Publish(ctx, &pubsub.Message{Data: make([]byte, 1000)})
	}
	for _, r := range results {
		if _, err := r.Get(ctx); err != nil {
			return 0, err
		}
	}
	receiving, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	var (
		mu    sync.Mutex
		left  = map[string]bool{}
		began = time.Now()
		took  time.Duration
	)
	err = s.messages.Subscriber(subscription).Receive(receiving, func(_ context.Context, m *pubsub.Message) {
		m.Ack()
		mu.Lock()
		defer mu.Unlock()
		if left[m.ID] = true; len(left) == messages && took == 0 {
			took = time.Since(began)
			stop()
		}
	})
	if err == nil && took == 0 {
		err = errors.New("not all messages came within a minute")
	}
	if err != nil {
		return 0, err
	}
	return messages / took.Seconds(), nil
}
