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
		publisher.Publish(t.Context(), &client.Message{
			Data: fmt.Append(nil, i), Attributes: map[string]string{"n": fmt.Sprint(i)},
		})
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
	if _, err := o.Publisher("top").Publish(t.Context(), &client.Message{
		Data: []byte("poison"),
	}).Get(t.Context()); err != nil {
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
		Parent: inProject, SchemaId: "orderflow.event.v1.PaymentFailed",
		Schema: deployed(t, "orderflow.event.v1.PaymentFailed"),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.TopicAdminClient.CreateTopic(t.Context(), &pubsubpb.Topic{Name: topics + "top",
		SchemaSettings: &pubsubpb.SchemaSettings{
			Schema: made.GetName(), Encoding: pubsubpb.Encoding_BINARY,
		}})
	if err != nil {
		t.Fatal(err)
	}
	good, err := proto.Marshal(&eventv1.PaymentFailed{
		OrderId: "o", Seq: 7, EventTime: timestamppb.Now(), Reason: "declined",
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Publisher("top").Publish(t.Context(), &client.Message{Data: good}).Get(t.Context()); err != nil {
		t.Error(err)
	}
	_, err = o.Publisher("top").Publish(t.Context(), &client.Message{Data: []byte("no event")}).Get(t.Context())
	wantCode(t, err, codes.InvalidArgument)
}

func TestMethodsThatAreNotThereSayTheirNames(t *testing.T) {
	t.Parallel()
	o := connect(t)
	o.topic("top")
	o.subscription("sub", "top")
	_, err := o.SubscriptionAdminClient.CreateSnapshot(t.Context(), &pubsubpb.CreateSnapshotRequest{
		Subscription: subs + "sub",
	})
	if status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "CreateSnapshot") {
		t.Errorf("CreateSnapshot: %v", err)
	}
	err = o.SubscriptionAdminClient.ModifyPushConfig(t.Context(), &pubsubpb.ModifyPushConfigRequest{
		Subscription: subs + "sub",
	})
	if status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "ModifyPushConfig") {
		t.Errorf("ModifyPushConfig: %v", err)
	}
}
