package event_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/platform/event"
)

// confirmed is an event with everything set that an event can have.
func confirmed() event.Event {
	e := fromJournal()
	e.Replay, e.ReplayFor = "20260102T030405Z-abcdef", "notify-customer"
	return e
}

func fromJournal() event.Event {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	return event.FromJournal("orders", journal.Entry{
		Event: &eventv1.OrderConfirmed{
			OrderId: "o1", Seq: 2, EventTime: timestamppb.New(at), CustomerId: "c1",
			Total: &typev1.Money{CurrencyCode: "GBP", MinorUnits: 500},
		},
		Resume: true, Traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", RequestID: "r/1",
	})
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestEventFromAJournalIsNamedByAggregateAndSeq(t *testing.T) {
	t.Parallel()
	e := fromJournal()
	want := event.Event{
		ID: "orders/o1/2", Type: "orderflow.event.v1.OrderConfirmed", Source: "//orderflow.dev/orders", Subject: "o1", Seq: 2,
		Time: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC), Resume: true,
		Traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", RequestID: "r/1", Data: e.Data,
	}
	if diff := cmp.Diff(want, e, protocmp.Transform()); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

func unwrappedPush(e event.Event, data []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(data))
	for k, v := range e.Attributes() {
		r.Header.Set(k, v)
	}
	r.Header.Set("X-Goog-Pubsub-Message-Id", "m1")
	r.Header.Set("X-Goog-Pubsub-Delivery-Attempt", "3")
	r.Header.Set("Authorization", "Bearer secret")
	return r
}

func wrappedPush(t testing.TB, e event.Event, data []byte) *http.Request {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"message":         map[string]any{"attributes": e.Attributes(), "data": data, "messageId": "m1", "publishTime": "2026-01-02T03:04:05Z"},
		"subscription":    "projects/p/subscriptions/s",
		"deliveryAttempt": 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	return r
}

func TestBothFormsOfAPushCarryTheEvent(t *testing.T) {
	t.Parallel()
	want := confirmed()
	data := marshal(t, want.Data)
	want.Attempt = 3
	for form, r := range map[string]*http.Request{"unwrapped": unwrappedPush(want, data), "wrapped": wrappedPush(t, want, data)} {
		m, err := event.Read(r)
		if err != nil {
			t.Errorf("%s: Read: %v", form, err)
			continue
		}
		if m.Attributes["x-goog-pubsub-message-id"] != "m1" {
			t.Errorf("%s: the message's own id is lost: %v", form, m.Attributes)
		}
		if _, ok := m.Attributes["authorization"]; ok {
			t.Errorf("%s: the caller's token is kept as an attribute", form)
		}
		got, err := event.Decode(m)
		if err != nil {
			t.Errorf("%s: Decode: %v", form, err)
			continue
		}
		if diff := cmp.Diff(&want, got, protocmp.Transform()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", form, diff)
		}
	}
}

func TestDeadLettersOwnAttributesAreKept(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x"))
	for k, v := range map[string]string{"Parked-By": "f\xff", "CloudPubSubDeadLetterSourceSubscription": "s", "X-Other": "no"} {
		r.Header.Set(k, v)
	}
	m, err := event.Read(r)
	want := event.Message{Data: []byte("x"), Attributes: map[string]string{"parked-by": "f\ufffd", "cloudpubsubdeadlettersourcesubscription": "s"}}
	if diff := cmp.Diff(want, m); err != nil || diff != "" {
		t.Errorf("error %v, message (-want +got):\n%s", err, diff)
	}
}

func TestMalformedMessagesAreRefusedForGood(t *testing.T) {
	t.Parallel()
	good := confirmed()
	for name, c := range map[string]struct {
		change map[string]string // "" deletes
		data   []byte
		want   string // in the error
	}{
		"no attributes":           {map[string]string{"all": ""}, nil, "no CloudEvent"},
		"no spec version":         {map[string]string{"ce-specversion": ""}, nil, "no CloudEvent"},
		"unknown spec version":    {map[string]string{"ce-specversion": "9.9"}, nil, "CloudEvent"},
		"no id":                   {map[string]string{"ce-id": ""}, nil, "id"},
		"no source":               {map[string]string{"ce-source": ""}, nil, "source"},
		"no type":                 {map[string]string{"ce-type": ""}, nil, "type"},
		"no seq":                  {map[string]string{"ce-seq": ""}, nil, "ce-seq"},
		"seq zero":                {map[string]string{"ce-seq": "0"}, nil, "ce-seq"},
		"seq negative":            {map[string]string{"ce-seq": "-1"}, nil, "ce-seq"},
		"seq a word":              {map[string]string{"ce-seq": "two"}, nil, "ce-seq"},
		"seq too large":           {map[string]string{"ce-seq": "99999999999999999999"}, nil, "ce-seq"},
		"time a word":             {map[string]string{"ce-time": "yesterday"}, nil, "time"},
		"type of somebody else":   {map[string]string{"ce-type": "google.cloud.storage.object.v1.finalized"}, nil, "no event type of ours"},
		"type that nobody knows":  {map[string]string{"ce-type": "orderflow.event.v1.OrderLost"}, nil, "unknown event type"},
		"type that is an enum":    {map[string]string{"ce-type": "orderflow.type.v1.PaymentState"}, nil, "no event type of ours"},
		"type that is no event":   {map[string]string{"ce-type": "orderflow.event.v1.Journal"}, []byte{}, "is no event"},
		"type that is a part":     {map[string]string{"ce-type": "orderflow.event.v1.JournalEntry"}, []byte{}, "is no event"},
		"data of no protobuf":     {nil, []byte("\xff\xff\xff"), "its data is no orderflow.event.v1.OrderConfirmed"},
		"data of another version": {nil, []byte{0x0a, 0x01, 0xff}, "its data is no"}, // a string that is not UTF-8
		"structured mode":         {map[string]string{"Content-Type": "application/cloudevents+json"}, nil, ""},
		"batched mode":            {map[string]string{"Content-Type": "application/cloudevents-batch+json"}, nil, ""},
	} {
		m := event.Message{Attributes: good.Attributes(), Data: marshal(t, good.Data)}
		if _, ok := c.change["all"]; ok {
			clear(m.Attributes)
		}
		maps.Copy(m.Attributes, c.change)
		maps.DeleteFunc(m.Attributes, func(_, v string) bool { return v == "" })
		if c.data != nil {
			m.Data = c.data
		}
		e, err := event.Decode(m)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: event %v, error %v, want one about %q", name, e, err, c.want)
		}
	}
}

func TestEnvelopeThatIsNoneIsDataAsItCame(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{`, `[]`, `null`, `{}`, `{"message":null}`, `{"message":{"data":"no base64!"}}`, `{"message":"m"}`} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		m, err := event.Read(r)
		if err != nil || string(m.Data) != body {
			t.Errorf("%s: message %+v, error %v, want the body as data", body, m, err)
		}
		if _, err := event.Decode(m); err == nil {
			t.Errorf("%s: decodes as an event", body)
		}
	}
}

// TestTooLargeMessageIsReadSoThatItCanBeParked: one that cannot be read would be delivered again and again.
func TestTooLargeMessageIsReadSoThatItCanBeParked(t *testing.T) {
	t.Parallel()
	e := confirmed()
	fits, tooMuch := make([]byte, event.MaxData), make([]byte, event.MaxData+1)
	for form, push := range map[string]func([]byte) *http.Request{
		"unwrapped": func(d []byte) *http.Request { return unwrappedPush(e, d) },
		"wrapped":   func(d []byte) *http.Request { return wrappedPush(t, e, d) },
	} {
		if m, err := event.Read(push(fits)); err != nil || len(m.Data) != len(fits) || m.Clipped {
			t.Errorf("%s: largest: %d bytes, clipped %v, error %v", form, len(m.Data), m.Clipped, err)
		}
		m, err := event.Read(push(tooMuch))
		if err != nil || len(m.Data) != event.MaxData || !m.Clipped || m.Attributes["ce-id"] != e.ID {
			t.Errorf("%s: too large: %d bytes, clipped %v, id %q, error %v", form, len(m.Data), m.Clipped, m.Attributes["ce-id"], err)
		}
		if _, err := event.Decode(m); err == nil || !strings.Contains(err.Error(), "larger than") {
			t.Errorf("%s: Decode of a clipped message: %v", form, err)
		}
	}
	if m, err := event.Read(wrappedPush(t, e, make([]byte, 4<<20))); err != nil || !m.Clipped {
		t.Errorf("an envelope that is far too large: clipped %v, error %v", m.Clipped, err)
	}
}

func TestBodyThatBreaksOffIsTrouble(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/", io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	if m, err := event.Read(r); err == nil {
		t.Errorf("Read = %+v, want an error: the rest may come with the next delivery", m)
	}
}

func FuzzDecode(f *testing.F) {
	e := confirmed()
	f.Add(e.Type, e.ID, "2", "2026-01-02T03:04:05Z", "application/protobuf", marshal(f, e.Data))
	f.Add("orderflow.event.v1.Journal", "", "-1", "", "application/cloudevents+json", []byte("{}"))
	f.Fuzz(func(t *testing.T, typ, id, seq, at, contentType string, data []byte) {
		a := map[string]string{
			"ce-specversion": "1.0", "ce-source": "//orderflow.dev/orders", "ce-type": typ, "ce-id": id, "ce-seq": seq, "ce-time": at, "Content-Type": contentType,
		}
		if got, err := event.Decode(event.Message{Attributes: a, Data: data}); err == nil {
			if _, ok := got.Data.(journal.Event); !ok || got.Seq < 1 || got.ID == "" {
				t.Errorf("decoded %+v", got)
			}
		}
	})
}

func FuzzRead(f *testing.F) {
	e := confirmed()
	body, err := io.ReadAll(wrappedPush(f, e, marshal(f, e.Data)).Body)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("application/json", body)
	f.Add("application/protobuf", marshal(f, e.Data))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header["Content-Type"] = []string{contentType}
		m, err := event.Read(r)
		if err != nil {
			t.Fatalf("Read: %v", err)
		}
		_, _ = event.Decode(m) // must not panic
	})
}
