package event

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"google.golang.org/protobuf/proto"

	"orderflow.dev/internal/platform/telemetry"
)

// DeadLetterTopic takes what cannot be delivered. It has no schema: it takes anything.
const DeadLetterTopic = "dead-letters"

// Publisher publishes events to the topics of their types.
type Publisher struct {
	client *pubsub.Client

	mu     sync.Mutex
	topics map[string]*pubsub.Publisher
}

// NewPublisher opens a publisher for a project.
func NewPublisher(ctx context.Context, project string) (*Publisher, error) {
	client, err := pubsub.NewClient(ctx, project)
	if err != nil {
		return nil, fmt.Errorf("open Pub/Sub of project %s: %w", project, err)
	}
	return &Publisher{client: client, topics: map[string]*pubsub.Publisher{}}, nil
}

// Publish returns once the server has every event, or with what it refused.
func (p *Publisher) Publish(ctx context.Context, events ...Event) error {
	results := make([]*pubsub.PublishResult, 0, len(events))
	for _, e := range events {
		data, err := proto.Marshal(e.Data)
		if err != nil {
			return fmt.Errorf("publish %s: %w", e.ID, err)
		}
		results = append(results, p.topic(e.Type).Publish(ctx, &pubsub.Message{Data: data, Attributes: e.Attributes()}))
	}
	telemetry.Count(ctx, "publishes", len(events))
	var failed []error
	for i, r := range results {
		if _, err := r.Get(ctx); err != nil {
			failed = append(failed, fmt.Errorf("publish %s: %w", events[i].ID, err))
		}
	}
	return errors.Join(failed...)
}

// Park sends a delivery that can never be handled to the dead-letter topic, with the reason.
func (p *Publisher) Park(ctx context.Context, m Message, function, reason string) error {
	attributes := map[string]string{"parked-by": clip(function), "parked-reason": clip(reason)}
	for k, v := range m.Attributes {
		if k == "Content-Type" || strings.HasPrefix(k, "ce-") {
			attributes[k] = clip(v)
		}
	}
	data := m.Data
	if len(data) == 0 {
		data = []byte{0} // Pub/Sub refuses an empty message without attributes only, its emulator any
	}
	telemetry.Count(ctx, "publishes", 1)
	if _, err := p.topic(DeadLetterTopic).Publish(ctx, &pubsub.Message{Data: data, Attributes: attributes}).Get(ctx); err != nil {
		return fmt.Errorf("park a delivery to %s: %w", function, err)
	}
	return nil
}

// clip keeps Pub/Sub's limit of 1024 bytes an attribute value, which must be UTF-8.
func clip(s string) string { return strings.ToValidUTF8(s[:min(len(s), 1024)], "") }

func (p *Publisher) topic(id string) *pubsub.Publisher {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, ok := p.topics[id]
	if !ok {
		t = p.client.Publisher(id)
		// The answer waits for the publish: the default batching delay of 10 ms would be in every request.
		t.PublishSettings.DelayThreshold = time.Millisecond
		t.PublishSettings.Timeout = 3 * time.Second // a customer waits; the sweep makes up for what fails
		p.topics[id] = t
	}
	return t
}

// Close sends what is buffered and closes the client.
func (p *Publisher) Close() error {
	p.mu.Lock()
	for _, t := range p.topics {
		t.Stop()
	}
	p.mu.Unlock()
	return p.client.Close()
}
