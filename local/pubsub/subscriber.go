package pubsub

import (
	"context"
	"strings"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// subscriber is google.pubsub.v1.Subscriber.
type subscriber struct {
	*Server
	pubsubpb.UnimplementedSubscriberServer
}

// subscriptionCalled is for callers that have the server's lock.
func (s *Server) subscriptionCalled(name string) (*subscription, error) {
	if err := checkName("subscriptions", name); err != nil {
		return nil, err
	}
	if sub := s.subscriptions[name]; sub != nil {
		return sub, nil
	}
	return nil, notFound("subscription", name)
}

// find is for callers that do not.
func (s *Server) find(name string) (*subscription, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.subscriptionCalled(name)
}

func (s subscriber) CreateSubscription(
	ctx context.Context, req *pubsubpb.Subscription,
) (*pubsubpb.Subscription, error) {
	config := newSubscriptionConfig(req)
	if config.GetName() == "" {
		project, _, _ := strings.Cut(config.GetTopic(), "/topics/")
		config.Name = project + "/subscriptions/subscription-" + uuid.NewString()
	}
	if err := checkName("subscriptions", config.GetName()); err != nil {
		return nil, err
	}
	if err := checkName("topics", config.GetTopic()); err != nil {
		return nil, err
	}
	if _, err := compile(config); err != nil {
		return nil, err
	}
	return config, s.write(ctx, func() (position, error) {
		if s.subscriptions[config.GetName()] != nil {
			return 0, exists("subscription", config.GetName())
		}
		t, err := s.topicCalled(config.GetTopic())
		if err != nil {
			return 0, err
		}
		config.TopicMessageRetentionDuration = t.config.GetMessageRetentionDuration()
		return s.putSubscription(config, s.ids.Load())
	})
}

// putSubscription makes or changes one; a new one gets messages published after the one that is given.
func (s *Server) putSubscription(config *pubsubpb.Subscription, since int64) (position, error) {
	compiled, err := compile(config)
	if err != nil {
		return 0, err
	}
	if name := compiled.deadLetterTopicName; name != "" && name != deletedTopic {
		if _, err := s.topicCalled(name); err != nil {
			return 0, err
		}
	}
	return s.appendSubscription(s.setSubscription(config, since, compiled)), nil
}

func (s *Server) setSubscription(config *pubsubpb.Subscription, since int64, compiled settings) *subscription {
	sub := s.subscriptions[config.GetName()]
	if sub == nil {
		sub = newSubscription(s, config, since, compiled)
		s.subscriptions[sub.name] = sub
	}
	sub.reconfigure(config, compiled)
	s.attach(sub)
	return sub
}

// attach lets a subscription get the messages of its topic, or no longer.
func (s *Server) attach(sub *subscription) {
	to := s.topics[sub.config.GetTopic()]
	if sub.config.GetDetached() {
		to = nil
		sub.end(status.Errorf(codes.FailedPrecondition, "subscription %s is detached from its topic", sub.name))
	}
	if sub.topic != nil && sub.topic != to {
		delete(sub.topic.subscriptions, sub.name)
	}
	if sub.topic = to; to != nil {
		to.subscriptions[sub.name] = sub
	}
}

func (s subscriber) UpdateSubscription(
	ctx context.Context, req *pubsubpb.UpdateSubscriptionRequest,
) (*pubsubpb.Subscription, error) {
	var config *pubsubpb.Subscription
	err := s.write(ctx, func() (position, error) {
		sub, err := s.subscriptionCalled(req.GetSubscription().GetName())
		if err != nil {
			return 0, err
		}
		config = proto.CloneOf(sub.config)
		err = merge(config, req.GetSubscription(), req.GetUpdateMask(), "push_config", "bigquery_config",
			"cloud_storage_config", "bigtable_config", "ack_deadline_seconds", "retain_acked_messages",
			"message_retention_duration", "labels", "expiration_policy", "dead_letter_policy", "retry_policy",
			"enable_exactly_once_delivery", "message_transforms")
		if err != nil {
			return 0, err
		}
		setDefaults(config)
		return s.putSubscription(config, sub.since)
	})
	return config, err
}

func (s subscriber) GetSubscription(
	_ context.Context, req *pubsubpb.GetSubscriptionRequest,
) (*pubsubpb.Subscription, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	sub, err := s.subscriptionCalled(req.GetSubscription())
	if err != nil {
		return nil, err
	}
	return sub.config, nil
}

func (s subscriber) ListSubscriptions(
	_ context.Context, req *pubsubpb.ListSubscriptionsRequest,
) (*pubsubpb.ListSubscriptionsResponse, error) {
	if err := checkProject(req.GetProject()); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	names, next, err := page(within(req.GetProject(), s.subscriptions), req.GetPageSize(), req.GetPageToken())
	resp := &pubsubpb.ListSubscriptionsResponse{NextPageToken: next}
	for _, name := range names {
		resp.Subscriptions = append(resp.Subscriptions, s.subscriptions[name].config)
	}
	return resp, err
}

func (s subscriber) DeleteSubscription(
	ctx context.Context, req *pubsubpb.DeleteSubscriptionRequest,
) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.write(ctx, func() (position, error) {
		sub, err := s.subscriptionCalled(req.GetSubscription())
		if err != nil {
			return 0, err
		}
		s.deleteSubscription(sub.name)
		return s.append(subscriptionDeleted, []byte(sub.name)), nil
	})
}

func (s *Server) deleteSubscription(name string) {
	sub := s.subscriptions[name]
	if sub == nil {
		return
	}
	delete(s.subscriptions, name)
	if sub.topic != nil {
		delete(sub.topic.subscriptions, name)
	}
	sub.end(notFound("subscription", name))
}

func (s subscriber) Seek(ctx context.Context, req *pubsubpb.SeekRequest) (*pubsubpb.SeekResponse, error) {
	to, ok := req.GetTarget().(*pubsubpb.SeekRequest_Time)
	switch {
	case req.GetSnapshot() != "":
		return nil, status.Error(codes.Unimplemented,
			"seek to a snapshot is not implemented by this local Pub/Sub; seek to a time")
	case !ok || !to.Time.IsValid():
		return nil, invalid("seek: want a time")
	}
	return &pubsubpb.SeekResponse{}, s.write(ctx, func() (position, error) {
		sub, err := s.subscriptionCalled(req.GetSubscription())
		if err != nil {
			return 0, err
		}
		last := s.ids.Load()
		sub.seek(to.Time.AsTime(), last)
		return s.append(sought, encodeMessage(req), encodeID(last)), nil
	})
}
