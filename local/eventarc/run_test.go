package eventarc_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"orderflow.dev/local/eventarc"
)

func TestEnvelope(t *testing.T) {
	t.Parallel()
	b := deliver(t, eventarc.Subscription{DeadLetterTopic: "envelope-dead"}, ok)
	id := b.publish(&pubsub.Message{
		Data: []byte("\x00\xffbinary"),
		Attributes: map[string]string{
			"ce-id": "orders/1#2", "ce-type": "orderflow.event.v1.OrderCreated", "ce-source": "//orders",
			"ce-specversion": "1.0", "ce-subject": "Zürich", "Content-Type": "application/protobuf", "resume": "true",
			"bad name": "x", "bad-value": "a\nb", "Content-Length": "1", "connection": "close",
		},
	})
	got := next(t, b.requests)
	if got.body != "\x00\xffbinary" {
		t.Errorf("body %q", got.body)
	}
	want := map[string]string{
		"Ce-Id": "orders/1#2", "Ce-Type": "orderflow.event.v1.OrderCreated", "Ce-Source": "//orders",
		"Ce-Specversion": "1.0", "Ce-Subject": "Zürich", "Content-Type": "application/protobuf", "Resume": "true",
		"X-Goog-Pubsub-Message-Id":        id,
		"X-Goog-Pubsub-Subscription-Name": "projects/" + project + "/subscriptions/" + b.sub.ID,
		"X-Goog-Pubsub-Delivery-Attempt":  "1",
	}
	published := got.header.Get("X-Goog-Pubsub-Publish-Time")
	if _, err := time.Parse(time.RFC3339Nano, published); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(want, flatten(got.header)); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	d := next(t, b.deliveries)
	wantDelivery := eventarc.Delivery{
		Subscription: b.sub.ID, EventID: "orders/1#2", Type: "orderflow.event.v1.OrderCreated",
		Attempt: 1, Status: 200, Duration: d.Duration,
	}
	if diff := cmp.Diff(wantDelivery, d); diff != "" {
		t.Errorf("delivery (-want +got):\n%s", diff)
	}
}

// flatten drops what every request has, and what differs from run to run.
func flatten(h http.Header) map[string]string {
	flat := map[string]string{}
	for k, v := range h {
		switch k {
		case "User-Agent", "Content-Length", "X-Goog-Pubsub-Publish-Time":
		default:
			flat[k] = strings.Join(v, ",")
		}
	}
	return flat
}

func TestOrderingKey(t *testing.T) {
	t.Parallel()
	b := deliver(t, eventarc.Subscription{}, ok)
	b.publish(&pubsub.Message{Data: []byte("x"), OrderingKey: "key"})
	got := next(t, b.requests).header
	if key, attempt := got.Get("X-Goog-Pubsub-Ordering-Key"), got.Get("X-Goog-Pubsub-Delivery-Attempt"); key != "key" || attempt != "" {
		t.Errorf("ordering key %q, attempt %q", key, attempt)
	}
}

// TestStatus shows by the redelivery what acknowledges: a message whose first
// delivery did not is delivered again, and then succeeds.
func TestStatus(t *testing.T) {
	t.Parallel()
	tests := map[int]bool{
		200: true, 201: true, 202: true, 204: true,
		203: false, 206: false, 301: false, 302: false, 400: false, 404: false, 409: false, 429: false, 500: false, 503: false,
	}
	for status, acks := range tests {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			b := deliver(t, eventarc.Subscription{}, func(w http.ResponseWriter, _ *http.Request) {
				if calls.Add(1) == 1 {
					w.Header().Set("Location", "/elsewhere")
					w.WriteHeader(status)
				}
			})
			b.publish(&pubsub.Message{Data: []byte("x"), Attributes: map[string]string{"ce-id": "first"}})
			first := next(t, b.deliveries)
			if first.Status != status || (first.Err == nil) != acks {
				t.Fatalf("first delivery %+v", first)
			}
			if acks {
				return
			}
			if second := next(t, b.deliveries); second.Err != nil || second.EventID != "first" {
				t.Errorf("second delivery %+v", second)
			}
		})
	}
}

func TestFailuresWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(nil)
	gone.Close()
	tests := map[string]struct {
		sub  eventarc.Subscription
		want string
	}{
		"time-out":         {eventarc.Subscription{AckDeadline: 50 * time.Millisecond}, "no answer within the ack deadline of 50ms"},
		"refused":          {eventarc.Subscription{Endpoint: gone.URL}, "connection refused"},
		"not a URL at all": {eventarc.Subscription{Endpoint: "http://[::1"}, "missing ']'"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := deliver(t, tt.sub, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			b.publish(&pubsub.Message{Data: []byte("x")})
			for range 2 { // it is redelivered
				if d := next(t, b.deliveries); d.Status != 0 || d.Err == nil || !strings.Contains(d.Err.Error(), tt.want) {
					t.Errorf("delivery %+v", d)
				}
			}
		})
	}
}

func TestDeadLetter(t *testing.T) {
	t.Parallel()
	dead := "dead-" + uuid.NewString()
	b := deliver(t, eventarc.Subscription{DeadLetterTopic: dead, MaxAttempts: 5}, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
	})
	parked := make(chan request, 10)
	park := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		parked <- request{header: r.Header}
	}))
	t.Cleanup(park.Close)
	subs := []eventarc.Subscription{{ID: dead, Topic: dead, Endpoint: park.URL}}
	if err := eventarc.Setup(t.Context(), b.client, project, nil, subs); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- eventarc.Run(ctx, b.client, subs, eventarc.Options{}) }()
	b.publish(&pubsub.Message{Data: []byte("x"), Attributes: map[string]string{"ce-id": "e1"}})
	for attempt := 1; attempt <= 5; attempt++ {
		if d := next(t, b.deliveries); d.Attempt != attempt {
			t.Errorf("attempt %d is said to be %d", attempt, d.Attempt)
		}
	}
	got := next(t, parked).header
	if got.Get("ce-id") != "e1" || got.Get("CloudPubSubDeadLetterSourceSubscription") != b.sub.ID {
		t.Errorf("parked %v", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestFilteredOutIsAcknowledgedSilently(t *testing.T) {
	t.Parallel()
	b := deliver(t, eventarc.Subscription{Filter: `attributes."resume" = "true"`, DeadLetterTopic: "filter-dead"}, ok)
	b.publish(&pubsub.Message{Data: []byte("no")})
	b.publish(&pubsub.Message{Data: []byte("yes"), Attributes: map[string]string{"resume": "true"}})
	if got := next(t, b.requests); got.body != "yes" {
		t.Errorf("delivered %q", got.body)
	}
	if d := next(t, b.deliveries); d.Err != nil {
		t.Errorf("delivery %+v", d)
	}
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	if n := len(b.deliveries); n != 0 {
		t.Errorf("%d more deliveries", n)
	}
}

func TestConcurrencyIsBounded(t *testing.T) {
	t.Parallel()
	const limit, messages = 3, 20
	var active, most atomic.Int64
	full := make(chan struct{})
	b := deliver(t, eventarc.Subscription{Concurrency: limit}, func(http.ResponseWriter, *http.Request) {
		n := active.Add(1)
		defer active.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if n == limit {
			select {
			case <-full:
			default:
				close(full)
			}
		}
		<-full // so that the limit is reached
	})
	for range messages {
		b.publish(&pubsub.Message{Data: []byte("x")})
	}
	for range messages {
		next(t, b.deliveries)
	}
	if most.Load() != limit {
		t.Errorf("%d at once, want %d", most.Load(), limit)
	}
}
