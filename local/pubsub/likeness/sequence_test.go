package likeness

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"
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
	for id, inOrder := range map[string]bool{"aaa": false, "bbb": rapid.Bool().Draw(s.T, "bbb is ordered")} {
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

// keeps is a topic that keeps messages. Nothing is published there, because the emulator gives a new subscription what its
// topic keeps, while the real one waits until the subscription seeks back
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

// normal leaves out what only the real service has: states, the default expiration, what a topic's retention means for a
// subscription, and the other's own names for what it made.
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
		sub.MessageRetentionDuration = durationpb.New(time.Duration(rapid.SampledFrom([]int{1, 600, 604800}).Draw(s.T, "retention")) * time.Second)
	case 4:
		sub.ExpirationPolicy, call = &pubsubpb.ExpirationPolicy{Ttl: durationpb.New(time.Hour)}, call+" expires in an hour"
	case 5:
		sub.Filter, call = "data", call+" bad filter"
	case 6:
		attempts := rapid.SampledFrom([]int32{0, 4, 5, 100, 101}).Draw(s.T, "attempts")
		sub.DeadLetterPolicy = &pubsubpb.DeadLetterPolicy{DeadLetterTopic: s.project + "/topics/none", MaxDeliveryAttempts: attempts}
	case 7:
		least, most := rapid.Int64Range(-1, 601).Draw(s.T, "least"), rapid.Int64Range(-1, 601).Draw(s.T, "most")
		sub.RetryPolicy = &pubsubpb.RetryPolicy{MinimumBackoff: &durationpb.Duration{Seconds: least}, MaximumBackoff: &durationpb.Duration{Seconds: most}}
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

func (s *sequence) publish() {
	req := &pubsubpb.PublishRequest{Topic: s.topic()}
	key := s.pick("key", "", "", "k", "l")
	for range rapid.IntRange(1, 5).Draw(s.T, "messages") {
		s.published++
		m := &pubsubpb.PubsubMessage{Data: fmt.Append(nil, s.published), OrderingKey: key}
		if s.chance("with attributes", 3) {
			m.Attributes = map[string]string{"a": "b", "c": ""}
		}
		req.Messages = append(req.Messages, m)
	}
	s.both("Publish", func(ctx context.Context, on *server) (proto.Message, error) { return on.pub.Publish(ctx, req) })
	time.Sleep(2 * time.Millisecond)
	s.times = append(s.times, time.Now())
	time.Sleep(2 * time.Millisecond)
}

// deliver pulls everything that a subscription has now.
func (s *sequence) deliver() {
	sub := s.subscription()
	if _, ok := s.ordered[sub]; !ok {
		s.both("Pull", func(ctx context.Context, on *server) (proto.Message, error) {
			return on.sub.Pull(ctx, &pubsubpb.PullRequest{Subscription: sub, MaxMessages: 5, ReturnImmediately: true})
		})
		return
	}
	if s.ordered[sub] { // whether a key with messages out gives more to another pull is not said by the API
		s.settleAll(sub)
	}
	ours := s.ours.drain(sub, 0)
	theirs := s.theirs.drain(sub, len(ours))
	if !s.ordered[sub] {
		slices.Sort(ours)
		slices.Sort(theirs)
	}
	s.compare("Pull", answer{"OK", byKey(ours)}, answer{"OK", byKey(theirs)})
	s.tally.messages += len(ours)
	for _, m := range ours {
		text := strings.Fields(m)[1]
		if !slices.Contains(s.out[sub], text) {
			s.out[sub] = append(s.out[sub], text)
		}
	}
}

// byKey is the messages of each key in the order in which they came.
func byKey(messages []string) string {
	keys := map[string][]string{}
	for _, m := range messages {
		key, _, _ := strings.Cut(m, " ")
		keys[key] = append(keys[key], m)
	}
	slices.Sort(keys["-"]) // without a key there is no order
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		fmt.Fprintln(&b, keys[key])
	}
	return b.String()
}

// drain pulls until nothing comes any more, but waits a while for as many as are expected.
func (on *server) drain(sub string, expected int) (got []string) {
	if on.acks[sub] == nil {
		on.acks[sub] = map[string]string{}
	}
	patience := time.Now().Add(5 * time.Second)
	for empty := 0; empty < 3; {
		resp, err := on.sub.Pull(context.Background(), &pubsubpb.PullRequest{Subscription: sub, MaxMessages: 100, ReturnImmediately: true})
		if err != nil {
			return append(got, "error: "+status.Code(err).String())
		}
		for _, m := range resp.GetReceivedMessages() {
			text := string(m.GetMessage().GetData())
			on.acks[sub][text] = m.GetAckId()
			key := m.GetMessage().GetOrderingKey()
			if key == "" {
				key = "-"
			}
			got = append(got, fmt.Sprint(key, " ", text, " ", m.GetMessage().GetAttributes(), " ", m.GetDeliveryAttempt()))
		}
		if len(resp.GetReceivedMessages()) > 0 {
			empty = 0
			continue
		}
		if len(got) < expected && time.Now().Before(patience) {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		empty++
	}
	return got
}

// settle acknowledges, extends or gives back some of what is out.
func (s *sequence) settle() {
	sub := s.subscription()
	how := s.pick("how", "ack", "ack", "ack", "nack", "extend")
	if s.ordered[sub] {
		how = "ack" // the emulator does not deliver again what came after a message that is given back
	}
	var some []string
	for _, text := range s.out[sub] {
		if s.ordered[sub] || rapid.Bool().Draw(s.T, "this one") {
			some = append(some, text)
		}
	}
	if len(some) > 0 {
		s.settleSome(sub, how, some)
	}
}

func (s *sequence) settleAll(sub string) {
	if len(s.out[sub]) > 0 {
		s.settleSome(sub, "ack", slices.Clone(s.out[sub]))
	}
}

func (s *sequence) settleSome(sub, how string, texts []string) {
	ids := func(on *server) (all []string) {
		for _, text := range texts {
			all = append(all, on.acks[sub][text])
		}
		return all
	}
	if how != "extend" {
		s.out[sub] = slices.DeleteFunc(s.out[sub], func(text string) bool { return slices.Contains(texts, text) })
	}
	if how == "ack" {
		s.both("Acknowledge", func(ctx context.Context, on *server) (proto.Message, error) {
			return on.sub.Acknowledge(ctx, &pubsubpb.AcknowledgeRequest{Subscription: sub, AckIds: ids(on)})
		})
		return
	}
	seconds := map[string]int32{"nack": 0, "extend": 60}[how]
	s.both("ModifyAckDeadline", func(ctx context.Context, on *server) (proto.Message, error) {
		return on.sub.ModifyAckDeadline(ctx, &pubsubpb.ModifyAckDeadlineRequest{Subscription: sub, AckIds: ids(on), AckDeadlineSeconds: seconds})
	})
}

// seek goes to before, between or after what was published. Messages that are out are settled before, as the API does not say
// what becomes of their leases. The emulator does not let ordered subscriptions seek.
func (s *sequence) seek() {
	sub := s.subscription()
	if s.ordered[sub] {
		return
	}
	s.settleAll(sub)
	times := append([]time.Time{time.Now().Add(-time.Hour), time.Now().Add(time.Hour)}, s.times...)
	to := timestamppb.New(times[rapid.IntRange(0, len(times)-1).Draw(s.T, "to")])
	s.both("Seek", func(ctx context.Context, on *server) (proto.Message, error) {
		return on.sub.Seek(ctx, &pubsubpb.SeekRequest{Subscription: sub, Target: &pubsubpb.SeekRequest_Time{Time: to}})
	})
}

func (s *sequence) deleteTopic() {
	if s.chance("really", 2) {
		req := &pubsubpb.DeleteTopicRequest{Topic: s.topic()}
		s.both("DeleteTopic", func(ctx context.Context, on *server) (proto.Message, error) { return on.pub.DeleteTopic(ctx, req) })
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
		s.both("UpdateTopic "+path, func(ctx context.Context, on *server) (proto.Message, error) { return on.pub.UpdateTopic(ctx, req) })
		return
	}
	path := s.pick("path", "labels", "name", "topic", "filter", "enable_message_ordering", "nope", "", "ack_deadline_seconds", "detached",
		"retry_policy", "dead_letter_policy", "message_retention_duration", "expiration_policy")
	req := &pubsubpb.UpdateSubscriptionRequest{
		Subscription: &pubsubpb.Subscription{Name: s.subscription(), AckDeadlineSeconds: rapid.SampledFrom([]int32{0, 10, 600, 601}).Draw(s.T, "ack")},
		UpdateMask:   mask(path),
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

// hostile makes calls that are refused, on what is made for them alone: if one is not, nothing else sees the difference.
func (s *sequence) hostile() {
	topic, sub := s.project+"/topics/hostile", s.project+"/subscriptions/hostile"
	attribute := func(k, v string) []*pubsubpb.PubsubMessage {
		return []*pubsubpb.PubsubMessage{{Attributes: map[string]string{k: v}}}
	}
	publishes := map[string][]*pubsubpb.PubsubMessage{
		"none": {}, "empty": {{}}, "key only": {{OrderingKey: "k"}}, "1001": slices.Repeat([]*pubsubpb.PubsubMessage{{Data: []byte("x")}}, 1001),
		"goog attribute": attribute("googx", ""), "nameless attribute": attribute("", "x"), "long attribute": attribute("x", strings.Repeat("x", 1025)),
		"two keys": {{Data: []byte("x"), OrderingKey: "a"}, {Data: []byte("x"), OrderingKey: "b"}},
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
		return on.sub.ModifyAckDeadline(ctx, &pubsubpb.ModifyAckDeadlineRequest{Subscription: sub, AckIds: ids, AckDeadlineSeconds: 10})
	})
	s.both("Pull", func(ctx context.Context, on *server) (proto.Message, error) {
		return on.sub.Pull(ctx, &pubsubpb.PullRequest{Subscription: sub, ReturnImmediately: true})
	})
	s.both("Seek", func(ctx context.Context, on *server) (proto.Message, error) {
		return on.sub.Seek(ctx, &pubsubpb.SeekRequest{Subscription: sub})
	})
}
