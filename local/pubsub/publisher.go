package pubsub

import (
	"context"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// publisher is google.pubsub.v1.Publisher.
type publisher struct {
	*Server
	pubsubpb.UnimplementedPublisherServer
}

func notFound(kind, name string) error {
	return status.Errorf(codes.NotFound, "there is no %s %s; create it first", kind, name)
}

func exists(kind, name string) error {
	return status.Errorf(codes.AlreadyExists, "%s %s exists", kind, name)
}

// topicCalled is for callers that have the server's lock.
func (s *Server) topicCalled(name string) (*topic, error) {
	if err := checkName("topics", name); err != nil {
		return nil, err
	}
	if t := s.topics[name]; t != nil {
		return t, nil
	}
	return nil, notFound("topic", name)
}

func newTopicConfig(given *pubsubpb.Topic) *pubsubpb.Topic {
	c := proto.CloneOf(given)
	c.State, c.SatisfiesPzs = pubsubpb.Topic_ACTIVE, false
	return c
}

func (p publisher) CreateTopic(ctx context.Context, req *pubsubpb.Topic) (*pubsubpb.Topic, error) {
	if err := checkName("topics", req.GetName()); err != nil {
		return nil, err
	}
	config := newTopicConfig(req)
	if err := checkTopic(config); err != nil {
		return nil, err
	}
	return config, p.write(ctx, func() (position, error) {
		if p.topics[config.GetName()] != nil {
			return 0, exists("topic", config.GetName())
		}
		return p.putTopic(config)
	})
}

// write makes a change under the server's lock and waits until the log has it.
func (s *Server) write(ctx context.Context, change func() (position, error)) error {
	s.mu.Lock()
	logged, err := change()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.log.Wait(ctx, logged)
}

func (s *Server) putTopic(config *pubsubpb.Topic) (position, error) {
	if err := checkTopic(config); err != nil {
		return 0, err
	}
	if err := s.checkSchemaSettings(config.GetSchemaSettings()); err != nil {
		return 0, err
	}
	s.setTopic(config)
	return s.append(topicSet, encodeMessage(config)), nil
}

func (s *Server) setTopic(config *pubsubpb.Topic) {
	t := s.topics[config.GetName()]
	if t == nil {
		t = newTopic(s, config.GetName())
		s.topics[t.name] = t
	}
	t.configure(config)
}

func (p publisher) UpdateTopic(ctx context.Context, req *pubsubpb.UpdateTopicRequest) (*pubsubpb.Topic, error) {
	var config *pubsubpb.Topic
	err := p.write(ctx, func() (position, error) {
		t, err := p.topicCalled(req.GetTopic().GetName())
		if err != nil {
			return 0, err
		}
		config = proto.CloneOf(t.config)
		err = merge(config, req.GetTopic(), req.GetUpdateMask(), "labels", "message_storage_policy", "kms_key_name",
			"schema_settings", "message_retention_duration", "ingestion_data_source_settings", "message_transforms")
		if err != nil {
			return 0, err
		}
		return p.putTopic(config)
	})
	return config, err
}

func (p publisher) GetTopic(_ context.Context, req *pubsubpb.GetTopicRequest) (*pubsubpb.Topic, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	t, err := p.topicCalled(req.GetTopic())
	if err != nil {
		return nil, err
	}
	return t.config, nil
}

func (p publisher) ListTopics(
	_ context.Context, req *pubsubpb.ListTopicsRequest,
) (*pubsubpb.ListTopicsResponse, error) {
	if err := checkProject(req.GetProject()); err != nil {
		return nil, err
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	names, next, err := page(within(req.GetProject(), p.topics), req.GetPageSize(), req.GetPageToken())
	resp := &pubsubpb.ListTopicsResponse{NextPageToken: next}
	for _, name := range names {
		resp.Topics = append(resp.Topics, p.topics[name].config)
	}
	return resp, err
}

func (p publisher) ListTopicSubscriptions(
	_ context.Context, req *pubsubpb.ListTopicSubscriptionsRequest,
) (*pubsubpb.ListTopicSubscriptionsResponse, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	t, err := p.topicCalled(req.GetTopic())
	if err != nil {
		return nil, err
	}
	names, next, err := page(t.subscriptionNames(), req.GetPageSize(), req.GetPageToken())
	return &pubsubpb.ListTopicSubscriptionsResponse{Subscriptions: names, NextPageToken: next}, err
}

func (p publisher) DeleteTopic(ctx context.Context, req *pubsubpb.DeleteTopicRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, p.write(ctx, func() (position, error) {
		t, err := p.topicCalled(req.GetTopic())
		if err != nil {
			return 0, err
		}
		p.deleteTopic(t.name)
		return p.append(topicDeleted, []byte(t.name)), nil
	})
}

// deleteTopic leaves the subscriptions with what they have.
func (s *Server) deleteTopic(name string) {
	t := s.topics[name]
	if t == nil {
		return
	}
	delete(s.topics, name)
	for _, sub := range t.subscriptions {
		sub.topic = nil
		sub.change(func(c *pubsubpb.Subscription) {
			c.Topic, c.TopicMessageRetentionDuration = deletedTopic, nil
		})
	}
	for _, sub := range s.subscriptions {
		if sub.config.GetDeadLetterPolicy().GetDeadLetterTopic() == name {
			sub.change(func(c *pubsubpb.Subscription) { c.DeadLetterPolicy.DeadLetterTopic = deletedTopic })
		}
	}
	t.stop()
}

func (p publisher) DetachSubscription(
	ctx context.Context, req *pubsubpb.DetachSubscriptionRequest,
) (*pubsubpb.DetachSubscriptionResponse, error) {
	return &pubsubpb.DetachSubscriptionResponse{}, p.write(ctx, func() (position, error) {
		sub, err := p.subscriptionCalled(req.GetSubscription())
		if err != nil {
			return 0, err
		}
		sub.change(func(c *pubsubpb.Subscription) { c.Detached = true })
		p.attach(sub)
		return p.appendSubscription(sub), nil
	})
}

func (p publisher) Publish(ctx context.Context, req *pubsubpb.PublishRequest) (*pubsubpb.PublishResponse, error) {
	ids, logged, err := p.publish(req)
	if err != nil {
		return nil, err
	}
	return &pubsubpb.PublishResponse{MessageIds: ids}, p.log.Wait(ctx, logged)
}

func (s *Server) publish(req *pubsubpb.PublishRequest) ([]string, position, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t, err := s.topicCalled(req.GetTopic())
	if err != nil {
		return nil, 0, err
	}
	if err := checkPublish(req); err != nil {
		return nil, 0, err
	}
	messages, err := s.conform(t.config.GetSchemaSettings(), req.GetMessages())
	if err != nil {
		return nil, 0, err
	}
	ids, logged := t.publish(messages)
	return ids, logged, nil
}
