package parkdeadletter_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	_ "orderflow.dev/functions/platform/park-dead-letter"
	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/store"
	"orderflow.dev/local/cloudtest"
)

func TestMain(m *testing.M) { cloudtest.Main(m) }

func push(t *testing.T, id string, attributes map[string]string, data []byte) cloudtest.Answer {
	t.Helper()
	return cloudtest.Push(t, cloudtest.Function(t, "park-dead-letter"), id, attributes, data)
}

func letter(t *testing.T, id string) store.Document {
	t.Helper()
	found, err := cloudtest.Database(t, "platform").Get(t.Context(), "dead_letters/"+base64.RawURLEncoding.EncodeToString([]byte(id)))
	if err != nil {
		t.Fatal(err)
	}
	if !found[0].Exists() {
		t.Fatalf("there is no dead letter %s", id)
	}
	return found[0]
}

// parked is an event as a function parks it.
func parked(orderID string) (attributes map[string]string, data []byte) {
	e := event.FromJournal("orders", journal.Entry{Event: &eventv1.OrderConfirmed{OrderId: orderID, Seq: 2}})
	attributes = e.Attributes()
	attributes["parked-by"], attributes["parked-reason"] = "notify-customer", "no such customer"
	data, _ = proto.Marshal(e.Data) // ids and numbers marshal
	return attributes, data
}

func TestParkedEventIsKeptWithWhoAndWhy(t *testing.T) {
	t.Parallel()
	id, order := cloudtest.NewID(), cloudtest.NewID()
	attributes, data := parked(order)
	if a := push(t, id, attributes, data); a.Status != 204 {
		t.Fatalf("answer %d %s", a.Status, a.Body)
	}
	first := letter(t, id)
	for field, want := range map[string]string{
		"function": "notify-customer", "reason": "no such customer", "order_id": order, "event_id": "orders/" + order + "/2",
		"event_type": "orderflow.event.v1.OrderConfirmed",
	} {
		if first.Fields[field] != want {
			t.Errorf("%s is %v, want %s", field, first.Fields[field], want)
		}
	}
	if at, ok := first.Fields["park_time"].(time.Time); !ok || time.Since(at) > time.Hour {
		t.Errorf("park_time is %v", first.Fields["park_time"])
	}
	kept, _ := first.Fields["attributes"].(map[string]any)
	message := event.Message{Attributes: map[string]string{}}
	message.Data, _ = first.Fields["data"].([]byte)
	for k, v := range kept {
		message.Attributes[k], _ = v.(string)
	}
	if e, err := event.Decode(message); err != nil || e.Subject != order || e.Seq != 2 {
		t.Errorf("what is kept decodes as %+v, error %v: it could not be replayed", e, err)
	}
	if a := push(t, id, attributes, []byte("other")); a.Status != 204 {
		t.Errorf("again: answer %d %s", a.Status, a.Body)
	}
	if diff := cmp.Diff(first, letter(t, id)); diff != "" {
		t.Errorf("a second delivery changed it:\n%s", diff)
	}
}

func TestMessageThatPubSubGaveUpIsKeptWithItsSubscription(t *testing.T) {
	t.Parallel()
	id := cloudtest.NewID()
	push(t, id, map[string]string{"CloudPubSubDeadLetterSourceSubscription": "start-fulfilment.OrderCreated", "CloudPubSubDeadLetterSourceDeliveryCount": "10"}, []byte("x"))
	d := letter(t, id)
	if d.Fields["function"] != "start-fulfilment.OrderCreated" || d.Fields["reason"] != "not acknowledged in 10 deliveries" {
		t.Errorf("kept %v", d.Fields)
	}
}

// TestNothingLoops: what this function refuses is delivered to it for ever.
func TestNothingLoops(t *testing.T) {
	t.Parallel()
	attributes, _ := parked(cloudtest.NewID())
	for i := range 90 {
		attributes["ce-x"+strings.Repeat("a", i)] = strings.Repeat("v", 1024)
	}
	for name, c := range map[string]struct {
		attributes map[string]string
		data       []byte
	}{
		"nothing":                      {nil, nil},
		"garbage":                      {map[string]string{"Content-Type": "application/json"}, []byte("{")},
		"a wrapped message":            {map[string]string{"Content-Type": "application/json"}, []byte(`{"message":{"data":"eA==","attributes":{"__a__":"b","":"c"}}}`)},
		"text that is no UTF-8":        {map[string]string{"parked-by": "f", "parked-reason": "bad \xff"}, []byte("\xff")},
		"all that Pub/Sub can deliver": {attributes, bytes.Repeat([]byte{1}, 10<<20)},
	} {
		if a := push(t, cloudtest.NewID(), c.attributes, c.data); a.Status != 204 {
			t.Errorf("%s: answer %d %s, want 204", name, a.Status, a.Body)
		}
	}
}

func TestMessageWithoutAnIDIsKeptUnderItsContent(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"one", "two"} {
		if a := push(t, "", map[string]string{"parked-by": "f"}, []byte(data)); a.Status != 204 {
			t.Errorf("%s: answer %d %s, want 204", data, a.Status, a.Body)
		}
	}
}
