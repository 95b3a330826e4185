package pubsub

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
)

func TestAMessageIsDeliveredToEachSubscriptionUntilItIsAcknowledged(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.publish("top", "before the subscriptions")
		w.subscription("one", "top")
		w.subscription("two", "top")
		w.publish("top", "a", "b", "c")
		first := w.expect("one", "a", "b", "c")
		w.expect("one") // they are leased
		w.ack("one", first[:2])
		pass(10 * time.Second)
		w.expect("one", "c")
		w.expect("two", "a", "b", "c")
	})
}

func TestALeaseEndsAtItsDeadlineAndNotBefore(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top", func(s *pubsubpb.Subscription) { s.AckDeadlineSeconds = 30 })
		w.publish("top", "a")
		w.expect("sub", "a")
		pass(30*time.Second - 1)
		w.expect("sub")
		pass(1)
		again := w.expect("sub", "a")
		w.extend("sub", again, 100)
		pass(100*time.Second - 1)
		w.expect("sub")
		w.extend("sub", again, 1)
		pass(time.Second)
		w.expect("sub", "a")
		w.extend("sub", again, 600) // of a lease that has ended
		w.nack("sub", again)
		pass(30*time.Second - 1)
		w.expect("sub")
		pass(1)
		w.expect("sub", "a")
	})
}

func TestALateAcknowledgementCounts(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top")
		w.publish("top", "a", "b")
		first := w.expect("sub", "a", "b")
		pass(10 * time.Second)
		w.ack("sub", first[:1]) // nobody has it
		second := w.expect("sub", "b")
		w.ack("sub", first[1:]) // somebody else has it
		pass(time.Minute)
		w.expect("sub")
		w.ack("sub", second)
	})
}

func TestWithExactlyOnceDeliveryALateAcknowledgementFails(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top", func(s *pubsubpb.Subscription) { s.EnableExactlyOnceDelivery = true })
		w.publish("top", "a", "b")
		first := w.expect("sub", "a", "b")
		w.ack("sub", first[:1])
		ack := func(r received) error {
			_, err := w.sub.Acknowledge(t.Context(), &pubsubpb.AcknowledgeRequest{
				Subscription: subs + "sub", AckIds: r.ackIDs(),
			})
			return err
		}
		extend := func(r received) error {
			_, err := w.sub.ModifyAckDeadline(t.Context(), &pubsubpb.ModifyAckDeadlineRequest{
				Subscription: subs + "sub", AckIds: r.ackIDs(), AckDeadlineSeconds: 10,
			})
			return err
		}
		wantCode(t, ack(first[:1]), codes.InvalidArgument)
		pass(10 * time.Second)
		wantCode(t, ack(first[1:]), codes.InvalidArgument)
		wantCode(t, extend(first[1:]), codes.InvalidArgument)
		second := w.expect("sub", "b")
		wantCode(t, ack(first[1:]), codes.InvalidArgument)
		wantCode(t, extend(second), codes.OK)
		wantCode(t, ack(second), codes.OK)
		pass(time.Hour)
		w.expect("sub")
	})
}

func TestAnExactlyOnceFailureNamesTheAckIDsInTheFormOfTheClients(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top", func(s *pubsubpb.Subscription) { s.EnableExactlyOnceDelivery = true })
		w.publish("top", "a")
		first := w.expect("sub", "a")
		w.ack("sub", first)
		_, err := w.sub.Acknowledge(t.Context(), &pubsubpb.AcknowledgeRequest{
			Subscription: subs + "sub", AckIds: first.ackIDs(),
		})
		want := map[string]string{first[0].GetAckId(): "PERMANENT_FAILURE_INVALID_ACK_ID"}
		if diff := cmp.Diff(want, errorInfo(t, err).GetMetadata()); diff != "" {
			t.Errorf("metadata (-want +got):\n%s", diff)
		}
	})
}

func TestRedeliveryWithoutARetryPolicyIsAtOnceAndAfterTheOthers(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top")
		w.publish("top", "poison", "a", "b")
		first := w.pull("sub", 1)
		w.nack("sub", first)
		w.expect("sub", "a", "b", "poison")
	})
}

func TestBackoffDoublesBetweenItsBounds(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top", func(s *pubsubpb.Subscription) {
			s.RetryPolicy = &pubsubpb.RetryPolicy{
				MinimumBackoff: durationpb.New(10 * time.Second), MaximumBackoff: durationpb.New(50 * time.Second),
			}
		})
		w.publish("top", "a")
		for _, pause := range []time.Duration{10, 20, 40, 50, 50} {
			w.nack("sub", w.expect("sub", "a"))
			pass(pause*time.Second - 1)
			w.expect("sub")
			pass(1)
		}
		w.expect("sub", "a")
		pass(10*time.Second + 50*time.Second - 1) // a lease that ends is a failure, too
		w.expect("sub")
		pass(1)
		w.ack("sub", w.expect("sub", "a"))
	})
}

func TestFiltersChooseAtPublishing(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top",
			func(s *pubsubpb.Subscription) { s.Filter = `attributes."ce-type" = "x" AND NOT attributes:resume` })
		w.publish("top", "none")
		w.publishMessage("top", &pubsubpb.PubsubMessage{Data: []byte("x"), Attributes: map[string]string{"ce-type": "x"}})
		w.publishMessage("top", &pubsubpb.PubsubMessage{
			Data: []byte("y"), Attributes: map[string]string{"ce-type": "x", "resume": ""},
		})
		w.expect("sub", "x")
	})
}

func TestIdsGrowAndAreDecimal(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		last := ""
		for range 100 {
			resp, err := w.pub.Publish(t.Context(), &pubsubpb.PublishRequest{
				Topic: topics + "top", Messages: []*pubsubpb.PubsubMessage{{Data: []byte("x")}},
			})
			w.must(err)
			if id := resp.GetMessageIds()[0]; strings.Trim(id, "0123456789") != "" || fmt.Sprintf("%20s",
				id) <= fmt.Sprintf("%20s", last) {
				t.Fatalf("id %q after %q", id, last)
			} else {
				last = id
			}
		}
	})
}
