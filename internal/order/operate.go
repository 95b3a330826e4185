package order

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
)

// Act is who does something to an order by hand, and why. It is kept in the order's journal.
type Act struct {
	By   string // the subject of the operator's token
	Note string // in the operator's words
	Key  string // of a retry or a refund: the same act again changes nothing
}

// maxActNote is how long a reason may be, in characters.
const maxActNote = 500

// actKey is what an act's key may be: a refund's is a part of the provider's idempotency key.
var actKey = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (a Act) validate(keyed bool) error {
	var v violations
	v.text("reason", a.Note, 1, maxActNote)
	if a.Note != "" && strings.TrimSpace(a.Note) == "" {
		v.add("reason", "is blank: say why")
	}
	if keyed && !actKey.MatchString(a.Key) {
		v.add("Idempotency-Key", "header must be 1 to 64 letters, digits, hyphens and underscores: a fresh one for each act, and the same one when you repeat it")
	}
	if err := fault.Invalid(v); err != nil {
		return err
	}
	if a.By == "" {
		return fault.New(codes.Unauthenticated, "no_operator", "it is not known who acts: an order is changed by hand only in somebody's name")
	}
	return nil
}

// Undoing brings what an order holds to its end, as the saga does. Both may be done again.
type Undoing interface {
	// RefundPayment leaves nothing charged.
	RefundPayment(ctx context.Context, orderID string) (typev1.PaymentState, error)
	// ReleaseStock leaves nothing held.
	ReleaseStock(ctx context.Context, orderID string) (typev1.ReservationState, error)
}

// Operating is what operators may do to any order.
type Operating struct {
	Cancellation
	Undoing Undoing
}

// Cancel decides that a placed order will not be confirmed; the saga undoes it. Of an order that is cancelled already it
// changes nothing, not even the reason; a confirmed one is refused.
func (op Operating) Cancel(ctx context.Context, id string, by Act) (*Order, error) {
	if err := by.validate(false); err != nil {
		return nil, err
	}
	return op.Orders.Update(ctx, id, func(o *Order) error {
		if status, _ := o.Status(); status == Confirmed {
			return fault.New(codes.FailedPrecondition, "already_confirmed", "order %s is confirmed and can no longer be cancelled: refund it instead", id)
		}
		return op.cancel(o, ByOperator, by, false)
	})
}

// maxRetries bounds how often one order is retried by hand: its journal is one document.
const maxRetries = 100

// Retry starts another saga for an order that has not ended, however long the sweep would wait. Once per key.
func (op Operating) Retry(ctx context.Context, id string, by Act) (*Order, error) {
	if err := by.validate(true); err != nil {
		return nil, err
	}
	return op.Orders.Update(ctx, id, func(o *Order) error {
		done, n := o.retried(by.Key)
		status, _ := o.Status()
		switch {
		case done:
			return nil
		case o.Final():
			return fault.New(codes.FailedPrecondition, "already_ended", "order %s is %s: there is nothing to retry", id, status)
		case n >= maxRetries:
			return fault.New(codes.FailedPrecondition, "too_many_retries", "order %s was retried %d times by hand: another time will not help, find out what it waits for", id, n)
		}
		now := op.Now()
		o.Journal.Append(&eventv1.OrderRetried{
			OrderId: id, Seq: o.Journal.Next(), EventTime: timestamppb.New(now), ActId: by.Key, By: by.By, Note: by.Note,
		}, true)
		o.Attempts = 0
		o.NextAttempt = next(o, now, op.Patience)
		return nil
	})
}

// retried says whether a retry was made under a key, and how many were made in all.
func (o *Order) retried(key string) (done bool, n int) {
	for _, e := range o.Journal.Entries {
		if r, ok := e.Event.(*eventv1.OrderRetried); ok {
			n++
			done = done || r.GetActId() == key
		}
	}
	return done, n
}

// Close ends a cancelling order whose saga cannot. It sees to it itself that nothing is charged or held, and closes only
// with that evidence; otherwise the error says what stands in the way. An order that was closed before is answered as it is.
func (op Operating) Close(ctx context.Context, id string, by Act) (*Order, error) {
	if err := by.validate(false); err != nil {
		return nil, err
	}
	o, err := op.Orders.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	switch status, _ := o.Status(); status {
	case Cancelled:
		return o, nil
	case Placed:
		return nil, fault.New(codes.FailedPrecondition, "not_cancelling", "order %s is PLACED: cancel it, its saga closes it then", id)
	case Confirmed:
		return nil, fault.New(codes.FailedPrecondition, "already_confirmed", "order %s is confirmed: it is refunded, not closed", id)
	}
	evidence, err := op.evidence(ctx, id)
	if err != nil {
		return nil, err
	}
	return op.close(ctx, id, evidence, by)
}

// evidence undoes what the order holds, the money first, as the saga does.
func (op Operating) evidence(ctx context.Context, id string) (e Evidence, err error) {
	ctx, cancel := context.WithTimeout(ctx, evidenceTimeout)
	defer cancel()
	if e.Payment, err = op.Undoing.RefundPayment(ctx, id); err != nil {
		return e, inTheWay(err, id, "its payment")
	}
	if e.Reservation, err = op.Undoing.ReleaseStock(ctx, id); err != nil {
		return e, inTheWay(err, id, "its stock")
	}
	return e, nil
}

// evidenceTimeout leaves time to answer within the function's own.
const evidenceTimeout = 20 * time.Second

// inTheWay says what keeps an order from being closed, and stays the kind of error that it is.
func inTheWay(err error, id, what string) error {
	f := *fault.Of(err)
	f.Message = fmt.Sprintf("order %s was not closed, %s stands in the way: %s", id, what, f.Message)
	return &f
}
