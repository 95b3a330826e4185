package payment

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
)

// RefundKey is the provider's idempotency key of a refund of an order.
func RefundKey(orderID, refundID string) string { return orderID + "/" + refundID }

// maxRefundID is how long a refund's id may be, in bytes.
const maxRefundID = 64

// RefundAmount gives back a part of a charge that stands, or all of it, once per refund id. The intent is in the order's
// journal before anybody calls here, and the provider knows the refund's key: whoever died between the provider's answer
// and the write here is made up for by the next call, to whom the provider says the same. Refusals are
// FAILED_PRECONDITION: not_charged, refund_too_large; UNAVAILABLE while the outcome is unknown.
func (p Paying) RefundAmount(ctx context.Context, orderID, refundID string, amount *typev1.Money) (*Payment, error) {
	if err := validRefund(orderID, refundID, amount); err != nil {
		return nil, err
	}
	seen, err := p.Payments.Get(ctx, orderID)
	if err != nil {
		return nil, err
	}
	if done, err := seen.refundDone(refundID, amount); done || err != nil {
		return seen, err
	}
	if err := seen.refundable(amount); err != nil {
		return nil, err
	}
	if err := p.Provider.RefundAmount(ctx, orderID, RefundKey(orderID, refundID), amount); err != nil {
		return nil, unsettledRefund(orderID, refundID, err)
	}
	return p.Payments.Update(ctx, seen, func(pay *Payment) error {
		if done, err := pay.refundDone(refundID, amount); done || err != nil {
			return err
		}
		pay.Journal.Append(&eventv1.PaymentRefunded{
			OrderId: orderID, Seq: pay.Journal.Next(), EventTime: timestamppb.New(p.Now()), Amount: amount, RefundId: refundID,
		}, false)
		return nil
	})
}

func validRefund(orderID, refundID string, amount *typev1.Money) error {
	var bad []fault.Field
	if orderID == "" {
		bad = append(bad, fault.Field{Name: "order_id", Message: "is missing"})
	}
	if refundID == "" || len(refundID) > maxRefundID {
		bad = append(bad, fault.Field{Name: "refund_id", Message: "must be 1 to 64 characters"})
	}
	if amount.GetMinorUnits() < 1 {
		bad = append(bad, fault.Field{Name: "amount", Message: "must be a currency and a positive number of minor units"})
	}
	return fault.Invalid(bad)
}

// refundDone says whether the provider has given a refund back already.
func (p *Payment) refundDone(refundID string, amount *typev1.Money) (bool, error) {
	for _, e := range p.Journal.Entries {
		r, ok := e.Event.(*eventv1.PaymentRefunded)
		if !ok || r.GetRefundId() != refundID {
			continue
		}
		if !proto.Equal(r.GetAmount(), amount) {
			return false, fault.New(codes.InvalidArgument, "idempotency_key_reused", "order %s: refund %s was of another amount", p.OrderID, refundID)
		}
		return true, nil
	}
	return false, nil
}

// refundable refuses more than is left of a charge. Two refunds at once may both pass it: the order has decided that there is
// enough for both, and the provider gives no more than it took.
func (p *Payment) refundable(amount *typev1.Money) error {
	switch left := p.Amount.GetMinorUnits() - p.refundedAmount(); {
	case p.State != Charged:
		return fault.New(codes.FailedPrecondition, "not_charged", "order %s: its payment is %s, only what is charged is refunded", p.OrderID, p.State)
	case amount.GetCurrencyCode() != p.Amount.GetCurrencyCode():
		return fault.New(codes.FailedPrecondition, "wrong_currency", "order %s was paid in %s, not in %s", p.OrderID, p.Amount.GetCurrencyCode(), amount.GetCurrencyCode())
	case amount.GetMinorUnits() > left:
		return fault.New(codes.FailedPrecondition, "refund_too_large", "order %s: %d are left of its payment, %d are too much", p.OrderID, left, amount.GetMinorUnits())
	}
	return nil
}

// unsettledRefund keeps the event coming while the provider has not said what became of a refund.
func unsettledRefund(orderID, refundID string, err error) error {
	if fault.Code(err) == codes.InvalidArgument {
		return err
	}
	return fault.Wrap(err, codes.Unavailable, "outcome_unknown", "order %s: the payment provider has not said what became of refund %s, try again", orderID, refundID)
}
