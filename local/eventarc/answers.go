package eventarc

import (
	"context"
	"fmt"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// answers tells the server what became of messages, many in one call.
type answers struct {
	queue chan answer
	ended chan error // of the last call
}

type answer struct {
	ackID        string
	acknowledged bool // otherwise it is to be delivered again, after the subscription's backoff
}

// maxAnswers is how many ids go in one call, which may have 512 KiB.
const maxAnswers = 500

func newAnswers(client *pubsub.Client, subscription string) answers {
	a := answers{queue: make(chan answer, maxAnswers), ended: make(chan error, 1)}
	go func() {
		var err error
		for first := range a.queue {
			err = tell(client, subscription, a.more(first))
		}
		a.ended <- err
	}()
	return a
}

func (a answers) send(ackID string, acknowledged bool) { a.queue <- answer{ackID, acknowledged} }

// more is an answer with those that wait behind it.
func (a answers) more(first answer) []answer {
	batch := []answer{first}
	for len(batch) < maxAnswers {
		select {
		case next, ok := <-a.queue:
			if !ok {
				return batch
			}
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

// close waits until the server has all answers. Its error is that of the last call: what came before is delivered again.
func (a answers) close() error {
	close(a.queue)
	if err := <-a.ended; err != nil {
		return fmt.Errorf("the server does not take the last acknowledgements: %w", err)
	}
	return nil
}

// tell has a limit, since a server that is gone is waited for.
func tell(client *pubsub.Client, subscription string, batch []answer) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	var acks, nacks []string
	for _, a := range batch {
		if a.acknowledged {
			acks = append(acks, a.ackID)
		} else {
			nacks = append(nacks, a.ackID)
		}
	}
	if len(nacks) > 0 {
		if err := client.SubscriptionAdminClient.ModifyAckDeadline(ctx, &pubsubpb.ModifyAckDeadlineRequest{Subscription: subscription, AckIds: nacks}); err != nil {
			return err
		}
	}
	if len(acks) == 0 {
		return nil
	}
	return client.SubscriptionAdminClient.Acknowledge(ctx, &pubsubpb.AcknowledgeRequest{Subscription: subscription, AckIds: acks})
}
