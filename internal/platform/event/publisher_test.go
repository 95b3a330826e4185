package event_test

import (
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/local/cloudtest"
)

func TestMain(m *testing.M) { cloudtest.Main(m) }

func publisher(t *testing.T) *event.Publisher {
	t.Helper()
	p, err := event.NewPublisher(t.Context(), cloudtest.Project())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func TestPublishedEventDecodesAsItWas(t *testing.T) {
	t.Parallel()
	tap := cloudtest.NewTap(t, "orderflow.event.v1.OrderConfirmed")
	want := confirmed()
	if err := publisher(t).Publish(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	got := tap.All()
	if len(got) != 1 {
		t.Fatalf("%d messages, want 1", len(got))
	}
	wantAttributes := map[string]string{
		"ce-specversion": "1.0", "ce-id": "orders/o1/2", "ce-type": "orderflow.event.v1.OrderConfirmed", "ce-source": "//orderflow.dev/orders",
		"ce-subject": "o1", "ce-time": "2026-01-02T03:04:05.000006Z", "ce-seq": "2", "ce-resume": "true",
		"ce-traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "ce-requestid": "r/1", "ce-replay": "20260102T030405Z-abcdef", "ce-replayfor": "notify-customer", "Content-Type": "application/protobuf",
	}
	attributes := maps.Clone(got[0].Attributes)
	maps.DeleteFunc(attributes, func(k, _ string) bool { return strings.HasPrefix(k, "googclient_") }) // the client's own
	if diff := cmp.Diff(wantAttributes, attributes); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	e, err := event.Decode(event.Message{Attributes: got[0].Attributes, Data: got[0].Data})
	if diff := cmp.Diff(&want, e, protocmp.Transform()); err != nil || diff != "" {
		t.Errorf("error %v, decoded (-want +got):\n%s", err, diff)
	}
}

func TestAbsentAttributesAreNotSent(t *testing.T) {
	t.Parallel()
	a := event.FromJournal("orders", journal.Entry{Event: &eventv1.OrderConfirmed{OrderId: "o1", Seq: 1}}).Attributes()
	for _, k := range []string{"ce-resume", "ce-traceparent", "ce-requestid"} {
		if v, ok := a[k]; ok {
			t.Errorf("%s is %q: Pub/Sub's filters and readers tell absent from empty", k, v)
		}
	}
}

func TestEventsOfOneCallGoToTheirTopics(t *testing.T) {
	t.Parallel()
	created, cancelled := cloudtest.NewTap(t, "orderflow.event.v1.OrderCreated"), cloudtest.NewTap(t, "orderflow.event.v1.OrderCancelled")
	id := cloudtest.NewID()
	err := publisher(t).Publish(t.Context(),
		event.FromJournal("orders", journal.Entry{Event: &eventv1.OrderCreated{OrderId: id, Seq: 1}}),
		event.FromJournal("orders", journal.Entry{Event: &eventv1.OrderCancelled{OrderId: id, Seq: 2}}))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := len(created.About(id)), len(cancelled.About(id)); a != 1 || b != 1 {
		t.Errorf("%d created and %d cancelled, want 1 and 1", a, b)
	}
}

func TestPublishNamesEveryEventThatWasRefused(t *testing.T) {
	t.Parallel()
	p, err := event.NewPublisher(t.Context(), cloudtest.Project()+"-without-topics")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	err = p.Publish(t.Context(),
		event.FromJournal("orders", journal.Entry{Event: &eventv1.OrderCreated{OrderId: "lost", Seq: 1}}),
		event.FromJournal("orders", journal.Entry{Event: &eventv1.OrderConfirmed{OrderId: "lost", Seq: 2}}))
	if err == nil || !strings.Contains(err.Error(), "orders/lost/1") || !strings.Contains(err.Error(), "orders/lost/2") {
		t.Errorf("error %v, want both events named", err)
	}
}

func TestParkKeepsTheMessageAndSaysWhoAndWhy(t *testing.T) {
	t.Parallel()
	tap := cloudtest.NewTap(t, event.DeadLetterTopic)
	a := confirmed().Attributes()
	a["ce-subject"] = cloudtest.NewID()
	a["x-goog-pubsub-message-id"], a["X-Other"] = "m1", "not ours"
	// A reason as long and as broken as errors come: Pub/Sub takes 1024 bytes of UTF-8 an attribute.
	reason := "bad \xff byte, " + strings.Repeat("ü", 2000)
	if err := publisher(t).Park(t.Context(), event.Message{Attributes: a, Data: []byte("data")}, "notify-customer", reason); err != nil {
		t.Fatal(err)
	}
	got := tap.About(a["ce-subject"])
	if len(got) != 1 || string(got[0].Data) != "data" {
		t.Fatalf("parked %v, want one message with its data", got)
	}
	parked := got[0].Attributes
	if r := parked["parked-reason"]; !strings.HasPrefix(r, "bad  byte, üü") || len(r) > 1024 || !utf8.ValidString(r) {
		t.Errorf("reason is %q", r)
	}
	for k, want := range map[string]string{
		"parked-by": "notify-customer", "ce-id": a["ce-id"], "ce-type": a["ce-type"], "Content-Type": "application/protobuf",
		"x-goog-pubsub-message-id": "", "X-Other": "",
	} {
		if parked[k] != want {
			t.Errorf("attribute %s is %q, want %q", k, parked[k], want)
		}
	}
}

func TestParkTakesEvenNothing(t *testing.T) {
	t.Parallel()
	if err := publisher(t).Park(t.Context(), event.Message{}, "f", ""); err != nil {
		t.Error(err)
	}
}
