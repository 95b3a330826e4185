package pubsub

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
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
			_, err := w.sub.Acknowledge(t.Context(), &pubsubpb.AcknowledgeRequest{Subscription: subs + "sub", AckIds: r.ackIDs()})
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
		_, err := w.sub.Acknowledge(t.Context(), &pubsubpb.AcknowledgeRequest{Subscription: subs + "sub", AckIds: first.ackIDs()})
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
				Name: subs + "sub", DeadLetterPolicy: &pubsubpb.DeadLetterPolicy{DeadLetterTopic: topics + "alive", MaxDeliveryAttempts: 5},
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

func TestAPullWaitsForAMessageAndThenAnswersNothing(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top")
		pull := func() (received, time.Duration) {
			began := time.Now()
			resp, err := w.sub.Pull(t.Context(), &pubsubpb.PullRequest{Subscription: subs + "sub", MaxMessages: 5})
			w.must(err)
			return resp.GetReceivedMessages(), time.Since(began)
		}
		if got, took := pull(); len(got) != 0 || took != longPoll {
			t.Errorf("pulled %q after %s", got.texts(), took)
		}
		time.AfterFunc(7*time.Second, func() { w.publish("top", "a") })
		got, took := pull()
		if len(got) != 1 || took != 7*time.Second {
			t.Errorf("pulled %q after %s", got.texts(), took)
		}
		if got, took = pull(); len(got) != 1 || took != 10*time.Second {
			t.Errorf("pulled %q after %s, want the lease's end", got.texts(), took)
		}
	})
}

func TestACancelledPullGivesBackWhatItTook(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.topic("dead")
		w.subscription("sub", "top", deadLetters("dead", 5))
		w.publish("top", "a")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := w.sub.Pull(ctx, &pubsubpb.PullRequest{Subscription: subs + "sub", MaxMessages: 5})
		wantCode(t, err, codes.Canceled)
		if got := w.expect("sub", "a"); got[0].GetDeliveryAttempt() != 1 {
			t.Errorf("attempt %d", got[0].GetDeliveryAttempt())
		}
	})
}

func TestPullsThatWaitShareWhatComes(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top")
		got := make(chan int, 4)
		for range cap(got) {
			go func() {
				resp, err := w.sub.Pull(t.Context(), &pubsubpb.PullRequest{Subscription: subs + "sub", MaxMessages: 100})
				if err != nil {
					t.Error(err)
				}
				got <- len(resp.GetReceivedMessages())
			}()
		}
		synctest.Wait()
		var batch []*pubsubpb.PubsubMessage
		for range 20 {
			batch = append(batch, &pubsubpb.PubsubMessage{Data: []byte("x")})
		}
		_, err := w.pub.Publish(t.Context(), &pubsubpb.PublishRequest{Topic: topics + "top", Messages: batch})
		w.must(err)
		sum := 0
		for range cap(got) {
			n := <-got
			if sum += n; n == 0 {
				t.Error("one waited for nothing while others got several")
			}
		}
		if sum != 20 {
			t.Errorf("%d messages, want 20", sum)
		}
	})
}

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

func TestFiltersChooseAtPublishing(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top", func(s *pubsubpb.Subscription) { s.Filter = `attributes."ce-type" = "x" AND NOT attributes:resume` })
		w.publish("top", "none")
		w.publishMessage("top", &pubsubpb.PubsubMessage{Data: []byte("x"), Attributes: map[string]string{"ce-type": "x"}})
		w.publishMessage("top", &pubsubpb.PubsubMessage{Data: []byte("y"), Attributes: map[string]string{"ce-type": "x", "resume": ""}})
		w.expect("sub", "x")
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

func TestWhoWaitsLearnsOfTheEndOfTheSubscription(t *testing.T) {
	ends := map[codes.Code]func(*world) error{
		codes.NotFound: func(w *world) error {
			_, err := w.sub.DeleteSubscription(w.t.Context(), &pubsubpb.DeleteSubscriptionRequest{Subscription: subs + "sub"})
			return err
		},
		codes.FailedPrecondition: func(w *world) error {
			_, err := w.pub.DetachSubscription(w.t.Context(), &pubsubpb.DetachSubscriptionRequest{Subscription: subs + "sub"})
			return err
		},
	}
	for code, end := range ends {
		t.Run(code.String(), func(t *testing.T) {
			virtually(t, func(t *testing.T, w *world) {
				w.topic("top")
				w.subscription("sub", "top")
				time.AfterFunc(time.Second, func() { w.must(end(w)) })
				began := time.Now()
				_, err := w.sub.Pull(t.Context(), &pubsubpb.PullRequest{Subscription: subs + "sub", MaxMessages: 1})
				wantCode(t, err, code)
				if took := time.Since(began); took != time.Second {
					t.Errorf("it learned so after %s", took)
				}
			})
		})
	}
}

func TestResponsesAreBounded(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top")
		big := strings.Repeat("x", batchBytes/2)
		w.publish("top", big, big, big)
		if got := w.pull("sub", 10); len(got) != 2 {
			t.Errorf("%d messages of half the bytes of a response", len(got))
		}
		w.publish("top", numbers(1001)...)
		if got := w.pull("sub", 5000); len(got) != batchMessages {
			t.Errorf("%d messages", len(got))
		}
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

func TestIdsGrowAndAreDecimal(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		last := ""
		for range 100 {
			resp, err := w.pub.Publish(t.Context(), &pubsubpb.PublishRequest{
				Topic: topics + "top", Messages: []*pubsubpb.PubsubMessage{{Data: []byte("x")}},
			})
			w.must(err)
			if id := resp.GetMessageIds()[0]; strings.Trim(id, "0123456789") != "" || fmt.Sprintf("%20s", id) <= fmt.Sprintf("%20s", last) {
				t.Fatalf("id %q after %q", id, last)
			} else {
				last = id
			}
		}
	})
}
