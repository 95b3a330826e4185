package pubsub

import (
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

func TestDeliveryAttemptsAreCountedOnlyWithADeadLetterPolicy(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.topic("dead")
		w.subscription("with", "top", deadLetters("dead", 10))
		w.subscription("without", "top")
		w.publish("top", "a")
		for n := range int32(4) {
			with, without := w.expect("with", "a"), w.expect("without", "a")
			if with[0].GetDeliveryAttempt() != n+1 || without[0].GetDeliveryAttempt() != 0 {
				t.Fatalf("attempt %d with and %d without a policy", with[0].GetDeliveryAttempt(), without[0].GetDeliveryAttempt())
			}
			w.nack("without", without)
			if n%2 == 0 {
				w.nack("with", with)
			} else {
				pass(10 * time.Second)
				w.expect("without", "a")
				pass(10 * time.Second)
			}
		}
	})
}

func TestTheLastFailurePublishesToTheDeadLetterTopic(t *testing.T) {
	for name, set := range map[string]func(*pubsubpb.Subscription){
		"unordered": func(*pubsubpb.Subscription) {}, "ordered": ordered,
	} {
		t.Run(name, func(t *testing.T) {
			virtually(t, func(t *testing.T, w *world) {
				w.topic("top")
				w.topic("dead")
				w.subscription("letters", "dead", ordered)
				w.subscription("sub", "top", set, deadLetters("dead", 5))
				published := time.Now()
				w.publishMessage("top", &pubsubpb.PubsubMessage{
					Data: []byte("poison"), OrderingKey: "k", Attributes: map[string]string{"a": "b"},
				})
				w.publishKey("top", "k", "next")
				for range 5 {
					w.expect("letters")
					w.nack("sub", w.pull("sub", 1))
					if name == "unordered" {
						w.nack("sub", w.pull("sub", 1)) // next, so that they take turns
					}
				}
				letter := w.pull("letters", 1)
				want := map[string]string{
					"a": "b",
					"CloudPubSubDeadLetterSourceDeliveryCount":       "5",
					"CloudPubSubDeadLetterSourceSubscription":        "sub",
					"CloudPubSubDeadLetterSourceSubscriptionProject": "p",
					"CloudPubSubDeadLetterSourceTopicPublishTime":    published.UTC().Format("2006-01-02T15:04:05.000Z"),
				}
				if diff := cmp.Diff(want, letter[0].GetMessage().GetAttributes()); diff != "" {
					t.Errorf("attributes (-want +got):\n%s", diff)
				}
				if m := letter[0].GetMessage(); string(m.GetData()) != "poison" || m.GetOrderingKey() != "k" {
					t.Errorf("dead letter %v", m)
				}
				if name == "ordered" { // the key goes on
					w.ack("sub", w.expect("sub", "next"))
				}
				pass(time.Hour)
				w.expect("sub")
			})
		})
	}
}

func TestADeadLetterThatCannotBePublishedStays(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.topic("dead")
		w.subscription("sub", "top", deadLetters("dead", 5))
		_, err := w.pub.DeleteTopic(t.Context(), &pubsubpb.DeleteTopicRequest{Topic: topics + "dead"})
		w.must(err)
		w.publish("top", "a")
		for range 7 {
			w.nack("sub", w.expect("sub", "a"))
		}
		w.topic("alive")
		_, err = w.sub.UpdateSubscription(t.Context(), &pubsubpb.UpdateSubscriptionRequest{
			Subscription: &pubsubpb.Subscription{
				Name: subs + "sub", DeadLetterPolicy: &pubsubpb.DeadLetterPolicy{
					DeadLetterTopic: topics + "alive", MaxDeliveryAttempts: 5,
				},
			},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"dead_letter_policy"}},
		})
		w.must(err)
		w.subscription("letters", "alive")
		w.nack("sub", w.expect("sub", "a"))
		w.expect("letters", "a")
		w.expect("sub")
	})
}

func TestASeekKeepsTheCountOfAttempts(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.topic("dead")
		w.subscription("sub", "top", deadLetters("dead", 5))
		began := time.Now()
		w.publish("top", "a")
		w.nack("sub", w.expect("sub", "a"))
		w.nack("sub", w.expect("sub", "a"))
		w.seek("sub", began)
		if got := w.expect("sub", "a")[0].GetDeliveryAttempt(); got != 3 {
			t.Errorf("attempt %d", got)
		}
	})
}
