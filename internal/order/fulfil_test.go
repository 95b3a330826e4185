package order_test

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/store"
)

var errThrottled = fault.New(codes.ResourceExhausted, "", "too many executions")

func whole(o *order.Order, seq int64) order.Fulfilment {
	return order.Fulfilment{OrderID: o.ID, Seq: seq, Quantities: map[string]int32{"TEA": 2}, Amount: &order.Amount{CurrencyCode: "GBP", MinorUnits: 500}, PaymentMethod: "pm_approve"}
}

func undo(o *order.Order, seq int64) order.Fulfilment {
	return order.Fulfilment{OrderID: o.ID, Seq: seq, CancelReason: "declined"}
}

func TestFreshEventStartsItsSagaWithoutARead(t *testing.T) {
	t.Parallel()
	for name, age := range map[string]time.Duration{"at once": 0, "from a clock ahead": -time.Minute, "an hour old": time.Hour} {
		w := newWorld(t)
		o := w.in(order.Confirmed)
		w.pass(age)
		w.db.Before = func(op string, _ []store.Write) error {
			t.Errorf("%s: the database was asked: %s", name, op)
			return nil
		}
		if err := w.fulfilling().Created(t.Context(), o.Created()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		same(t, name, []order.Fulfilment{whole(o, 1)}, w.saga.started)
	}
}

func TestWhatIsStartedFollowsWhereTheOrderStands(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*world, *eventv1.OrderCreated) error{
		"stale event": func(w *world, e *eventv1.OrderCreated) error {
			w.pass(time.Hour + time.Nanosecond)
			return w.fulfilling().Created(w.t.Context(), e)
		},
		"resume": func(w *world, e *eventv1.OrderCreated) error {
			return w.fulfilling().Resume(w.t.Context(), e.GetOrderId(), 1)
		},
	} {
		for _, status := range statuses {
			w := newWorld(t)
			o := w.in(status)
			if err := start(w, o.Created()); err != nil {
				t.Errorf("%s of %s: %v", name, status, err)
			}
			want := map[order.Status][]order.Fulfilment{order.Placed: {whole(o, 1)}, order.Cancelling: {undo(o, 1)}}[status]
			same(t, name+" of "+string(status), want, w.saga.started)
		}
		w := newWorld(t)
		if err := start(w, &eventv1.OrderCreated{OrderId: "none"}); !errors.Is(err, order.ErrNotFound) {
			t.Errorf("%s of an order that is not: %v", name, err)
		}
	}
}

func TestThrottledSagaIsLeftToTheSweepAndOtherTroubleIsNot(t *testing.T) {
	t.Parallel()
	trouble := fault.New(codes.Unavailable, "", "away")
	for answer, want := range map[error]error{errThrottled: nil, trouble: trouble} {
		w := newWorld(t)
		o := w.place("key")
		w.saga.answer = func(order.Fulfilment) error { return answer }
		if err := w.fulfilling().Created(t.Context(), o.Created()); !errors.Is(err, want) {
			t.Errorf("created: error %v, want %v", err, want)
		}
		if err := w.fulfilling().Resume(t.Context(), o.ID, 0); !errors.Is(err, want) {
			t.Errorf("resume: error %v, want %v", err, want)
		}
	}
}

// The sweep is who makes up for a throttled or failed saga, so it must come before the order expires, whose payment may
// have come through meanwhile.
func TestPaymentThatCameThroughIsConfirmedThoughItsSagaWasThrottledOrFailed(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]error{"throttled": errThrottled, "started and died": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			o := w.place("key")
			if _, err := w.confirming().Confirm(t.Context(), o.ID, order.Evidence{Seq: 1, Reservation: held, Payment: pending}); err != nil {
				t.Fatal(err)
			}
			w.pass(time.Minute)
			w.saga.answer = func(order.Fulfilment) error { return first }
			if err := w.fulfilling().Resume(t.Context(), o.ID, 0); err != nil { // the webhook's event
				t.Fatal(err)
			}
			w.saga.answer = func(f order.Fulfilment) error {
				_, err := w.confirming().Confirm(t.Context(), f.OrderID, order.Evidence{Reservation: held, Payment: charged})
				return err
			}
			for range 60 {
				w.pass(time.Minute)
				w.sweep()
			}
			if status, _ := w.get(o.ID).Status(); status != order.Confirmed {
				t.Errorf("the order is %s (%s), though it was paid long before it expired", status, w.get(o.ID).Reason())
			}
		})
	}
}
