package order

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
)

// Cancellation decides that orders will not be confirmed, and ends them when all is undone.
type Cancellation struct {
	Orders   Store
	Now      func() time.Time
	Patience time.Duration // how long a saga may take before the sweep starts another
}

// Cancel decides, in one write, that a placed order will not be confirmed; undoing follows. A confirmed order stays
// confirmed: the caller sees who won by the order's status. sagaAtWork says that a
// saga is at it (the caller); otherwise the event starts one.
func (c Cancellation) Cancel(ctx context.Context, id string, reason Reason, seq int64, sagaAtWork bool) (*Order, error) {
	if !reason.known() {
		return nil, fault.New(codes.InvalidArgument, "unknown_reason", "order %s cannot be cancelled for reason %q: it is none of ours", id, reason)
	}
	return c.Orders.Update(ctx, id, func(o *Order) error {
		o.Journal.Witness(seq)
		return c.cancel(o, reason, Act{}, sagaAtWork)
	})
}

func (c Cancellation) cancel(o *Order, reason Reason, by Act, sagaAtWork bool) error {
	if status, _ := o.Status(); status != Placed {
		return nil
	}
	now := c.Now()
	o.Journal.Append(&eventv1.OrderCancellationStarted{
		OrderId: o.ID, Seq: o.Journal.Next(), EventTime: timestamppb.New(now), Reason: string(reason), By: by.By, Note: by.Note,
	}, !sagaAtWork)
	o.NextAttempt = now.Add(c.Patience)
	o.Attempts = 0
	return nil
}

// CancelByCustomer cancels a customer's own order. A confirmed one is refused; another's is not found.
func (c Cancellation) CancelByCustomer(ctx context.Context, customerID, id string) (*Order, error) {
	return c.Orders.Update(ctx, id, func(o *Order) error {
		if o.CustomerID() != customerID {
			return ErrNotFound
		}
		if status, _ := o.Status(); status == Confirmed {
			return fault.New(codes.FailedPrecondition, "already_confirmed", "order %s is confirmed and can no longer be cancelled", id)
		}
		return c.cancel(o, ByCustomer, Act{}, false)
	})
}

// Close makes a cancelling order CANCELLED, given the evidence that nothing is charged or held.
func (c Cancellation) Close(ctx context.Context, id string, e Evidence) (*Order, error) {
	return c.close(ctx, id, e, Act{})
}

func (c Cancellation) close(ctx context.Context, id string, e Evidence, by Act) (*Order, error) {
	if !settled(e) {
		return nil, fault.New(codes.InvalidArgument, "no_evidence", "order %s cannot be closed: its stock is %s and its payment %s", id, e.Reservation, e.Payment)
	}
	return c.Orders.Update(ctx, id, func(o *Order) error {
		o.Journal.Witness(e.Seq)
		status, _ := o.Status()
		if status == Cancelled {
			return nil
		}
		if status != Cancelling {
			return fault.New(codes.FailedPrecondition, "not_cancelling", "order %s is %s: only a cancelling order is closed", id, status)
		}
		o.Journal.Append(&eventv1.OrderCancelled{
			OrderId: id, Seq: o.Journal.Next(), EventTime: timestamppb.New(c.Now()), CustomerId: o.CustomerID(),
			Total: o.Total(), Reason: string(o.Reason()), By: by.By, Note: by.Note,
		}, false)
		o.NextAttempt = time.Time{}
		return nil
	})
}

// settled says that both sides are final and neither holds anything.
func settled(e Evidence) bool {
	switch e.Reservation {
	case typev1.ReservationState_RESERVATION_STATE_REFUSED, typev1.ReservationState_RESERVATION_STATE_RELEASED:
	default:
		return false
	}
	switch e.Payment {
	case typev1.PaymentState_PAYMENT_STATE_REFUNDED, typev1.PaymentState_PAYMENT_STATE_VOIDED, typev1.PaymentState_PAYMENT_STATE_DECLINED:
		return true
	}
	return false
}
