package likeness

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// scene is one server in a project of its own.
type scene struct {
	*server
	t       *testing.T
	project string
}

// onBoth plays a scene on both and compares what it answers.
func onBoth(t *testing.T, play func(*scene) []string) {
	t.Helper()
	needGoogle(t)
	t.Parallel()
	project := fmt.Sprintf("projects/p%d", projects.Add(1))
	got := make(chan []string)
	go func() { got <- play(&scene{dial(t, "Google's", googleHost), t, project}) }()
	ours := play(&scene{dial(t, "ours", ourHost), t, project})
	if diff := cmp.Diff(<-got, ours); diff != "" {
		t.Errorf("-Google's +ours:\n%s", diff)
	}
}

func (s *scene) topic(id string, keeps time.Duration) string {
	topic := &pubsubpb.Topic{Name: s.project + "/topics/" + id}
	if keeps > 0 {
		topic.MessageRetentionDuration = durationpb.New(keeps)
	}
	if _, err := s.pub.CreateTopic(context.Background(), topic); err != nil {
		s.t.Error(err)
	}
	return topic.Name
}

func (s *scene) subscription(id, topic string, set func(*pubsubpb.Subscription)) string {
	sub := &pubsubpb.Subscription{Name: s.project + "/subscriptions/" + id, Topic: topic}
	set(sub)
	if _, err := s.sub.CreateSubscription(context.Background(), sub); err != nil {
		s.t.Error(err)
	}
	return sub.Name
}

func (s *scene) publish(topic string, texts ...string) {
	for _, text := range texts {
		req := &pubsubpb.PublishRequest{Topic: topic, Messages: []*pubsubpb.PubsubMessage{{Data: []byte(text)}}}
		if _, err := s.pub.Publish(context.Background(), req); err != nil {
			s.t.Error(err)
		}
	}
}

func (s *scene) pull(sub string) []*pubsubpb.ReceivedMessage {
	resp, err := s.sub.Pull(context.Background(), atOnce(sub, 10))
	if err != nil {
		s.t.Error(err)
	}
	return resp.GetReceivedMessages()
}

// await pulls until so many messages came.
func (s *scene) await(sub string, want int) []*pubsubpb.ReceivedMessage {
	var all []*pubsubpb.ReceivedMessage
	for deadline := time.Now().Add(time.Minute); len(all) < want && time.Now().Before(deadline); {
		all = append(all, s.pull(sub)...)
		time.Sleep(10 * time.Millisecond)
	}
	return all
}

func texts(all []*pubsubpb.ReceivedMessage) []string {
	var texts []string
	for _, m := range all {
		texts = append(texts, fmt.Sprint(string(m.GetMessage().GetData()), " attempt ", m.GetDeliveryAttempt()))
	}
	slices.Sort(texts)
	return texts
}

func plain(*pubsubpb.Subscription) {}

func TestALateSubscriptionSeeksBack(t *testing.T) {
	onBoth(t, func(s *scene) []string {
		began := time.Now()
		topic := s.topic("top", time.Hour)
		s.publish(topic, "a", "b")
		sub := s.subscription("sub", topic, plain)
		_, err := s.sub.Seek(context.Background(), &pubsubpb.SeekRequest{
			Subscription: sub, Target: &pubsubpb.SeekRequest_Time{Time: timestamppb.New(began)},
		})
		if err != nil {
			t.Error(err)
		}
		return texts(s.await(sub, 2))
	})
}

func TestAnExpiredLeaseBringsTheMessageAgain(t *testing.T) {
	onBoth(t, func(s *scene) []string {
		topic := s.topic("top", 0)
		sub := s.subscription("sub", topic, func(c *pubsubpb.Subscription) { c.AckDeadlineSeconds = 10 })
		s.publish(topic, "a")
		first := texts(s.await(sub, 1))
		return append(first, texts(s.await(sub, 1))...)
	})
}

// TestDeadLetters compares also the attributes, save the time of publication.
func TestDeadLetters(t *testing.T) {
	onBoth(t, func(s *scene) []string {
		topic, dead := s.topic("top", 0), s.topic("dead", 0)
		letters := s.subscription("letters", dead, plain)
		sub := s.subscription("sub", topic, func(c *pubsubpb.Subscription) {
			c.DeadLetterPolicy = &pubsubpb.DeadLetterPolicy{DeadLetterTopic: dead, MaxDeliveryAttempts: 5}
		})
		s.publish(topic, "a")
		var seen []string
		for range 5 {
			got := s.await(sub, 1)
			seen = append(seen, texts(got)...)
			for _, m := range got {
				_, err := s.sub.ModifyAckDeadline(context.Background(), &pubsubpb.ModifyAckDeadlineRequest{
					Subscription: sub, AckIds: []string{m.GetAckId()},
				})
				if err != nil {
					t.Error(err)
				}
			}
		}
		s.pull(sub) // the emulator forwards a message when it would deliver it again
		for _, m := range s.await(letters, 1) {
			attributes := m.GetMessage().GetAttributes()
			at := attributes["CloudPubSubDeadLetterSourceTopicPublishTime"]
			if _, err := time.Parse("2006-01-02T15:04:05.999Z", at); err != nil {
				t.Errorf("%s: the time of publication is %q: %v", s.name, at, err)
			}
			delete(attributes, "CloudPubSubDeadLetterSourceTopicPublishTime")
			seen = append(seen, fmt.Sprint(attributes))
		}
		return seen
	})
}
