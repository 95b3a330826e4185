package order_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
)

// command is something that is asked of an order, and what comes of it in each status.
type command struct {
	name string
	do   func(context.Context, *world, string) (*order.Order, error)
	want map[order.Status]outcome
}

// outcome is the status after a command and its refusal.
type outcome struct {
	status order.Status
	code   codes.Code
	reason string
}

var statuses = []order.Status{order.Placed, order.Confirmed, order.Cancelling, order.Cancelled}

// stays is a refusal in every status.
func stays(code codes.Code, reason string) map[order.Status]outcome {
	out := map[order.Status]outcome{}
	for _, s := range statuses {
		out[s] = outcome{s, code, reason}
	}
	return out
}

func confirmWith(e order.Evidence) func(context.Context, *world, string) (*order.Order, error) {
	return func(ctx context.Context, w *world, id string) (*order.Order, error) {
		return w.confirming().Confirm(ctx, id, e)
	}
}

func closeWith(e order.Evidence) func(context.Context, *world, string) (*order.Order, error) {
	return func(ctx context.Context, w *world, id string) (*order.Order, error) {
		return w.cancellation().Close(ctx, id, e)
	}
}

// commands are the design's table of states, with every kind of evidence.
func commands() []command {
	var all []command
	for r := range typev1.ReservationState_name {
		for p := range typev1.PaymentState_name {
			e := order.Evidence{Reservation: typev1.ReservationState(r), Payment: typev1.PaymentState(p)}
			all = append(all,
				command{fmt.Sprintf("confirm %s %s", e.Reservation, e.Payment), confirmWith(e), confirmed(e)},
				command{fmt.Sprintf("close %s %s", e.Reservation, e.Payment), closeWith(e), closed(e)})
		}
	}
	for _, reason := range []order.Reason{order.OutOfStock, order.Declined, order.ByCustomer, order.Expired, order.ByOperator, "", "timeout", "Declined"} {
		all = append(all, command{fmt.Sprintf("cancel %q", reason), func(ctx context.Context, w *world, id string) (*order.Order, error) {
			return w.cancellation().Cancel(ctx, id, reason, 0, true)
		}, cancelled(reason)})
	}
	return append(all, command{"customer cancels", func(ctx context.Context, w *world, id string) (*order.Order, error) {
		return w.cancellation().CancelByCustomer(ctx, customer, id)
	}, map[order.Status]outcome{
		order.Placed:     {status: order.Cancelling},
		order.Confirmed:  {order.Confirmed, codes.FailedPrecondition, "already_confirmed"},
		order.Cancelling: {status: order.Cancelling},
		order.Cancelled:  {status: order.Cancelled},
	}}, command{"another customer cancels", func(ctx context.Context, w *world, id string) (*order.Order, error) {
		return w.cancellation().CancelByCustomer(ctx, "somebody else", id)
	}, stays(codes.NotFound, "order_not_found")})
}

func confirmed(e order.Evidence) map[order.Status]outcome {
	if e.Reservation != held {
		return stays(codes.InvalidArgument, "no_evidence")
	}
	want := stays(codes.FailedPrecondition, "cancelled")
	want[order.Confirmed] = outcome{status: order.Confirmed}
	switch e.Payment {
	case charged:
		want[order.Placed] = outcome{status: order.Confirmed}
	case pending:
		want[order.Placed] = outcome{status: order.Placed}
	default:
		want[order.Placed] = outcome{order.Placed, codes.InvalidArgument, "no_evidence"}
	}
	return want
}

func closed(e order.Evidence) map[order.Status]outcome {
	final := (e.Reservation == refused || e.Reservation == released) && (e.Payment == refunded || e.Payment == voided || e.Payment == declined)
	if !final {
		return stays(codes.InvalidArgument, "no_evidence")
	}
	want := stays(codes.FailedPrecondition, "not_cancelling")
	want[order.Cancelling], want[order.Cancelled] = outcome{status: order.Cancelled}, outcome{status: order.Cancelled}
	return want
}

func cancelled(reason order.Reason) map[order.Status]outcome {
	switch reason {
	case order.OutOfStock, order.Declined, order.ByCustomer, order.Expired, order.ByOperator:
		want := stays(codes.OK, "")
		want[order.Placed] = outcome{status: order.Cancelling}
		return want
	}
	return stays(codes.InvalidArgument, "unknown_reason")
}

func TestEveryCommandInEveryStatus(t *testing.T) {
	t.Parallel()
	for _, c := range commands() {
		for _, status := range statuses {
			t.Run(fmt.Sprintf("%s/%s", status, c.name), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				before := w.in(status)
				w.pass(time.Minute)
				for again := range 2 { // the same command again answers the same
					o, err := c.do(t.Context(), w, before.ID)
					after := w.get(before.ID)
					got, since := after.Status()
					want := c.want[status]
					same(t, fmt.Sprint("outcome ", again), fmt.Sprint(want), fmt.Sprint(outcome{got, fault.Code(err), fault.Reason(err)}))
					if (o == nil) != (err != nil) {
						t.Errorf("answered %+v with error %v", o, err)
					}
					if o != nil {
						answered, _ := o.Status()
						same(t, "status answered", want.status, answered)
					}
					moved := got != status
					if events := len(after.Journal.Entries) - len(before.Journal.Entries); moved && (events != 1 || !since.Equal(w.clock())) || !moved && events != 0 {
						t.Errorf("from %s to %s with %d new events, since %v", status, got, events, since)
					}
				}
			})
		}
	}
}

func TestCommandsOnOrdersThatAreNotAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range commands() {
		if _, err := c.do(t.Context(), newWorld(t), "nosuchorder"); fault.Code(err) != codes.NotFound && fault.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: error %v, want NotFound", c.name, err)
		}
	}
}

func TestEventsTellWhatConsumersNeed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o, ctx := w.place("key"), t.Context()
	w.pass(time.Minute)
	if _, err := w.cancellation().CancelByCustomer(ctx, customer, o.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.cancellation().Cancel(ctx, o.ID, order.Expired, 0, true); err != nil { // comes too late
		t.Fatal(err)
	}
	if _, err := w.cancellation().Close(ctx, o.ID, order.Evidence{Seq: 2, Reservation: released, Payment: refunded}); err != nil {
		t.Fatal(err)
	}
	after := w.get(o.ID)
	same(t, "reason", order.ByCustomer, after.Reason())
	started, _ := after.Journal.Entries[1].Event.(*eventv1.OrderCancellationStarted)
	last, _ := after.Journal.Entries[2].Event.(*eventv1.OrderCancelled)
	if started.GetReason() != "cancelled" || last.GetReason() != "cancelled" || last.GetCustomerId() != customer || last.GetTotal().GetMinorUnits() != 500 {
		t.Errorf("events %v and %v", started, last)
	}
	if !after.NextAttempt.IsZero() || !after.Final() {
		t.Errorf("the closed order is still due at %v", after.NextAttempt)
	}
}

func TestSagaIsStartedAgainOnlyWhenNoneIsAtWork(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cancel func(context.Context, *world, string) error
		want   bool
	}{
		"a customer cancels": {func(ctx context.Context, w *world, id string) error {
			_, err := w.cancellation().CancelByCustomer(ctx, customer, id)
			return err
		}, true},
		"an operator cancels": {func(ctx context.Context, w *world, id string) error {
			_, err := w.cancellation().Cancel(ctx, id, order.ByOperator, 0, false)
			return err
		}, true},
		"the saga cancels": {func(ctx context.Context, w *world, id string) error {
			_, err := w.cancellation().Cancel(ctx, id, order.OutOfStock, 1, true)
			return err
		}, false},
		"it expires": {func(ctx context.Context, w *world, id string) error {
			w.pass(expiry)
			_, err := w.sweeping().Sweep(ctx)
			return err
		}, true},
	} {
		w := newWorld(t)
		o := w.place(name)
		if err := c.cancel(t.Context(), w, o.ID); err != nil {
			t.Fatal(err)
		}
		after := w.get(o.ID)
		if e := after.Journal.Entries[1]; e.Resume != c.want {
			t.Errorf("%s: resume is %v, want %v", name, e.Resume, c.want)
		}
		if want := w.clock().Add(patience); !after.NextAttempt.Equal(want) || after.Attempts != 0 {
			t.Errorf("%s: next attempt %d at %v, want the first at %v", name, after.Attempts, after.NextAttempt, want)
		}
	}
}
