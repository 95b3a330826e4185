package event

import (
	"context"
	"fmt"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Replay publishes a message that was parked or archived once more, as the event that it was. Every consumer of the event
// is given it; what had its effect before has none again. The error says so if it is no event that a topic takes.
func (p *Publisher) Replay(ctx context.Context, m Message) error {
	e, err := Decode(m)
	if err != nil {
		return fmt.Errorf("replay a dead letter: %w; nothing takes it: discard it", err)
	}
	if _, err := p.topic(e.Type).Publish(ctx, &pubsub.Message{Data: m.Data, Attributes: e.Attributes()}).Get(ctx); err != nil {
		return fmt.Errorf("replay %s: %w", e.ID, err)
	}
	return nil
}

// pullTime bounds one pull of an empty subscription.
const pullTime = 2 * time.Second

// Acknowledge acknowledges the dead letters that people have decided about, by Pub/Sub's ids of the messages, in the
// subscription that keeps them for people and for the alert. It answers how many. Where there is no such subscription there
// is nothing to acknowledge.
func (p *Publisher) Acknowledge(ctx context.Context, decided func(messageID string) bool) (n int, err error) {
	admin, name := p.client.SubscriptionAdminClient, p.client.Subscriber(DeadLetterTopic).String()
	var others []string // go back at the end, or they would be pulled again and again
	defer func() {
		if len(others) > 0 {
			back := admin.ModifyAckDeadline(context.WithoutCancel(ctx), &pubsubpb.ModifyAckDeadlineRequest{Subscription: name, AckIds: others})
			if err == nil && back != nil {
				err = fmt.Errorf("give back the dead letters of %s that nobody decided about: %w", name, back)
			}
		}
	}()
	for {
		pull, cancel := context.WithTimeout(ctx, pullTime)
		pulled, err := admin.Pull(pull, &pubsubpb.PullRequest{Subscription: name, MaxMessages: 100})
		cancel()
		switch {
		case status.Code(err) == codes.NotFound, ctx.Err() == nil && status.Code(err) == codes.DeadlineExceeded:
			return n, nil
		case err != nil:
			return n, fmt.Errorf("pull from %s: %w", name, err)
		case len(pulled.GetReceivedMessages()) == 0:
			return n, nil
		}
		var done []string
		for _, m := range pulled.GetReceivedMessages() {
			if decided(m.GetMessage().GetMessageId()) {
				done = append(done, m.GetAckId())
			} else {
				others = append(others, m.GetAckId())
			}
		}
		if len(done) == 0 {
			continue
		}
		if err := admin.Acknowledge(ctx, &pubsubpb.AcknowledgeRequest{Subscription: name, AckIds: done}); err != nil {
			return n, fmt.Errorf("acknowledge in %s: %w", name, err)
		}
		n += len(done)
	}
}
