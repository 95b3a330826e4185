package eventarc

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"orderflow.dev/internal/archive"
	"orderflow.dev/internal/platform/bucket"
)

// Archiver keeps the messages of topics as files, as Cloud Storage subscriptions do, which servers on a laptop have not.
// A message is acknowledged once its file exists: it may be in two files, and is never in none.
type Archiver struct {
	Client *pubsub.Client
	Bucket *bucket.Bucket
	// Subscriptions must exist; of theirs only ID and Topic are used.
	Subscriptions []Subscription
	// Every is how often files are written; 1 s if zero. In production it is minutes.
	Every time.Duration
	// OnError is told what went wrong; what was not archived is tried again. It is called concurrently.
	OnError func(error)
}

const (
	archiveEvery = time.Second
	archiveBatch = 1000 // messages of a file
	archiveTime  = 30 * time.Second
)

// Run archives until ctx ends. What was not archived by then waits in its subscription: Flush archives it.
func (a *Archiver) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, s := range a.Subscriptions {
		all.Go(func() { a.watch(ctx, s) })
	}
	all.Wait()
}

func (a *Archiver) watch(ctx context.Context, s Subscription) {
	every := a.Every
	if every == 0 {
		every = archiveEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := a.drain(ctx, s, archiveBatch); err != nil && ctx.Err() == nil && a.OnError != nil {
			a.OnError(err)
		}
	}
}

// Flush archives all that was published before. Errors: what could not be archived, which stays in its subscription.
func (a *Archiver) Flush(ctx context.Context) error {
	return each(ctx, a.Subscriptions, func(ctx context.Context, s Subscription) error { return a.drain(ctx, s, 1) })
}

// drain makes files until one has fewer messages than least. It does not break off in a file: what it pulled would be held
// back until its lease ends.
func (a *Archiver) drain(ctx context.Context, s Subscription, least int) error {
	for ctx.Err() == nil {
		n, err := a.file(context.WithoutCancel(ctx), s)
		if err != nil {
			return fmt.Errorf("archive what was published to %s: %w", s.Topic, err)
		}
		if n < least {
			return nil
		}
	}
	return nil
}

// file makes one file of what waits, and answers of how many messages.
func (a *Archiver) file(ctx context.Context, s Subscription) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, archiveTime)
	defer cancel()
	name := a.Client.Subscriber(s.ID).String()
	//lint:ignore SA1019 nothing waits: there is another turn soon
	pulled, err := a.Client.SubscriptionAdminClient.Pull(ctx, &pubsubpb.PullRequest{Subscription: name, MaxMessages: archiveBatch, ReturnImmediately: true})
	messages := pulled.GetReceivedMessages()
	if err != nil || len(messages) == 0 {
		return 0, err
	}
	batch := make([]answer, len(messages))
	err = a.write(ctx, s.Topic, name, messages)
	for i, m := range messages {
		batch[i] = answer{m.GetAckId(), err == nil}
	}
	for len(batch) > 0 {
		n := min(len(batch), maxAnswers)
		if answered := tell(a.Client, name, batch[:n]); err == nil {
			err = answered // archived twice then
		}
		batch = batch[n:]
	}
	return len(messages), err
}

func (a *Archiver) write(ctx context.Context, topic, subscription string, messages []*pubsubpb.ReceivedMessage) error {
	records := make([]archive.Record, len(messages))
	for i, m := range messages {
		records[i] = record(subscription, m.GetMessage())
	}
	content, err := archive.Encode(records)
	if err != nil {
		return err
	}
	w := a.Bucket.Create(ctx, archive.Name(topic, time.Now(), rand.Text()), archive.ContentType, nil)
	defer w.Abort()
	if _, err := w.Write(content); err != nil {
		return err
	}
	return w.Close()
}

// record is a message as Pub/Sub archives it: what has no field of its own is an attribute.
func record(subscription string, m *pubsubpb.PubsubMessage) archive.Record {
	r := archive.Record{
		Subscription: subscription, MessageID: m.GetMessageId(), PublishTime: m.GetPublishTime().AsTime(),
		Attributes: m.GetAttributes(), Data: m.GetData(),
	}
	if key := m.GetOrderingKey(); key != "" {
		r.Attributes = map[string]string{"ordering_key": key}
		for k, v := range m.GetAttributes() {
			r.Attributes[k] = v
		}
	}
	return r
}
