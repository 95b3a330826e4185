package pubsub

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	client "cloud.google.com/go/pubsub/v2"
	vkit "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
)

// official is a server on a port and the official client of it.
type official struct {
	*client.Client
	t    *testing.T
	host string
	pub  pubsubpb.PublisherClient
	sub  pubsubpb.SubscriberClient
}

func connect(t *testing.T) *official {
	t.Helper()
	host, stop := serve(t, New(Options{}))
	t.Cleanup(stop)
	conn := dial(t, host)
	c, err := client.NewClient(t.Context(), "p", option.WithGRPCConn(conn))
	if err != nil {
		t.Fatal(err)
	}
	return &official{c, t, host, pubsubpb.NewPublisherClient(conn), pubsubpb.NewSubscriberClient(conn)}
}

func (o *official) topic(id string) {
	o.t.Helper()
	if _, err := o.TopicAdminClient.CreateTopic(o.t.Context(), &pubsubpb.Topic{Name: topics + id}); err != nil {
		o.t.Fatal(err)
	}
}

func (o *official) subscription(id, topic string, set ...func(*pubsubpb.Subscription)) {
	o.t.Helper()
	s := &pubsubpb.Subscription{Name: subs + id, Topic: topics + topic}
	for _, f := range set {
		f(s)
	}
	if _, err := o.SubscriptionAdminClient.CreateSubscription(o.t.Context(), s); err != nil {
		o.t.Fatal(err)
	}
}

// receive hands messages to a function until it says that it has seen enough.
func (o *official) receive(sub *client.Subscriber, handle func(*client.Message) (enough bool)) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), time.Minute)
	defer cancel()
	err := sub.Receive(ctx, func(_ context.Context, m *client.Message) {
		if handle(m) {
			cancel()
		}
	})
	if err != nil {
		o.t.Fatal(err)
	}
	if ctx.Err() == context.DeadlineExceeded {
		o.t.Fatal("not enough was received in a minute")
	}
}

func TestTheOfficialClientPublishesAndReceives(t *testing.T) {
	t.Parallel()
	o := connect(t)
	o.topic("top")
	o.subscription("sub", "top")
	publisher := o.Publisher("top")
	for i := range 500 {
		publisher.Publish(t.Context(), &client.Message{Data: fmt.Append(nil, i), Attributes: map[string]string{"n": fmt.Sprint(i)}})
	}
	publisher.Flush()
	var mu sync.Mutex
	seen := map[string]int{}
	o.receive(o.Subscriber("sub"), func(m *client.Message) bool {
		mu.Lock()
		defer mu.Unlock()
		seen[string(m.Data)]++
		if m.Attributes["n"] != string(m.Data) || m.PublishTime.IsZero() || m.DeliveryAttempt != nil {
			t.Errorf("message %+v", m)
		}
		m.Ack()
		return len(seen) == 500
	})
	for n, times := range seen {
		if times != 1 {
			t.Errorf("%s came %d times", n, times)
		}
	}
}

func TestTheOfficialClientReceivesKeysInOrder(t *testing.T) {
	t.Parallel()
	o := connect(t)
	o.topic("top")
	o.subscription("sub", "top", ordered)
	publisher := o.Publisher("top")
	publisher.EnableMessageOrdering = true
	for i := range 300 {
		publisher.Publish(t.Context(), &client.Message{Data: fmt.Append(nil, i/3), OrderingKey: fmt.Sprint(i % 3)})
	}
	publisher.Flush()
	var mu sync.Mutex
	got, total := map[string][]string{}, 0
	o.receive(o.Subscriber("sub"), func(m *client.Message) bool {
		mu.Lock()
		defer mu.Unlock()
		got[m.OrderingKey] = append(got[m.OrderingKey], string(m.Data))
		total++
		m.Ack()
		return total == 300
	})
	for key, texts := range got {
		if !slices.Equal(texts, numbers(100)) {
			t.Errorf("key %s: %v", key, texts)
		}
	}
}

func TestTheOfficialClientSeesAttemptsUntilTheDeadLetter(t *testing.T) {
	t.Parallel()
	o := connect(t)
	o.topic("top")
	o.topic("dead")
	o.subscription("letters", "dead")
	o.subscription("sub", "top", deadLetters("dead", 5))
	if _, err := o.Publisher("top").Publish(t.Context(), &client.Message{Data: []byte("poison")}).Get(t.Context()); err != nil {
		t.Fatal(err)
	}
	var attempts []int
	o.receive(o.Subscriber("sub"), func(m *client.Message) bool {
		attempts = append(attempts, *m.DeliveryAttempt)
		m.Nack()
		return len(attempts) == 5
	})
	if !slices.Equal(attempts, []int{1, 2, 3, 4, 5}) {
		t.Errorf("attempts %v", attempts)
	}
	o.receive(o.Subscriber("letters"), func(m *client.Message) bool {
		if m.Attributes["CloudPubSubDeadLetterSourceDeliveryCount"] != "5" {
			t.Errorf("attributes %v", m.Attributes)
		}
		m.Ack()
		return true
	})
}

func TestTheOfficialClientLearnsWhetherAnExactlyOnceAcknowledgementCounts(t *testing.T) {
	t.Parallel()
	o := connect(t)
	o.topic("top")
	o.subscription("sub", "top", func(s *pubsubpb.Subscription) { s.EnableExactlyOnceDelivery = true })
	if _, err := o.Publisher("top").Publish(t.Context(), &client.Message{Data: []byte("a")}).Get(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.receive(o.Subscriber("sub"), func(m *client.Message) bool {
		if got, err := m.AckWithResult().Get(t.Context()); got != client.AcknowledgeStatusSuccess || err != nil {
			t.Errorf("first acknowledgement: %v, %v", got, err)
		}
		return true
	})
}

func TestOurEventsPassThroughTopicsWithTheirSchemas(t *testing.T) {
	t.Parallel()
	o := connect(t)
	schemas, err := vkit.NewSchemaClient(t.Context(), option.WithGRPCConn(dial(t, o.host)))
	if err != nil {
		t.Fatal(err)
	}
	made, err := schemas.CreateSchema(t.Context(), &pubsubpb.CreateSchemaRequest{
		Parent: inProject, SchemaId: "orderflow.event.v1.PaymentFailed", Schema: deployed(t, "orderflow.event.v1.PaymentFailed"),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.TopicAdminClient.CreateTopic(t.Context(), &pubsubpb.Topic{Name: topics + "top", SchemaSettings: &pubsubpb.SchemaSettings{
		Schema: made.GetName(), Encoding: pubsubpb.Encoding_BINARY,
	}})
	if err != nil {
		t.Fatal(err)
	}
	good, err := proto.Marshal(&eventv1.PaymentFailed{OrderId: "o", Seq: 7, EventTime: timestamppb.Now(), Reason: "declined"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Publisher("top").Publish(t.Context(), &client.Message{Data: good}).Get(t.Context()); err != nil {
		t.Error(err)
	}
	_, err = o.Publisher("top").Publish(t.Context(), &client.Message{Data: []byte("no event")}).Get(t.Context())
	wantCode(t, err, codes.InvalidArgument)
}

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
			{Subscription: "nope"}, {StreamAckDeadlineSeconds: 9}, {StreamAckDeadlineSeconds: 601}, {StreamAckDeadlineSeconds: -1},
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
		{Subscription: subs + "sub"}, {ClientId: "c"}, {MaxOutstandingMessages: 1}, {MaxOutstandingBytes: 1}, {ProtocolVersion: 1},
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
	if err := o.SubscriptionAdminClient.DeleteSubscription(t.Context(), &pubsubpb.DeleteSubscriptionRequest{Subscription: subs + "sub"}); err != nil {
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
	if _, err := o.sub.CreateSubscription(t.Context(), &pubsubpb.Subscription{Name: subs + "sub", Topic: topics + "top"}); err != nil {
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

func TestMethodsThatAreNotThereSayTheirNames(t *testing.T) {
	t.Parallel()
	o := connect(t)
	o.topic("top")
	o.subscription("sub", "top")
	_, err := o.SubscriptionAdminClient.CreateSnapshot(t.Context(), &pubsubpb.CreateSnapshotRequest{Subscription: subs + "sub"})
	if status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "CreateSnapshot") {
		t.Errorf("CreateSnapshot: %v", err)
	}
	err = o.SubscriptionAdminClient.ModifyPushConfig(t.Context(), &pubsubpb.ModifyPushConfigRequest{Subscription: subs + "sub"})
	if status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "ModifyPushConfig") {
		t.Errorf("ModifyPushConfig: %v", err)
	}
}
