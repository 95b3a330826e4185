package pubsub

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
)

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

func TestWhoLeavesSomethingWakesTheNext(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top")
		sub := w.server.subscriptions[subs+"sub"]
		first, second := newConsumer(minAck), newConsumer(minAck)
		take := func(c *consumer) int {
			b, err := sub.take(c, 1)
			w.must(err)
			return len(b.received)
		}
		steps := []int{take(first)} // nothing: it waits
		w.publish("top", "a", "b")  // wakes it
		steps = append(steps, take(second))
		if len(second.wake) != 0 {
			t.Error("the second was woken before its turn")
		}
		steps = append(steps, take(first))
		if len(second.wake) != 1 {
			t.Error("the second was not woken")
		}
		steps = append(steps, take(second))
		if diff := cmp.Diff([]int{0, 0, 1, 1}, steps); diff != "" {
			t.Errorf("taken (-want +got):\n%s", diff)
		}
	})
}

func TestAWakeUpIsHandedOnByWhoLeaves(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top")
		sub := w.server.subscriptions[subs+"sub"]
		first, second := newConsumer(minAck), newConsumer(minAck)
		for _, c := range []*consumer{first, second} {
			if b, err := sub.take(c, 1); err != nil || len(b.received) > 0 {
				t.Fatal(b, err)
			}
		}
		w.publish("top", "a")
		sub.leave(first)
		if len(second.wake) != 1 {
			t.Error("the wake-up was lost")
		}
	})
}

func TestWhatIsGivenBackTooLateStaysWithWhoHasIt(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top")
		w.publish("top", "a")
		sub := w.server.subscriptions[subs+"sub"]
		late, err := sub.take(newConsumer(minAck), 1)
		w.must(err)
		pass(minAck)
		w.expect("sub", "a")
		sub.giveBack(late)
		w.expect("sub")
	})
}
