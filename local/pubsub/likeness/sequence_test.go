package likeness

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

// sequence is calls that depend on one another.
type sequence struct {
	*rapid.T
	ours, theirs *server
	tally        *tally
	project      string
	published    int
	ordered      map[string]bool     // subscriptions
	out          map[string][]string // texts that were delivered and not settled, by subscription
	times        []time.Time         // between publishes
}

// newSequence begins with a topic and two subscriptions, most times.
func newSequence(t *rapid.T, ours, theirs *server, tally *tally, project string) *sequence {
	s := &sequence{
		T: t, ours: ours, theirs: theirs, tally: tally, project: project,
		ordered: map[string]bool{}, out: map[string][]string{},
	}
	if !s.chance("from nothing", 4) {
		s.begin()
	}
	return s
}

func (s *sequence) begin() {
	topic := s.project + "/topics/top"
	s.both("CreateTopic", func(ctx context.Context, on *server) (proto.Message, error) {
		return on.pub.CreateTopic(ctx, &pubsubpb.Topic{Name: topic})
	})
	for _, id := range []string{"aaa", "bbb"} {
		inOrder := id == "bbb" && rapid.Bool().Draw(s.T, "is ordered")
		sub := &pubsubpb.Subscription{
			Name: s.project + "/subscriptions/" + id, Topic: topic, EnableMessageOrdering: inOrder,
			RetainAckedMessages: rapid.Bool().Draw(s.T, "retains"),
		}
		s.both("CreateSubscription", func(ctx context.Context, on *server) (proto.Message, error) {
			return on.sub.CreateSubscription(ctx, sub)
		})
		s.ordered[sub.Name] = inOrder
	}
}

func (s *sequence) pick(what string, of ...string) string {
	return rapid.SampledFrom(of).Draw(s.T, what)
}

// chance is true in one of n cases.
func (s *sequence) chance(what string, n int) bool { return rapid.IntRange(1, n).Draw(s.T, what) == n }

// keeps is a topic that keeps messages. Nothing is published there, because the emulator gives a new subscription
// what its topic keeps, while the real one waits until the subscription seeks back
// (https://cloud.google.com/pubsub/docs/replay-overview#configuring_message_retention).
const keeps = "/topics/keeps"

func (s *sequence) topic() string {
	return s.project + "/topics/" + s.pick("topic", "top", "top", "top", "two", "two", "none", "9bad")
}

func (s *sequence) subscription() string {
	return s.project + "/subscriptions/" + s.pick("subscription", "aaa", "aaa", "aaa", "bbb", "bbb", "ccc", "none", "9bad")
}

// act makes a call. rapid prefers what comes first here.
func (s *sequence) act() {
	actions := []func(){
		s.publish, s.deliver, s.settle, s.deliver, s.publish, s.settle, s.deliver, s.publish, s.settle, s.seek, s.deliver,
		s.createSubscription, s.update, s.read, s.createTopic, s.hostile, s.deleteSubscription, s.deleteTopic,
	}
	actions[rapid.IntRange(0, len(actions)-1).Draw(s.T, "action")]()
}

// both makes a call on both and compares the answers; it answers the code.
func (s *sequence) both(call string, f func(context.Context, *server) (proto.Message, error)) string {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ask := func(on *server) answer {
		m, err := f(ctx, on)
		a := answer{Code: status.Code(err).String()}
		if err == nil {
			a.Text = normal(m)
		}
		return a
	}
	return s.compare(call, ask(s.ours), ask(s.theirs))
}

func (s *sequence) compare(call string, ours, theirs answer) string {
	s.Helper()
	s.tally.compared++
	s.tally.calls[strings.Fields(call)[0]]++
	if ours == theirs {
		return ours.Code
	}
	why := explain(call, ours, theirs)
	if why == "" {
		s.Fatalf("%s:\n     ours: %+v\n Google's: %+v", call, ours, theirs)
	}
	s.tally.explained[why]++
	return "differs"
}

// normal leaves out what only the real service has: states, the default expiration, what a topic's retention means
// for a subscription, and the other's own names for what it made.
func normal(m proto.Message) string {
	m = proto.Clone(m)
	switch m := m.(type) {
	case *pubsubpb.Topic:
		m.State = 0
	case *pubsubpb.Subscription:
		normalSubscription(m)
	case *pubsubpb.ListTopicsResponse:
		for _, t := range m.GetTopics() {
			t.State = 0
		}
	case *pubsubpb.ListSubscriptionsResponse:
		for _, sub := range m.GetSubscriptions() {
			normalSubscription(sub)
		}
	case *pubsubpb.ListTopicSubscriptionsResponse:
		slices.Sort(m.Subscriptions)
	case *pubsubpb.PublishResponse:
		return fmt.Sprint(len(m.GetMessageIds()))
	}
	return strings.Join(strings.Fields(prototext.Format(m)), " ")
}

func normalSubscription(m *pubsubpb.Subscription) {
	m.State, m.ExpirationPolicy, m.TopicMessageRetentionDuration = 0, nil, nil
	if m.DeadLetterPolicy != nil {
		m.DeadLetterPolicy.DeadLetterTopic = "" // the emulator does not change it when the topic is deleted
	}
}
