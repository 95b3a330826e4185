package cloudtest

import (
	"context"
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/proto"

	"orderflow.dev"
	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/local/eventarc"
)

// Topics are the topics of the project: one per event, and the dead letters'.
func Topics() []string {
	topics := []string{event.DeadLetterTopic}
	messages := eventv1.File_orderflow_event_v1_events_proto.Messages()
	for i := range messages.Len() {
		topics = append(topics, string(messages.Get(i).FullName()))
	}
	return topics
}

func createTopics(ctx context.Context) error {
	var topics []eventarc.Topic
	for _, id := range Topics() {
		topics = append(topics, eventarc.Topic{ID: id, Schema: orderflow.Schema(id)})
	}
	return eventarc.SetupTopics(ctx, client, project, topics)
}

func topicName(id string) string { return "projects/" + project + "/topics/" + id }

// Tap sees what is published to one topic from the moment it is made. It belongs to one test.
type Tap struct {
	t            testing.TB
	topic        string
	subscription string
	seen         []*pubsub.Message
}

// NewTap taps a topic. Make it before the act.
func NewTap(t testing.TB, topic string) *Tap {
	t.Helper()
	tap := &Tap{t: t, topic: topicName(topic), subscription: "projects/" + project + "/subscriptions/tap-" + rand.Text()}
	_, err := client.SubscriptionAdminClient.CreateSubscription(t.Context(), &pubsubpb.Subscription{
		Name: tap.subscription, Topic: tap.topic, AckDeadlineSeconds: 60,
	})
	if err != nil {
		t.Fatalf("tap topic %s: %v", topic, err)
	}
	return tap
}

// fenceAttribute marks messages that bound what was published before them.
const fenceAttribute = "cloudtest-fence"

// patience bounds waiting for what is under way already.
const patience = 30 * time.Second

// All is everything that was published so far. What it finds was acknowledged to its publisher before the call, so
// nothing is waited for that may not come.
func (tap *Tap) All() []*pubsub.Message {
	tap.t.Helper()
	ctx, cancel := context.WithTimeout(tap.t.Context(), patience)
	defer cancel()
	fence := rand.Text()
	_, err := client.TopicAdminClient.Publish(ctx, &pubsubpb.PublishRequest{Topic: tap.topic, Messages: []*pubsubpb.PubsubMessage{
		{Attributes: map[string]string{fenceAttribute: fence}}, // no bytes are a message of any schema
	}})
	if err != nil {
		tap.t.Fatalf("fence %s: %v", tap.topic, err)
	}
	for !tap.pull(ctx, fence) {
	}
	return slices.Clone(tap.seen)
}

// About is what was published so far about one subject, an order's id.
func (tap *Tap) About(subject string) []*pubsub.Message {
	tap.t.Helper()
	return slices.DeleteFunc(tap.All(), func(m *pubsub.Message) bool { return m.Attributes["ce-subject"] != subject })
}

// One is the data of the only message that was published so far about a subject, read into m.
func (tap *Tap) One(subject string, m proto.Message) *pubsub.Message {
	tap.t.Helper()
	found := tap.About(subject)
	if len(found) != 1 {
		tap.t.Fatalf("%s: %d messages about %s, want 1", tap.topic, len(found), subject)
	}
	if err := proto.Unmarshal(found[0].Data, m); err != nil {
		tap.t.Fatalf("%s: message about %s: %v", tap.topic, subject, err)
	}
	return found[0]
}

// pull takes what is there and says whether the fence was among it.
func (tap *Tap) pull(ctx context.Context, fence string) (fenced bool) {
	tap.t.Helper()
	resp, err := client.SubscriptionAdminClient.Pull(ctx, &pubsubpb.PullRequest{Subscription: tap.subscription, MaxMessages: 1000})
	if err != nil {
		tap.t.Fatalf("pull from %s: %v", tap.topic, err)
	}
	var acks []string
	for _, r := range resp.GetReceivedMessages() {
		acks = append(acks, r.GetAckId())
		m := r.GetMessage()
		if f, ok := m.GetAttributes()[fenceAttribute]; ok {
			fenced = fenced || f == fence
			continue
		}
		tap.seen = append(tap.seen, &pubsub.Message{
			ID: m.GetMessageId(), Data: m.GetData(), Attributes: m.GetAttributes(), PublishTime: m.GetPublishTime().AsTime(),
		})
	}
	if len(acks) > 0 {
		err := client.SubscriptionAdminClient.Acknowledge(ctx, &pubsubpb.AcknowledgeRequest{Subscription: tap.subscription, AckIds: acks})
		if err != nil {
			tap.t.Fatalf("acknowledge to %s: %v", tap.topic, err)
		}
	}
	return fenced
}
