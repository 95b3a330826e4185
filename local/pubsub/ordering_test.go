package pubsub

import (
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/durationpb"
)

func TestAKeyIsDeliveredInOrderToOneConsumerAtATime(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top", ordered)
		w.publishKey("top", "k", "k1", "k2", "k3")
		w.publishKey("top", "l", "l1", "l2")
		w.publish("top", "free")
		k := w.pull("sub", 2)
		if diff := cmp.Diff([]string{"k1", "k2"}, k.texts()); diff != "" {
			t.Fatal(diff)
		}
		w.expect("sub", "l1", "l2", "free") // k3 waits for who has k1
		w.ack("sub", k[1:])
		w.expect("sub") // k1 is still out
		w.ack("sub", k[:1])
		w.ack("sub", w.expect("sub", "k3"))
	})
}

func TestARedeliveryBringsBackWhatCameAfterItInItsKey(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top", ordered)
		w.publishKey("top", "k", "k1", "k2", "k3", "k4")
		w.publishKey("top", "l", "l1")
		first := w.expect("sub", "k1", "k2", "k3", "k4", "l1")
		w.ack("sub", first[2:3]) // counts only if those before it are acknowledged
		w.ack("sub", first[:1])
		w.nack("sub", first[1:2])
		again := w.expect("sub", "k2", "k3", "k4")
		w.ack("sub", first[2:4]) // of leases that the redelivery ended
		pass(10*time.Second - 1)
		w.ack("sub", again[:2])
		pass(1)
		w.ack("sub", w.expect("sub", "k4", "l1"))
		pass(time.Hour)
		w.expect("sub")
	})
}

func TestAKeyIsFreeAgainWhenItsConsumerIsGoneAndItsLeasesHaveEnded(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top", ordered)
		w.publishKey("top", "k", "k1", "k2")
		w.pull("sub", 1)
		w.expect("sub")
		pass(10 * time.Second)
		w.ack("sub", w.expect("sub", "k1", "k2"))
		w.publishKey("top", "k", "k3")
		w.expect("sub", "k3")
	})
}

func TestABackoffHoldsUpItsKeyOnly(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top", ordered, func(s *pubsubpb.Subscription) {
			s.RetryPolicy = &pubsubpb.RetryPolicy{MinimumBackoff: durationpb.New(10 * time.Second)}
		})
		w.publishKey("top", "k", "k1", "k2")
		w.nack("sub", w.pull("sub", 1))
		w.publishKey("top", "l", "l1")
		w.ack("sub", w.expect("sub", "l1"))
		pass(10*time.Second - 1)
		w.expect("sub")
		pass(1)
		w.expect("sub", "k1", "k2")
	})
}

func TestOrderOfPublicationIsKept(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top")
		w.publish("top", numbers(500)...)
		var got []string
		for len(got) < 500 {
			got = append(got, w.pull("sub", 7).texts()...)
		}
		if !slices.Equal(got, numbers(500)) {
			t.Errorf("order %v", got)
		}
	})
}
