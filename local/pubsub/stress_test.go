package pubsub

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/durationpb"
)

// TestNoMessageIsLostWhateverSubscribersDo lets subscribers acknowledge, fail, forget and leave at random, in virtual
// time: in the end every message was acknowledged or is a dead letter, and keys came in order.
func TestNoMessageIsLostWhateverSubscribersDo(t *testing.T) {
	kinds := map[string]func(*pubsubpb.Subscription){
		"plain":            func(*pubsubpb.Subscription) {},
		"ordered":          ordered,
		"dead letters":     deadLetters("dead", 5),
		"ordered, dead":    func(s *pubsubpb.Subscription) { ordered(s); deadLetters("dead", 5)(s) },
		"ordered, backoff": func(s *pubsubpb.Subscription) { ordered(s); backoff(s) },
		"exactly once":     func(s *pubsubpb.Subscription) { backoff(s); s.EnableExactlyOnceDelivery = true },
	}
	for name, kind := range kinds {
		for range 4 {
			seed := rand.Uint64()
			t.Run(fmt.Sprintf("%s, seed %d", name, seed), func(t *testing.T) {
				virtually(t, func(t *testing.T, w *world) { newCrowd(w, seed, kind).run() })
			})
		}
	}
}

func backoff(s *pubsubpb.Subscription) {
	s.RetryPolicy = &pubsubpb.RetryPolicy{
		MinimumBackoff: durationpb.New(time.Second), MaximumBackoff: durationpb.New(5 * time.Second),
	}
}

// TestWakeUpsAreNotLostInRealTime publishes to subscribers that wait, message by message.
func TestWakeUpsAreNotLostInRealTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.topic("top")
	w.subscription("sub", "top")
	const total, pullers = 5000, 8
	got := make(chan int, total)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range pullers {
		all.Go(func() {
			for ctx.Err() == nil {
				stay, leave := context.WithCancel(ctx)
				if i%2 == 0 {
					time.AfterFunc(time.Millisecond, leave) // comes and goes
				}
				resp, err := w.sub.Pull(stay, &pubsubpb.PullRequest{Subscription: subs + "sub", MaxMessages: 3})
				leave()
				if err == nil && len(resp.GetReceivedMessages()) > 0 {
					w.settleAll(resp.GetReceivedMessages())
					got <- len(resp.GetReceivedMessages())
				}
			}
		})
	}
	var publishers sync.WaitGroup
	for range 4 {
		publishers.Go(func() {
			for range total / 4 {
				w.publish("top", "x")
			}
		})
	}
	for sum := 0; sum < total; {
		select {
		case n := <-got:
			sum += n
		case <-time.After(time.Minute):
			t.Fatalf("%d of %d messages came", sum, total)
		}
	}
	publishers.Wait()
	cancel()
	all.Wait()
}

func (w *world) settleAll(r received) {
	_, err := w.sub.Acknowledge(context.Background(), &pubsubpb.AcknowledgeRequest{
		Subscription: subs + "sub", AckIds: r.ackIDs(),
	})
	if err != nil {
		w.t.Error(err)
	}
}
