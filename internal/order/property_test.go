package order_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

// anything draws a command with any evidence.
func anything(t *rapid.T, name string) func(context.Context, *world, string) {
	seq := rapid.Int64Range(0, 4).Draw(t, name+" seq")
	e := order.Evidence{
		Seq:         seq,
		Reservation: rapid.SampledFrom([]typev1.ReservationState{held, held, refused, released}).Draw(t, name+" reservation"),
		Payment:     rapid.SampledFrom([]typev1.PaymentState{charging, pending, charged, charged, declined, refunded, voided}).Draw(t, name+" payment"),
	}
	reason := rapid.SampledFrom([]order.Reason{order.OutOfStock, order.Declined, order.ByCustomer, order.Expired, order.ByOperator, "trouble"}).Draw(t, name+" reason")
	switch rapid.SampledFrom([]string{"confirm", "confirm", "cancel", "customer", "close", "close", "sweep", "resume", "wait"}).Draw(t, name) {
	case "confirm":
		return func(ctx context.Context, w *world, id string) { _, _ = w.confirming().Confirm(ctx, id, e) }
	case "cancel":
		return func(ctx context.Context, w *world, id string) {
			_, _ = w.cancellation().Cancel(ctx, id, reason, seq, seq > 0)
		}
	case "customer":
		return func(ctx context.Context, w *world, id string) {
			_, _ = w.cancellation().CancelByCustomer(ctx, customer, id)
		}
	case "close":
		return func(ctx context.Context, w *world, id string) { _, _ = w.cancellation().Close(ctx, id, e) }
	case "sweep":
		return func(ctx context.Context, w *world, _ string) { _, _ = w.sweeping().Sweep(ctx) }
	case "resume":
		return func(ctx context.Context, w *world, id string) { _ = w.fulfilling().Resume(ctx, id, seq) }
	}
	return func(_ context.Context, w *world, _ string) { w.pass(7 * time.Minute) }
}

// meet makes each of the commands run before another's commit, and loses some answers.
func meet(w *world, id string, others []func(context.Context, *world, string), lose []bool) {
	w.db.Before = func(op string, _ []store.Write) error {
		if op == "commit" && len(others) > 0 {
			next := others[0]
			others = others[1:]
			next(context.Background(), w, id)
		}
		return nil
	}
	w.db.After = func(op string, _ []store.Write) error {
		if op == "commit" && len(lose) > 0 {
			lost := lose[0]
			lose = lose[1:]
			if lost {
				return memory.ErrDeadline
			}
		}
		return nil
	}
}

// step is a command, those that come between its reads and writes, and which of the answers are lost.
type step struct {
	do     func(context.Context, *world, string)
	others []func(context.Context, *world, string)
	lose   []bool
}

func steps(t *rapid.T) (all []step) {
	for i := range rapid.IntRange(1, 8).Draw(t, "steps") {
		s := step{do: anything(t, fmt.Sprint("step ", i)), lose: rapid.SliceOfN(rapid.Bool(), 0, 3).Draw(t, "lose")}
		for j := range rapid.IntRange(0, 3).Draw(t, "others") {
			s.others = append(s.others, anything(t, fmt.Sprint("other ", i, j)))
		}
		all = append(all, s)
	}
	return all
}

// Whoever asks for what, with whatever evidence, in the middle of whose write, and whatever answers are lost: an order
// reaches at most one end, is decided to be cancelled at most once, and its journal only grows.
func TestOrderReachesOneEndWhateverHappens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		all := steps(rt)
		var err error
		synctest.Test(t, func(t *testing.T) { err = follow(newWorld(t), all) })
		if err != nil {
			rt.Fatal(err)
		}
	})
}

func follow(w *world, all []step) error {
	o := w.place("key")
	before := o.Journal.Entries
	for _, s := range all {
		meet(w, o.ID, s.others, s.lose)
		s.do(w.t.Context(), w, o.ID)
		w.db.Before, w.db.After = nil, nil
		now := w.get(o.ID)
		if err := lawful(before, now); err != nil {
			return err
		}
		before = now.Journal.Entries
	}
	return swept(w, o.ID, before)
}

// lawful says what is wrong with an order that had these entries before.
func lawful(before []journal.Entry, o *order.Order) error {
	var names []string
	for i, e := range o.Journal.Entries {
		if e.Event.GetSeq() != int64(i)+1 || e.Event.GetOrderId() != o.ID {
			return fmt.Errorf("entry %d is %v", i, e.Event)
		}
		if i < len(before) && !proto.Equal(before[i].Event, e.Event) {
			return fmt.Errorf("entry %d was %v and is %v", i, before[i].Event, e.Event)
		}
		names = append(names, string(e.Event.ProtoReflect().Descriptor().Name()))
	}
	if len(names) < len(before) {
		return fmt.Errorf("%d entries became %d", len(before), len(names))
	}
	folds := map[order.Status][]string{
		order.Placed:     {"OrderCreated"},
		order.Confirmed:  {"OrderCreated", "OrderConfirmed"},
		order.Cancelling: {"OrderCreated", "OrderCancellationStarted"},
		order.Cancelled:  {"OrderCreated", "OrderCancellationStarted", "OrderCancelled"},
	}
	status, _ := o.Status()
	if !slices.Equal(folds[status], names) {
		return fmt.Errorf("an order that is %s has the events %v", status, names)
	}
	if o.Journal.Published > int64(len(names)) {
		return fmt.Errorf("%d of %d events are published", o.Journal.Published, len(names))
	}
	if final := status == order.Confirmed || status == order.Cancelled; final != o.NextAttempt.IsZero() || final != o.Final() {
		return fmt.Errorf("an order that is %s is due at %v", status, o.NextAttempt)
	}
	if c, ok := o.Journal.Entries[len(names)-1].Event.(*eventv1.OrderCancelled); ok && c.GetReason() != string(o.Reason()) {
		return fmt.Errorf("cancelled for %s, as was decided for %s", c.GetReason(), o.Reason())
	}
	return nil
}

// swept brings an order that is left alone to its end by sweeps alone, with a saga that undoes what it must.
func swept(w *world, id string, before []journal.Entry) error {
	w.saga.answer = func(f order.Fulfilment) error {
		if f.CancelReason == "" {
			return fault.Of(memory.ErrUnavailable) // the saga dies
		}
		_, err := w.cancellation().Close(context.Background(), id, order.Evidence{Reservation: released, Payment: refunded})
		return err
	}
	for range 60 {
		w.pass(time.Minute)
		_, _ = w.sweeping().Sweep(context.Background())
	}
	o := w.get(id)
	if status, _ := o.Status(); !o.Final() {
		return fmt.Errorf("after an hour of sweeps the order is %s, next attempt at %v", status, o.NextAttempt)
	}
	return lawful(before, o)
}
