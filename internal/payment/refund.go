package payment

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
)

// Refund brings an order's payment to an end in which nothing is charged: REFUNDED, VOIDED or DECLINED. Where there is
// no payment, a tombstone refuses a late Charge. An open charge is settled with the provider first; UNAVAILABLE until
// that is done.
func (p Paying) Refund(ctx context.Context, orderID string) (*Payment, error) {
	if orderID == "" {
		return nil, fault.Invalid([]fault.Field{{Name: "order_id", Message: "is missing"}})
	}
	tombstone := &Payment{OrderID: orderID, State: Voided, CreateTime: p.Now()}
	pay, err := p.Payments.Get(ctx, orderID)
	if errors.Is(err, ErrNotFound) {
		err = p.Payments.Create(ctx, tombstone)
		if err == nil {
			return tombstone, nil
		}
		if errors.Is(err, ErrExists) {
			pay, err = p.Payments.Get(ctx, orderID)
		}
	}
	if err != nil {
		return nil, err
	}
	if pay.open() {
		if pay, err = p.callOff(ctx, pay); err != nil {
			return nil, err
		}
	}
	if pay.State == Charged {
		return p.giveBack(ctx, pay)
	}
	return pay, nil
}

// callOff settles an open charge: voided, unless the provider decided before.
func (p Paying) callOff(ctx context.Context, seen *Payment) (*Payment, error) {
	c, err := p.Provider.Void(ctx, seen.OrderID)
	if err != nil {
		return nil, unsettled(seen.OrderID, err)
	}
	undecided := fault.New(codes.Unavailable, "outcome_unknown", "order %s: the provider has not decided its open charge, try again", seen.OrderID)
	if c.Status == ChargePending {
		return nil, undecided
	}
	pay, err := p.Payments.Update(ctx, seen, func(pay *Payment) error {
		if pay.open() {
			pay.settle(c, p.Now(), false)
		}
		return nil
	})
	if err == nil && pay.open() { // the provider said something that ends nothing
		return nil, undecided
	}
	return pay, err
}

func (p Paying) giveBack(ctx context.Context, seen *Payment) (*Payment, error) {
	if seen.Refunded() != nil { // only of a confirmed order, which is never undone
		return nil, fault.New(codes.FailedPrecondition, "partly_refunded", "order %s: parts of its payment were given back by hand, it cannot be undone as a whole", seen.OrderID)
	}
	if !seen.free() {
		if err := p.Provider.Refund(ctx, seen.OrderID, seen.Amount); err != nil {
			return nil, unsettled(seen.OrderID, err)
		}
	}
	return p.Payments.Update(ctx, seen, func(pay *Payment) error {
		if pay.State == Charged {
			pay.refunded(p.Now())
		}
		return nil
	})
}

// Get is an order's payment.
func (p Paying) Get(ctx context.Context, orderID string) (*Payment, error) {
	return p.Payments.Get(ctx, orderID)
}
