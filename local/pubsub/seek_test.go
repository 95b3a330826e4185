package pubsub

import (
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

func TestOldMessagesGoWhenTheirRetentionEnds(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("short", "top", func(s *pubsubpb.Subscription) {
			s.MessageRetentionDuration = durationpb.New(10 * time.Minute)
		})
		w.subscription("week", "top")
		w.publish("top", "a")
		pass(5 * time.Minute)
		w.publish("top", "b")
		pass(5*time.Minute - 1)
		w.nack("short", w.expect("short", "a", "b"))
		pass(1)
		w.expect("short", "b")
		pass(5 * time.Minute)
		w.expect("short")
		if n := w.server.subscriptions[subs+"short"].backlog.Len(); n != 0 {
			t.Errorf("%d messages are kept", n)
		}
		pass(7*24*time.Hour - 15*time.Minute)
		w.expect("week", "b")
		pass(5 * time.Minute)
		w.expect("week")
	})
}

func TestSeekGoesBackToWhatIsRetained(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("retains", "top", retaining)
		w.subscription("forgets", "top")
		w.publish("top", "a")
		pass(time.Second)
		middle := time.Now()
		w.publish("top", "b", "c")
		for _, sub := range []string{"retains", "forgets"} {
			w.ack(sub, w.expect(sub, "a", "b", "c")[:2])
			w.seek(sub, middle)
		}
		w.expect("retains", "b", "c")
		w.expect("forgets", "c")
		w.seek("retains", middle.Add(-time.Hour))
		w.expect("retains", "a", "b", "c")
		w.seek("retains", time.Now().Add(time.Second))
		w.expect("retains")
		pass(time.Hour)
		w.expect("retains")
		w.publish("top", "d")
		w.expect("retains", "d")
	})
}

func TestSeekInAnOrderedSubscriptionKeepsTheOrder(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top", ordered, retaining)
		began := time.Now()
		w.publishKey("top", "k", "k1", "k2", "k3")
		first := w.expect("sub", "k1", "k2", "k3")
		w.ack("sub", first[:1])
		w.seek("sub", began)
		again := w.expect("sub", "k1", "k2", "k3")
		w.ack("sub", first[1:]) // of leases that the seek ended
		w.nack("sub", again[:1])
		w.ack("sub", w.expect("sub", "k1", "k2", "k3"))
		w.expect("sub")
	})
}

func TestALaterSubscriptionSeeksBackToWhatItsTopicKeeps(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		began := time.Now()
		w.topic("top", func(c *pubsubpb.Topic) { c.MessageRetentionDuration = durationpb.New(time.Hour) })
		w.publish("top", "a")
		pass(30 * time.Minute)
		w.publish("top", "b")
		w.publishMessage("top", &pubsubpb.PubsubMessage{Data: []byte("c"), Attributes: map[string]string{"c": ""}})
		w.subscription("late", "top")
		w.subscription("picky", "top", func(s *pubsubpb.Subscription) { s.Filter = "attributes:c" })
		w.expect("late")
		w.seek("late", began)
		w.seek("picky", began)
		w.ack("late", w.expect("late", "a", "b", "c"))
		w.expect("picky", "c")
		pass(30 * time.Minute)
		w.seek("late", began)
		w.ack("late", w.expect("late", "b", "c"))
		pass(30 * time.Minute)
		w.seek("late", began)
		w.expect("late")
		if kept := w.server.topics[topics+"top"].messages(); len(kept) != 0 {
			t.Errorf("%d messages are kept", len(kept))
		}
	})
}

func TestASubscriptionOutlivesItsTopicWithWhatItHas(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top")
		w.publish("top", "a")
		_, err := w.pub.DeleteTopic(t.Context(), &pubsubpb.DeleteTopicRequest{Topic: topics + "top"})
		w.must(err)
		w.topic("top")
		w.publish("top", "b")
		w.expect("sub", "a")
	})
}

func TestWhatIsRetainedGoesWhenNothingIsToBeRetained(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top", retaining)
		began := time.Now()
		w.publish("top", "a", "b")
		w.ack("sub", w.expect("sub", "a", "b")[:1])
		_, err := w.sub.UpdateSubscription(t.Context(), &pubsubpb.UpdateSubscriptionRequest{
			Subscription: &pubsubpb.Subscription{Name: subs + "sub"},
			UpdateMask:   &fieldmaskpb.FieldMask{Paths: []string{"retain_acked_messages"}},
		})
		w.must(err)
		if n := w.server.subscriptions[subs+"sub"].backlog.Len(); n != 1 {
			t.Errorf("%d messages are kept", n)
		}
		w.seek("sub", began)
		w.expect("sub", "b")
	})
}

func TestATopicKeepsMessagesForSubscriptionsThatKeepThemForLess(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top", func(c *pubsubpb.Topic) { c.MessageRetentionDuration = durationpb.New(time.Hour) })
		w.subscription("sub", "top", func(s *pubsubpb.Subscription) {
			s.MessageRetentionDuration = durationpb.New(10 * time.Minute)
		})
		w.publish("top", "a")
		pass(time.Hour - 1)
		w.nack("sub", w.expect("sub", "a"))
		pass(1)
		w.expect("sub")
	})
}

// TestASeekToldAgainLeavesWhatCameAfterIt is what a log does with a seek that a snapshot knows.
func TestASeekToldAgainLeavesWhatCameAfterIt(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top", retaining)
		w.publish("top", "a")
		last := w.server.ids.Load()
		w.publish("top", "b", "c")
		w.ack("sub", w.expect("sub", "a", "b", "c")[:2])
		w.server.mu.Lock()
		w.server.subscriptions[subs+"sub"].seek(time.Now().Add(time.Hour), last)
		w.server.subscriptions[subs+"sub"].seek(time.Now().Add(-time.Hour), last)
		w.server.mu.Unlock()
		w.expect("sub", "a", "c")
	})
}
