package likeness

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"pgregory.net/rapid"
)

func (s *sequence) createTopic() {
	t := &pubsubpb.Topic{Name: s.topic()}
	call := "CreateTopic"
	switch rapid.IntRange(0, 7).Draw(s.T, "kind") {
	case 0:
		t.Name, t.MessageRetentionDuration = s.project+keeps, durationpb.New(time.Hour)
	case 1:
		t.MessageRetentionDuration = durationpb.New(time.Minute)
	case 2:
		t.Labels = map[string]string{"a": "b"}
	}
	s.both(call, func(ctx context.Context, on *server) (proto.Message, error) { return on.pub.CreateTopic(ctx, t) })
}

func (s *sequence) createSubscription() {
	sub := &pubsubpb.Subscription{Name: s.subscription(), Topic: s.topic()}
	call := "CreateSubscription"
	switch rapid.IntRange(0, 14).Draw(s.T, "kind") {
	case 0:
		sub.AckDeadlineSeconds, call = 9, call+" ack 9"
	case 1:
		sub.AckDeadlineSeconds = 601
	case 2:
		sub.MessageRetentionDuration, call = durationpb.New(31*24*time.Hour), call+" retention 31 days"
	case 3:
		sub.MessageRetentionDuration = durationpb.New(time.Duration(rapid.SampledFrom([]int{1, 600, 604800}).Draw(s.T,
			"retention")) * time.Second)
	case 4:
		sub.ExpirationPolicy, call = &pubsubpb.ExpirationPolicy{Ttl: durationpb.New(time.Hour)}, call+" expires in an hour"
	case 5:
		sub.Filter, call = "data", call+" bad filter"
	case 6:
		attempts := rapid.SampledFrom([]int32{0, 4, 5, 100, 101}).Draw(s.T, "attempts")
		sub.DeadLetterPolicy = &pubsubpb.DeadLetterPolicy{
			DeadLetterTopic: s.project + "/topics/none", MaxDeliveryAttempts: attempts,
		}
	case 7:
		least, most := rapid.Int64Range(-1, 601).Draw(s.T, "least"), rapid.Int64Range(-1, 601).Draw(s.T, "most")
		sub.RetryPolicy = &pubsubpb.RetryPolicy{
			MinimumBackoff: &durationpb.Duration{Seconds: least}, MaximumBackoff: &durationpb.Duration{Seconds: most},
		}
		if sub.RetryPolicy.MinimumBackoff.Seconds <= sub.RetryPolicy.MaximumBackoff.Seconds {
			sub.Name = s.project + "/subscriptions/rests" // so that nothing has to be waited for
		}
	case 8, 9:
		sub.EnableMessageOrdering = true
	case 10, 11:
		sub.RetainAckedMessages = true
	}
	code := s.both(call, func(ctx context.Context, on *server) (proto.Message, error) {
		return on.sub.CreateSubscription(ctx, sub)
	})
	switch code {
	case "OK":
		s.ordered[sub.Name] = sub.EnableMessageOrdering
	case "differs": // one has it, the other not
		for _, on := range []*server{s.ours, s.theirs} {
			_, _ = on.sub.DeleteSubscription(context.Background(), &pubsubpb.DeleteSubscriptionRequest{Subscription: sub.Name})
		}
		s.forget(sub.Name)
	}
}

func (s *sequence) forget(sub string) {
	delete(s.ordered, sub)
	delete(s.out, sub)
}

func (s *sequence) deleteTopic() {
	if s.chance("really", 2) {
		req := &pubsubpb.DeleteTopicRequest{Topic: s.topic()}
		s.both("DeleteTopic", func(ctx context.Context, on *server) (proto.Message, error) {
			return on.pub.DeleteTopic(ctx,
				req)
		})
	}
}

func (s *sequence) deleteSubscription() {
	req := &pubsubpb.DeleteSubscriptionRequest{Subscription: s.subscription()}
	s.both("DeleteSubscription", func(ctx context.Context, on *server) (proto.Message, error) {
		return on.sub.DeleteSubscription(ctx, req)
	})
	s.forget(req.Subscription)
}

func (s *sequence) update() {
	if s.chance("of a topic", 3) {
		path := s.pick("path", "labels", "name", "nope", "message_retention_duration")
		name := s.topic()
		if path == "message_retention_duration" {
			name = s.project + keeps
		}
		req := &pubsubpb.UpdateTopicRequest{
			Topic: &pubsubpb.Topic{Name: name, MessageRetentionDuration: durationpb.New(2 * time.Hour)}, UpdateMask: mask(path),
		}
		s.both("UpdateTopic "+path, func(ctx context.Context, on *server) (proto.Message,
			error) {
			return on.pub.UpdateTopic(ctx, req)
		})
		return
	}
	path := s.pick("path", "labels", "name", "topic", "filter", "enable_message_ordering", "nope", "",
		"ack_deadline_seconds", "detached",
		"retry_policy", "dead_letter_policy", "message_retention_duration", "expiration_policy")
	req := &pubsubpb.UpdateSubscriptionRequest{
		Subscription: &pubsubpb.Subscription{
			Name: s.subscription(), AckDeadlineSeconds: rapid.SampledFrom([]int32{0, 10, 600, 601}).Draw(s.T, "ack"),
		},
		UpdateMask: mask(path),
	}
	s.both("UpdateSubscription "+path, func(ctx context.Context, on *server) (proto.Message, error) {
		return on.sub.UpdateSubscription(ctx, req)
	})
}

func mask(path string) *fieldmaskpb.FieldMask {
	if path == "" {
		return nil
	}
	return &fieldmaskpb.FieldMask{Paths: []string{path}}
}

func (s *sequence) read() {
	topic, sub := s.topic(), s.subscription()
	switch rapid.IntRange(0, 4).Draw(s.T, "what") {
	case 0:
		s.both("GetTopic", func(ctx context.Context, on *server) (proto.Message, error) {
			return on.pub.GetTopic(ctx, &pubsubpb.GetTopicRequest{Topic: topic})
		})
	case 1:
		s.both("GetSubscription", func(ctx context.Context, on *server) (proto.Message, error) {
			return on.sub.GetSubscription(ctx, &pubsubpb.GetSubscriptionRequest{Subscription: sub})
		})
	case 2:
		s.both("ListTopics", func(ctx context.Context, on *server) (proto.Message, error) {
			return on.pub.ListTopics(ctx, &pubsubpb.ListTopicsRequest{Project: s.project})
		})
	case 3:
		s.both("ListSubscriptions", func(ctx context.Context, on *server) (proto.Message, error) {
			return on.sub.ListSubscriptions(ctx, &pubsubpb.ListSubscriptionsRequest{Project: s.project})
		})
	case 4:
		s.both("ListTopicSubscriptions", func(ctx context.Context, on *server) (proto.Message, error) {
			return on.pub.ListTopicSubscriptions(ctx, &pubsubpb.ListTopicSubscriptionsRequest{Topic: topic})
		})
	}
}

// hostile makes calls that are refused, on what is made for them alone: if one is not, nothing else sees the
// difference.
func (s *sequence) hostile() {
	topic, sub := s.project+"/topics/hostile", s.project+"/subscriptions/hostile"
	attribute := func(k, v string) []*pubsubpb.PubsubMessage {
		return []*pubsubpb.PubsubMessage{{Attributes: map[string]string{k: v}}}
	}
	publishes := map[string][]*pubsubpb.PubsubMessage{
		"none": {}, "empty": {{}}, "key only": {{OrderingKey: "k"}},
		"1001":           slices.Repeat([]*pubsubpb.PubsubMessage{{Data: []byte("x")}}, 1001),
		"goog attribute": attribute("googx", ""), "nameless attribute": attribute("", "x"),
		"long attribute": attribute("x", strings.Repeat("x", 1025)),
		"two keys":       {{Data: []byte("x"), OrderingKey: "a"}, {Data: []byte("x"), OrderingKey: "b"}},
	}
	for _, on := range []*server{s.ours, s.theirs} {
		_, _ = on.pub.CreateTopic(context.Background(), &pubsubpb.Topic{Name: topic})
		_, _ = on.sub.CreateSubscription(context.Background(), &pubsubpb.Subscription{Name: sub, Topic: topic})
	}
	what := s.pick("what", slices.Sorted(maps.Keys(publishes))...)
	s.both("Publish "+what, func(ctx context.Context, on *server) (proto.Message, error) {
		return on.pub.Publish(ctx, &pubsubpb.PublishRequest{Topic: topic, Messages: publishes[what]})
	})
	ids := [][]string{nil, {""}, {"garbage"}}[rapid.IntRange(0, 2).Draw(s.T, "ack ids")]
	s.both("Acknowledge", func(ctx context.Context, on *server) (proto.Message, error) {
		return on.sub.Acknowledge(ctx, &pubsubpb.AcknowledgeRequest{Subscription: sub, AckIds: ids})
	})
	s.both("ModifyAckDeadline", func(ctx context.Context, on *server) (proto.Message, error) {
		return on.sub.ModifyAckDeadline(ctx, &pubsubpb.ModifyAckDeadlineRequest{
			Subscription: sub, AckIds: ids, AckDeadlineSeconds: 10,
		})
	})
	s.both("Pull", func(ctx context.Context, on *server) (proto.Message, error) {
		return on.sub.Pull(ctx, atOnce(sub, 0))
	})
	s.both("Seek", func(ctx context.Context, on *server) (proto.Message, error) {
		return on.sub.Seek(ctx, &pubsubpb.SeekRequest{Subscription: sub})
	})
}
