package ordeal

import (
	"bytes"
	"context"
	"time"

	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/promise"
	"orderflow.dev/internal/store"
	"orderflow.dev/local/stack"
)

// letters waits until all poison is parked and every customer was told how their order ended, and puts back what is no
// poison: a function gave up on it in a bad moment.
func (r *run) letters(ctx context.Context, w promise.World, report *Report) error {
	db, err := store.Open(ctx, stack.Project, "platform")
	if err != nil {
		return err
	}
	defer db.Close()
	notifications, err := store.Open(ctx, stack.Project, "notifications")
	if err != nil {
		return err
	}
	defer notifications.Close()
	events, err := event.NewPublisher(ctx, stack.Project)
	if err != nil {
		return err
	}
	kept := store.NewDeadLetters(db, time.Now)
	for deadline := time.Now().Add(r.Settle); ; {
		missing, open, err := r.sort(ctx, kept, report)
		if err != nil {
			return err
		}
		if err := putBack(ctx, kept, events, open, report); err != nil {
			return err
		}
		sent, err := told(ctx, notifications)
		if err != nil {
			return err
		}
		report.Told = len(sent)
		waiting := untold(w, sent)
		if missing+len(waiting) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			if missing > 0 {
				report.fail("%d poison messages were never parked", missing)
			}
			for _, id := range waiting {
				report.fail("order %s ended, and its customer was never told", id)
			}
			return nil
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// sort tells poison from what is not, and says how much poison is not parked yet.
func (r *run) sort(ctx context.Context, kept *store.DeadLetters, report *Report) (missing int, open []store.DeadLetter, err error) {
	poisoned, parked := r.chaos.Poisoned(), map[string]bool{}
	report.Parked = 0
	err = kept.Each(ctx, func(l store.DeadLetter) {
		report.Parked++
		for id := range poisoned {
			if holds(l, id) {
				parked[id] = true
				return
			}
		}
		if l.Open() {
			open = append(open, l)
		}
	})
	for id, taken := range poisoned {
		if taken && !parked[id] {
			missing++
		}
	}
	return missing, open, err
}

// holds says whether a letter is the poison of an id: its message is an event's, whose first field is the order's id.
func holds(l store.DeadLetter, id string) bool {
	return bytes.HasPrefix(l.Message.Data, append([]byte{10, byte(len(id))}, id...))
}

func putBack(ctx context.Context, kept *store.DeadLetters, events *event.Publisher, open []store.DeadLetter, report *Report) error {
	for _, l := range open {
		if err := events.Replay(ctx, l.Message); err != nil {
			return err
		}
		d := store.Decision{Action: store.Replayed, By: "chaos", Reason: "it is over", Time: time.Now()}
		if err := kept.Decide(ctx, l, d); err != nil {
			return err
		}
		report.PutBack++
	}
	return nil
}
