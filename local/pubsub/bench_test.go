package pubsub

import (
	"context"
	"testing"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// BenchmarkPublish publishes messages of a kilobyte without a network, one in a call, to a subscription that somebody
// empties.
func BenchmarkPublish(b *testing.B) {
	s := New(Options{})
	pub, sub := publisher{Server: s}, subscriber{Server: s}
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := pub.CreateTopic(ctx, &pubsubpb.Topic{Name: topics + "top"}); err != nil {
		b.Fatal(err)
	}
	if _, err := sub.CreateSubscription(ctx, &pubsubpb.Subscription{
		Name: subs + "sub", Topic: topics + "top",
	}); err != nil {
		b.Fatal(err)
	}
	emptied := make(chan struct{})
	go func() {
		defer close(emptied)
		for left := b.N; left > 0; {
			resp, err := sub.Pull(ctx, &pubsubpb.PullRequest{Subscription: subs + "sub", MaxMessages: 1000})
			if err != nil {
				b.Error(err)
				return
			}
			left -= len(resp.GetReceivedMessages())
			ids := received(resp.GetReceivedMessages()).ackIDs()
			if _, err := sub.Acknowledge(ctx, &pubsubpb.AcknowledgeRequest{
				Subscription: subs + "sub", AckIds: ids,
			}); err != nil {
				b.Error(err)
			}
		}
	}()
	data := make([]byte, 1024)
	for b.Loop() {
		_, err := pub.Publish(ctx, &pubsubpb.PublishRequest{
			Topic: topics + "top", Messages: []*pubsubpb.PubsubMessage{{Data: data}},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	<-emptied
	cancel()
}

// BenchmarkSchema checks an event against its schema.
func BenchmarkSchema(b *testing.B) {
	compiled, err := compileSchema(deployed(b, "orderflow.event.v1.PaymentRefunded"))
	if err != nil {
		b.Fatal(err)
	}
	data := []byte("\x0a\x01o\x10\x07\x1a\x02\x08\x01\x22\x07\x0a\x03EUR\x10\x05")
	for b.Loop() {
		if err := compiled.CheckBinary(data); err != nil {
			b.Fatal(err)
		}
	}
}
