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
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"
)

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
			return on.sub.Pull(ctx, atOnce(sub, 5))
		})
		return
	}
	s.deliverAll(sub)
}

func (s *sequence) deliverAll(sub string) {
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
		resp, err := on.sub.Pull(context.Background(), atOnce(sub, 100))
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
		return on.sub.ModifyAckDeadline(ctx, &pubsubpb.ModifyAckDeadlineRequest{
			Subscription: sub, AckIds: ids(on), AckDeadlineSeconds: seconds,
		})
	})
}

// seek goes to before, between or after what was published. Messages that are out are settled before, as the API does
// not say what becomes of their leases; and all are out, as the emulator gives up what a seek passes by unless it was
// acknowledged before, though the subscription retains it. The emulator does not let ordered subscriptions seek.
func (s *sequence) seek() {
	sub := s.subscription()
	if s.ordered[sub] {
		return
	}
	if _, there := s.ordered[sub]; there {
		s.deliverAll(sub)
	}
	s.settleAll(sub)
	times := append([]time.Time{time.Now().Add(-time.Hour), time.Now().Add(time.Hour)}, s.times...)
	to := timestamppb.New(times[rapid.IntRange(0, len(times)-1).Draw(s.T, "to")])
	s.both("Seek", func(ctx context.Context, on *server) (proto.Message, error) {
		return on.sub.Seek(ctx, &pubsubpb.SeekRequest{Subscription: sub, Target: &pubsubpb.SeekRequest_Time{Time: to}})
	})
}
