package pubsub

import (
	"context"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"
)

// actor makes random calls. What they answer does not matter here.
type actor struct {
	*durable
	rapid *rapid.T
	ids   map[string][]string // ack ids, by subscription
}

func (a *actor) pick(what string, of ...string) string {
	return rapid.SampledFrom(of).Draw(a.rapid, what)
}

func (a *actor) act() {
	ctx := context.Background()
	topic := topics + a.pick("topic", "one", "two")
	sub := subs + a.pick("subscription", "aaa", "bbb", "ccc")
	switch a.pick("call", "topic", "topic", "sub", "sub", "sub", "publish", "publish", "publish", "publish", "pull",
		"pull", "ack", "ack", "nack",
		"seek", "delete topic", "delete sub", "detach", "update", "schema") {
	case "topic":
		t := &pubsubpb.Topic{Name: topic}
		if rapid.Bool().Draw(a.rapid, "keeps") {
			t.MessageRetentionDuration = seconds(3600)
		}
		_, _ = a.pub.CreateTopic(ctx, t)
	case "sub":
		s := &pubsubpb.Subscription{
			Name: sub, Topic: topic, RetainAckedMessages: rapid.Bool().Draw(a.rapid, "retains"),
			EnableMessageOrdering: rapid.Bool().Draw(a.rapid, "ordered"), Filter: a.pick("filter", "", "", "attributes:a"),
		}
		if rapid.Bool().Draw(a.rapid, "dead letters") {
			s.DeadLetterPolicy = &pubsubpb.DeadLetterPolicy{DeadLetterTopic: topics + "two", MaxDeliveryAttempts: 5}
		}
		_, _ = a.sub.CreateSubscription(ctx, s)
	case "publish":
		a.publishSome(ctx, topic)
	case "pull":
		a.pullSome(ctx, sub)
	case "ack":
		_, _ = a.sub.Acknowledge(ctx, &pubsubpb.AcknowledgeRequest{Subscription: sub, AckIds: a.some(sub)})
	case "nack":
		for range 5 {
			_, _ = a.sub.ModifyAckDeadline(ctx, &pubsubpb.ModifyAckDeadlineRequest{Subscription: sub, AckIds: a.ids[sub]})
			a.pullSome(ctx, sub)
		}
	case "seek":
		to := timestamppb.New(time.Now().Add(time.Duration(rapid.IntRange(-2, 1).Draw(a.rapid, "to")) * time.Millisecond))
		_, _ = a.sub.Seek(ctx, &pubsubpb.SeekRequest{Subscription: sub, Target: &pubsubpb.SeekRequest_Time{Time: to}})
	case "delete topic":
		_, _ = a.pub.DeleteTopic(ctx, &pubsubpb.DeleteTopicRequest{Topic: topic})
	case "delete sub":
		_, _ = a.sub.DeleteSubscription(ctx, &pubsubpb.DeleteSubscriptionRequest{Subscription: sub})
	case "detach":
		_, _ = a.pub.DetachSubscription(ctx, &pubsubpb.DetachSubscriptionRequest{Subscription: sub})
	case "update":
		_, _ = a.sub.UpdateSubscription(ctx, &pubsubpb.UpdateSubscriptionRequest{
			Subscription: &pubsubpb.Subscription{Name: sub, RetainAckedMessages: rapid.Bool().Draw(a.rapid, "retains")},
			UpdateMask:   &fieldmaskpb.FieldMask{Paths: []string{"retain_acked_messages"}},
		})
	case "schema":
		if _, err := a.createSchema(persons(0)); err != nil {
			_, _ = a.commit(persons(rapid.IntRange(0, 3).Draw(a.rapid, "fields")))
		}
	}
}

func (a *actor) publishSome(ctx context.Context, topic string) {
	req := &pubsubpb.PublishRequest{Topic: topic}
	key := a.pick("key", "", "k", "l")
	for range rapid.IntRange(1, 4).Draw(a.rapid, "messages") {
		m := &pubsubpb.PubsubMessage{Data: []byte("x"), OrderingKey: key}
		if rapid.Bool().Draw(a.rapid, "attribute") {
			m.Attributes = map[string]string{"a": ""}
		}
		req.Messages = append(req.Messages, m)
	}
	_, _ = a.pub.Publish(ctx, req)
}

func (a *actor) pullSome(ctx context.Context, sub string) {
	resp, err := a.sub.Pull(ctx, atOnce(sub, 4))
	if err != nil {
		return
	}
	if a.ids == nil {
		a.ids = map[string][]string{}
	}
	a.ids[sub] = append(a.ids[sub], received(resp.GetReceivedMessages()).ackIDs()...)
}

// some are ack ids that were given, of leases that may have ended.
func (a *actor) some(sub string) []string {
	var some []string
	for _, id := range a.ids[sub] {
		if rapid.Bool().Draw(a.rapid, "acknowledge") {
			some = append(some, id)
		}
	}
	return some
}
