package pubsub

import (
	"context"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// stream opens a StreamingPull.
func (o *official) stream(first *pubsubpb.StreamingPullRequest) pubsubpb.Subscriber_StreamingPullClient {
	o.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	o.t.Cleanup(cancel)
	st, err := o.sub.StreamingPull(ctx)
	if err != nil {
		o.t.Fatal(err)
	}
	if first.Subscription == "" {
		first.Subscription = subs + "sub"
	}
	if first.StreamAckDeadlineSeconds == 0 {
		first.StreamAckDeadlineSeconds = 60
	}
	if err := st.Send(first); err != nil {
		o.t.Fatal(err)
	}
	return st
}

func recv(t *testing.T, st pubsubpb.Subscriber_StreamingPullClient) *pubsubpb.StreamingPullResponse {
	t.Helper()
	resp, err := st.Recv()
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// ping waits until the server has seen everything that was sent before, and says what it sent.
func ping(t *testing.T, st pubsubpb.Subscriber_StreamingPullClient) (got received) {
	t.Helper()
	if err := st.Send(&pubsubpb.StreamingPullRequest{}); err != nil {
		t.Fatal(err)
	}
	for {
		resp := recv(t, st)
		if len(resp.GetReceivedMessages()) == 0 {
			return got
		}
		got = append(got, resp.GetReceivedMessages()...)
	}
}

func (o *official) publish(texts ...string) {
	o.t.Helper()
	req := &pubsubpb.PublishRequest{Topic: topics + "top"}
	for _, text := range texts {
		req.Messages = append(req.Messages, &pubsubpb.PubsubMessage{Data: []byte(text)})
	}
	if _, err := o.pub.Publish(o.t.Context(), req); err != nil {
		o.t.Fatal(err)
	}
}

func TestAStreamGetsNoMoreThanItsLimits(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 1000)
	for name, first := range map[string]*pubsubpb.StreamingPullRequest{
		"messages": {MaxOutstandingMessages: 3}, "bytes": {MaxOutstandingBytes: 2500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := connect(t)
			o.topic("top")
			o.subscription("sub", "top")
			st := o.stream(first)
			o.publish(big, big, big, big, big, big)
			var got received
			for len(got) < 3 {
				got = append(got, recv(t, st).GetReceivedMessages()...)
			}
			if more := ping(t, st); len(got)+len(more) != 3 {
				t.Fatalf("%d messages at once", len(got)+len(more))
			}
			for _, req := range []*pubsubpb.StreamingPullRequest{
				{AckIds: got.ackIDs()[:1]},
				{ModifyDeadlineAckIds: got.ackIDs()[1:2], ModifyDeadlineSeconds: []int32{0}},
			} {
				if err := st.Send(req); err != nil {
					t.Fatal(err)
				}
				if next := recv(t, st).GetReceivedMessages(); len(next) != 1 {
					t.Fatalf("%d messages for one that is settled", len(next))
				}
			}
			if more := ping(t, st); len(more) != 0 {
				t.Fatalf("%d messages too many", len(more))
			}
		})
	}
}

func TestStreamsShareABurst(t *testing.T) {
	t.Parallel()
	o := connect(t)
	o.topic("top")
	o.subscription("sub", "top")
	streams := make([]pubsubpb.Subscriber_StreamingPullClient, 4)
	for i := range streams {
		streams[i] = o.stream(&pubsubpb.StreamingPullRequest{})
		ping(t, streams[i]) // it is there
	}
	o.publish(numbers(100)...)
	sum := 0
	for _, st := range streams {
		got := len(recv(t, st).GetReceivedMessages())
		got += len(ping(t, st))
		if sum += got; got == 0 {
			t.Error("a stream got nothing")
		}
	}
	if sum != 100 {
		t.Errorf("%d messages", sum)
	}
}

func TestAStreamIsCheckedAsItGoes(t *testing.T) {
	t.Parallel()
	o := connect(t)
	o.topic("top")
	o.subscription("sub", "top")
	end := func(st pubsubpb.Subscriber_StreamingPullClient) codes.Code {
		for {
			if _, err := st.Recv(); err != nil {
				return status.Code(err)
			}
		}
	}
	for want, firsts := range map[codes.Code][]*pubsubpb.StreamingPullRequest{
		codes.NotFound: {{Subscription: subs + "nope"}},
		codes.InvalidArgument: {
			{Subscription: "nope"}, {StreamAckDeadlineSeconds: 9}, {StreamAckDeadlineSeconds: 601},
			{StreamAckDeadlineSeconds: -1},
			{AckIds: []string{"x"}}, {ModifyDeadlineAckIds: []string{"x"}},
		},
	} {
		for _, first := range firsts {
			if got := end(o.stream(first)); got != want {
				t.Errorf("%v: %s", first, got)
			}
		}
	}
	for _, later := range []*pubsubpb.StreamingPullRequest{
		{Subscription: subs + "sub"}, {ClientId: "c"}, {MaxOutstandingMessages: 1}, {MaxOutstandingBytes: 1},
		{ProtocolVersion: 1},
		{AckIds: []string{"x"}}, {ModifyDeadlineSeconds: []int32{1}}, {StreamAckDeadlineSeconds: 5},
	} {
		st := o.stream(&pubsubpb.StreamingPullRequest{})
		if err := st.Send(later); err != nil {
			t.Fatal(err)
		}
		if got := end(st); got != codes.InvalidArgument {
			t.Errorf("%v: %s", later, got)
		}
	}
	st := o.stream(&pubsubpb.StreamingPullRequest{})
	ping(t, st)
	if err := o.SubscriptionAdminClient.DeleteSubscription(t.Context(), &pubsubpb.DeleteSubscriptionRequest{
		Subscription: subs + "sub",
	}); err != nil {
		t.Fatal(err)
	}
	if got := end(st); got != codes.NotFound {
		t.Errorf("after the subscription was deleted: %s", got)
	}
}

func TestAStreamConfirmsExactlyOnceAcknowledgements(t *testing.T) {
	t.Parallel()
	o := connect(t)
	o.topic("top")
	o.subscription("sub", "top", func(s *pubsubpb.Subscription) { s.EnableExactlyOnceDelivery = true })
	st := o.stream(&pubsubpb.StreamingPullRequest{})
	o.publish("a")
	resp := recv(t, st)
	if !resp.GetSubscriptionProperties().GetExactlyOnceDeliveryEnabled() {
		t.Error("the properties do not say so")
	}
	ids := received(resp.GetReceivedMessages()).ackIDs()
	for _, req := range []*pubsubpb.StreamingPullRequest{
		{ModifyDeadlineAckIds: ids, ModifyDeadlineSeconds: []int32{30}}, {AckIds: ids}, {AckIds: ids},
		{ModifyDeadlineAckIds: ids, ModifyDeadlineSeconds: []int32{30}},
	} {
		if err := st.Send(req); err != nil {
			t.Fatal(err)
		}
	}
	first, second, third, fourth := recv(t, st), recv(t, st), recv(t, st), recv(t, st)
	if !slices.Equal(first.GetModifyAckDeadlineConfirmation().GetAckIds(), ids) ||
		!slices.Equal(second.GetAcknowledgeConfirmation().GetAckIds(), ids) ||
		!slices.Equal(third.GetAcknowledgeConfirmation().GetInvalidAckIds(), ids) ||
		!slices.Equal(fourth.GetModifyAckDeadlineConfirmation().GetInvalidAckIds(), ids) {
		t.Errorf("confirmations:\n%v\n%v\n%v\n%v", first, second, third, fourth)
	}
}

func TestServeEndsThoughStreamsAreOpen(t *testing.T) {
	t.Parallel()
	host, stop := serve(t, New(Options{}))
	conn := dial(t, host)
	o := &official{t: t, pub: pubsubpb.NewPublisherClient(conn), sub: pubsubpb.NewSubscriberClient(conn)}
	if _, err := o.pub.CreateTopic(t.Context(), &pubsubpb.Topic{Name: topics + "top"}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.sub.CreateSubscription(t.Context(), &pubsubpb.Subscription{
		Name: subs + "sub", Topic: topics + "top",
	}); err != nil {
		t.Fatal(err)
	}
	st := o.stream(&pubsubpb.StreamingPullRequest{})
	ping(t, st)
	pulled := make(chan error)
	go func() {
		_, err := o.sub.Pull(context.Background(), &pubsubpb.PullRequest{Subscription: subs + "sub", MaxMessages: 1})
		pulled <- err
	}()
	stop()
	if _, err := st.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("the stream ended with %v", err)
	}
	wantCode(t, <-pulled, codes.Unavailable)
}
