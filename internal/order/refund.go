package order

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
)

// Refund is money of a confirmed order that goes back.
type Refund struct {
	ID        string
	Amount    *typev1.Money
	Requested time.Time
	Done      time.Time // zero while it is on its way
}

// Refunds are what operators gave back, in the order in which that was decided.
func (o *Order) Refunds() (all []Refund) {
	at := map[string]int{}
	for _, e := range o.Journal.Entries {
		switch e := e.Event.(type) {
		case *eventv1.OrderRefundRequested:
			at[e.GetRefundId()] = len(all)
			all = append(all, Refund{ID: e.GetRefundId(), Amount: e.GetAmount(), Requested: e.GetEventTime().AsTime()})
		case *eventv1.OrderRefunded:
			if i, ok := at[e.GetRefundId()]; ok {
				all[i].Done = e.GetEventTime().AsTime()
			}
		}
	}
	return all
}

// refund is the refund of an id; nil if there is none.
func (o *Order) refund(id string) *Refund {
	for _, r := range o.Refunds() {
		if r.ID == id {
			return &r
		}
	}
	return nil
}

// left is what can still be given back, in minor units.
func (o *Order) left() int64 {
	left := o.Total().GetMinorUnits()
	for _, r := range o.Refunds() {
		left -= r.Amount.GetMinorUnits()
	}
	return left
}

// maxRefunds bounds how often money of one order is given back: its journal is one document.
const maxRefunds = 100

// Refund decides that money of a confirmed order goes back, once per key: an amount, or all that is left if it is nil. That
// is decided here, in one write, against all that was decided before; its event has the money given back.
func (op Operating) Refund(ctx context.Context, id string, amount *typev1.Money, by Act) (*Order, error) {
	if err := by.validate(true); err != nil {
		return nil, err
	}
	return op.Orders.Update(ctx, id, func(o *Order) error {
		if done := o.refund(by.Key); done != nil {
			return sameRefund(id, *done, amount)
		}
		amount, err := o.refundable(amount)
		if err != nil {
			return err
		}
		o.Journal.Append(&eventv1.OrderRefundRequested{
			OrderId: id, Seq: o.Journal.Next(), EventTime: timestamppb.New(op.Now()), CustomerId: o.CustomerID(),
			RefundId: by.Key, Amount: amount, By: by.By, Note: by.Note,
		}, false)
		return nil
	})
}

// sameRefund refuses a key that was used for another amount. Whoever asked for all that is left cannot mean another.
func sameRefund(id string, done Refund, amount *typev1.Money) error {
	if amount == nil || amount.GetMinorUnits() == done.Amount.GetMinorUnits() && amount.GetCurrencyCode() == done.Amount.GetCurrencyCode() {
		return nil
	}
	return fault.New(codes.InvalidArgument, "idempotency_key_reused", "order %s: this Idempotency-Key was used for a refund of %s: use a new key for another refund",
		id, price(done.Amount.GetCurrencyCode(), done.Amount.GetMinorUnits()))
}

// refundable is the amount to give back, or why it cannot be.
func (o *Order) refundable(amount *typev1.Money) (*typev1.Money, error) {
	refuse := func(reason, format string, args ...any) (*typev1.Money, error) {
		return nil, fault.New(codes.FailedPrecondition, reason, "order "+o.ID+" "+format, args...)
	}
	status, _ := o.Status()
	left, currency := o.left(), o.Total().GetCurrencyCode()
	switch {
	case status != Confirmed:
		return refuse("not_confirmed", "is %s: only a confirmed order is refunded, another is cancelled, which gives back what it paid", status)
	case o.Total().GetMinorUnits() == 0:
		return refuse("free_order", "cost nothing: there is nothing to refund")
	case left == 0:
		return refuse("already_refunded", "has all of its money back")
	case len(o.Refunds()) >= maxRefunds:
		return refuse("too_many_refunds", "was refunded %d times: give back what is left, %s, outside", maxRefunds, price(currency, left))
	case amount == nil:
		return &typev1.Money{CurrencyCode: currency, MinorUnits: left}, nil
	case amount.GetCurrencyCode() != currency:
		return nil, fault.Invalid([]fault.Field{{Name: "amount.currency_code", Message: "must be " + currency + ", as the order's total"}})
	case amount.GetMinorUnits() < 1:
		return nil, fault.Invalid([]fault.Field{{Name: "amount.minor_units", Message: "must be at least 1"}})
	case amount.GetMinorUnits() > left:
		return refuse("refund_too_large", "has %s left of %s to give back: %s is too much",
			price(currency, left), price(currency, o.Total().GetMinorUnits()), price(currency, amount.GetMinorUnits()))
	}
	return amount, nil
}

// price writes an amount of a two-decimal currency for people.
func price(currency string, minorUnits int64) string {
	return fmt.Sprintf("%s %d.%02d", currency, minorUnits/100, minorUnits%100)
}

// Refunder gives money of an order back, once per refund id, however often it is asked.
type Refunder interface {
	RefundAmount(ctx context.Context, orderID, refundID string, amount *typev1.Money) error
}

// Refunding carries out refunds that were decided.
type Refunding struct {
	Orders   Store
	Refunder Refunder
	Now      func() time.Time
}

// Requested gives the money back and then says so in the order's journal. Whatever dies between, the event comes again: the
// money is given back once, since the refund's id is the provider's idempotency key too. It trusts the journal, not the
// event: what no journal asked for is not paid.
func (r Refunding) Requested(ctx context.Context, e *eventv1.OrderRefundRequested) error {
	o, err := r.Orders.Get(ctx, e.GetOrderId())
	if err != nil {
		return err
	}
	wanted := o.refund(e.GetRefundId())
	if wanted == nil {
		return fault.New(codes.NotFound, "unknown_refund", "order %s: nobody asked for refund %s", o.ID, e.GetRefundId())
	}
	if !wanted.Done.IsZero() {
		return nil
	}
	if err := r.Refunder.RefundAmount(ctx, o.ID, wanted.ID, wanted.Amount); err != nil {
		return err
	}
	_, err = r.Orders.Update(ctx, o.ID, func(o *Order) error {
		o.Journal.Witness(e.GetSeq())
		if done := o.refund(wanted.ID); done == nil || !done.Done.IsZero() {
			return nil
		}
		o.Journal.Append(&eventv1.OrderRefunded{
			OrderId: o.ID, Seq: o.Journal.Next(), EventTime: timestamppb.New(r.Now()), CustomerId: o.CustomerID(),
			RefundId: wanted.ID, Amount: wanted.Amount,
		}, false)
		return nil
	})
	return err
}
