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

// Evidence is what the saga's steps before a last word answered, and the order's event that caused the saga (0: none).
type Evidence struct {
	Seq         int64
	Reservation typev1.ReservationState
	Payment     typev1.PaymentState
}

// Confirming ends orders well.
type Confirming struct {
	Orders   Store
	Now      func() time.Time
	Patience time.Duration // how long the sweep waits before it starts another saga
}

// Confirm makes a placed order CONFIRMED once its stock is held and its money charged. While the payment is pending the
// order stays PLACED: an event starts the saga again, or, should that be lost, the sweep, now and then until it expires. FAILED_PRECONDITION with reason "cancelled" says
// that a cancellation won.
func (c Confirming) Confirm(ctx context.Context, id string, e Evidence) (*Order, error) {
	if e.Reservation != typev1.ReservationState_RESERVATION_STATE_HELD {
		return nil, fault.New(codes.InvalidArgument, "no_evidence", "order %s cannot be confirmed: its stock is %s, not held", id, e.Reservation)
	}
	return c.Orders.Update(ctx, id, func(o *Order) error {
		o.Journal.Witness(e.Seq)
		status, _ := o.Status()
		switch {
		case status == Confirmed:
			return nil
		case status != Placed:
			return fault.New(codes.FailedPrecondition, string(ByCustomer), "order %s is being cancelled", id)
		case e.Payment == typev1.PaymentState_PAYMENT_STATE_PENDING:
			o.NextAttempt = next(o, c.Now(), c.Patience)
			return nil
		case e.Payment != typev1.PaymentState_PAYMENT_STATE_CHARGED:
			return fault.New(codes.InvalidArgument, "no_evidence", "order %s cannot be confirmed: its payment is %s, not charged", id, e.Payment)
		}
		o.Journal.Append(&eventv1.OrderConfirmed{
			OrderId: id, Seq: o.Journal.Next(), EventTime: timestamppb.New(c.Now()), CustomerId: o.CustomerID(), Total: o.Total(),
		}, false)
		o.NextAttempt = time.Time{}
		return nil
	})
}
