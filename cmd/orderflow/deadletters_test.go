package main

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/store"
	"orderflow.dev/local/cloudtest"
)

// confirmed is the event of an order as a function was given it.
func confirmed(t *testing.T, orderID string) event.Message {
	t.Helper()
	e := event.FromJournal("orders", journal.Entry{Event: &eventv1.OrderConfirmed{OrderId: orderID, Seq: 2}, Traceparent: "00-a-b-01"})
	data, err := proto.Marshal(e.Data)
	if err != nil {
		t.Fatal(err)
	}
	return event.Message{Attributes: e.Attributes(), Data: data}
}

// park keeps a message as a dead letter and answers its id.
func park(t *testing.T, messageID, function string, m event.Message) string {
	t.Helper()
	s := store.NewDeadLetters(cloudtest.Database(t, "platform"), time.Now)
	if err := s.Park(t.Context(), messageID, function, "no such\n  customer", m); err != nil {
		t.Fatal(err)
	}
	return store.DeadLetterID(messageID)
}

// letter runs a command about dead letters of the tests' project, and fails the test if it fails.
func letter(t *testing.T, args ...string) string {
	t.Helper()
	out, _, err := orderflow(t.Context(), append([]string{"dead-letters", "--project", cloudtest.Project()}, args...)...)
	if err != nil {
		t.Fatalf("%s: %v", args, err)
	}
	return out
}

func has(t *testing.T, out string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(out, p) {
			t.Errorf("there is no %q in:\n%s", p, out)
		}
	}
}

func hasNot(t *testing.T, out string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if strings.Contains(out, p) {
			t.Errorf("there is %q in:\n%s", p, out)
		}
	}
}

func TestADeadLetterIsReplayedAsItWas(t *testing.T) {
	t.Parallel()
	order := cloudtest.NewID()
	m := confirmed(t, order)
	id := park(t, cloudtest.NewID(), "notify-customer.OrderConfirmed", m)
	tap := cloudtest.NewTap(t, m.Attributes["ce-type"])
	has(t, letter(t, "list", "--order", order), id, "notify-customer.OrderConfirmed", "OrderConfirmed", "open", "no such customer")
	has(t, letter(t, "show", id), "orders/"+order+"/2", `"`+order+`"`, "no such\n  customer")
	has(t, letter(t, "replay", "--order", order, "--reason", "r", "--dry-run"), id, "open")
	if sent := tap.About(order); len(sent) != 0 {
		t.Errorf("a dry run published %v", sent)
	}
	has(t, letter(t, "replay", "--order", order, "--reason", "repaired", "--by", "ann"), "✓  "+id, "orders/"+order+"/2")
	sent := tap.About(order)
	if len(sent) != 1 {
		t.Fatalf("%d messages were published, want 1", len(sent))
	}
	maps.DeleteFunc(sent[0].Attributes, func(name, _ string) bool { return strings.HasPrefix(name, "googclient_") }) // the schema's
	if diff := cmp.Diff(m, event.Message{Attributes: sent[0].Attributes, Data: sent[0].Data}); diff != "" {
		t.Errorf("replayed (-parked +published):\n%s", diff)
	}
	has(t, letter(t, "list", "--order", order), "no dead letters")
	has(t, letter(t, "list", "--order", order, "--all"), id, "replayed")
	letter(t, "discard", id, "--reason", "it was there", "--by", "ben")
	has(t, letter(t, "show", id), "by ann: repaired", "by ben: it was there")
	if sent := tap.About(order); len(sent) != 1 {
		t.Errorf("to discard published %v", sent)
	}
}

func TestWhatIsNoEventIsDiscardedNotReplayed(t *testing.T) {
	t.Parallel()
	id := park(t, cloudtest.NewID(), "place-order", event.Message{Attributes: map[string]string{"a": "b"}, Data: []byte{0}})
	out, _, err := orderflow(t.Context(), "dead-letters", "--project", cloudtest.Project(), "replay", id, "--reason", "r")
	if err == nil || !strings.Contains(err.Error(), "1 of 1 could not be replayed") || !strings.Contains(out, "discard it") {
		t.Errorf("%v:\n%s", err, out)
	}
	has(t, letter(t, "show", id), "no event:", `"\x00"`)
	letter(t, "discard", id, "--reason", "a test")
	has(t, letter(t, "show", id), "discarded", "a test")
}

// TestTheAlertEndsWithTheDecision holds the subscription that keeps dead letters for people, and for the alert.
func TestTheAlertEndsWithTheDecision(t *testing.T) {
	ctx := t.Context()
	client, err := pubsub.NewClient(ctx, cloudtest.Project())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := client.SubscriptionAdminClient
	topic := &pubsubpb.Topic{Name: client.Publisher(event.DeadLetterTopic).String()}
	if _, err := client.TopicAdminClient.CreateTopic(ctx, topic); err != nil && !strings.Contains(err.Error(), "AlreadyExists") {
		t.Fatal(err)
	}
	people := client.Subscriber(event.DeadLetterTopic).String()
	if _, err := admin.CreateSubscription(ctx, &pubsubpb.Subscription{Name: people, Topic: topic.Name, AckDeadlineSeconds: 600}); err != nil {
		t.Fatal(err)
	}
	defer func() { // other tests' letters are not for it
		if err := admin.DeleteSubscription(context.Background(), &pubsubpb.DeleteSubscriptionRequest{Subscription: people}); err != nil {
			t.Error(err)
		}
	}()
	ids := map[string]string{} // of letters, by order
	for _, order := range []string{"one", "two", "three"} {
		m := confirmed(t, order)
		id, err := client.Publisher(event.DeadLetterTopic).Publish(ctx, &pubsub.Message{Data: m.Data, Attributes: m.Attributes}).Get(ctx)
		if err != nil {
			t.Fatal(err)
		}
		ids[order] = park(t, id, "notify-customer", m)
	}
	letter(t, "replay", ids["one"], ids["three"], "--reason", "r")
	if left := waiting(ctx, t, client, people); len(left) != 1 || left[0] != "two" {
		t.Errorf("the orders %v are waiting for people, want two", left)
	}
	letter(t, "discard", ids["two"], "--reason", "r")
	if left := waiting(ctx, t, client, people); len(left) != 0 {
		t.Errorf("the orders %v are waiting for people", left)
	}
}

// waiting are the subjects of the messages of a subscription, which go back.
func waiting(ctx context.Context, t *testing.T, client *pubsub.Client, subscription string) (subjects []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	var acks []string
	for {
		pulled, err := client.SubscriptionAdminClient.Pull(ctx, &pubsubpb.PullRequest{Subscription: subscription, MaxMessages: 10})
		if err != nil || len(pulled.ReceivedMessages) == 0 {
			break
		}
		for _, m := range pulled.ReceivedMessages {
			subjects, acks = append(subjects, m.Message.Attributes["ce-subject"]), append(acks, m.AckId)
		}
	}
	if len(acks) > 0 {
		err := client.SubscriptionAdminClient.ModifyAckDeadline(t.Context(), &pubsubpb.ModifyAckDeadlineRequest{Subscription: subscription, AckIds: acks})
		if err != nil {
			t.Fatal(err)
		}
	}
	return subjects
}

func TestFiltersOfDeadLetters(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := store.DeadLetter{Function: "notify-customer.OrderConfirmed", EventType: "orderflow.event.v1.OrderConfirmed", OrderID: "o", ParkTime: now.Add(-time.Hour)}
	decided := l
	decided.Decisions = []store.Decision{{Action: store.Replayed}}
	for name, c := range map[string]struct {
		filter letterFilter
		letter store.DeadLetter
		want   bool
	}{
		"all that are open":           {letterFilter{}, l, true},
		"decided about":               {letterFilter{}, decided, false},
		"decided about, asked for":    {letterFilter{all: true}, decided, true},
		"of the function":             {letterFilter{function: "notify-customer"}, l, true},
		"of the function's beginning": {letterFilter{function: "notify"}, l, false},
		"of the type":                 {letterFilter{eventType: "OrderConfirmed"}, l, true},
		"of the type's whole name":    {letterFilter{eventType: "orderflow.event.v1.OrderConfirmed"}, l, true},
		"of the type's end":           {letterFilter{eventType: "Confirmed"}, l, false},
		"of the order":                {letterFilter{order: "o"}, l, true},
		"of another order":            {letterFilter{order: "p"}, l, false},
		"young enough":                {letterFilter{since: 2 * time.Hour}, l, true},
		"too old":                     {letterFilter{since: time.Minute}, l, false},
		"old enough":                  {letterFilter{until: time.Minute}, l, true},
		"too young":                   {letterFilter{until: 2 * time.Hour}, l, false},
	} {
		if got := c.filter.selects(c.letter, now); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestADecisionSaysWhichLettersAndWhy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, want string }{
		{"replay --reason r", "say which"},
		{"replay id --function f --reason r", "say which"},
		{"replay id", "reason"},
		{"replay id --reason=", "--reason: say why"},
		{"discard id --reason=", "--reason: say why"},
		{"replay --since 1h --rate 0 --reason r", "--rate"},
		{"discard --since 1h --rate -1 --reason r", "--rate"},
		{"replay --since -1h --reason r", "--since"},
		{"discard --until -1h --reason r", "--until"},
		{"list --since -1h", "--since"},
		{"list --since 1h --until 2h", "there is no time between"},
		{"show", "accepts 1 arg"},
		{"show none", "there is no dead letter none"},
	} {
		_, _, err := orderflow(t.Context(), append([]string{"dead-letters", "--project", cloudtest.Project()}, strings.Fields(c.args)...)...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.args, err, c.want)
		}
	}
}
