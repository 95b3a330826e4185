package payment

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"

	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
)

// Paying charges and refunds.
type Paying struct {
	Payments Store
	Provider Provider
	Now      func() time.Time
}

// Charge takes an order's money at most once. The intent is written before the provider is asked, so that whoever comes
// later, a retry or a refund, knows that there may be a charge. Refusals are FAILED_PRECONDITION: declined, or cancelled
// if the payment was voided or refunded; UNAVAILABLE while the outcome is unknown.
func (p Paying) Charge(ctx context.Context, orderID string, amount *typev1.Money, method string) (*Payment, error) {
	if err := validCharge(orderID, amount, method); err != nil {
		return nil, err
	}
	intent := &Payment{OrderID: orderID, State: Charging, Amount: amount, Method: method, CreateTime: p.Now()}
	err := p.Payments.Create(ctx, intent)
	if errors.Is(err, ErrExists) {
		return p.chargeAgain(ctx, orderID)
	}
	if err != nil {
		return nil, err
	}
	charge, err := p.take(ctx, intent)
	return p.record(ctx, intent, charge, err)
}

// take has the provider charge a payment. Where nothing is to be taken, providers are not asked: they refuse.
func (p Paying) take(ctx context.Context, pay *Payment) (Charge, error) {
	if pay.free() {
		return Charge{Status: ChargeApproved}, nil
	}
	return p.Provider.Charge(ctx, pay.OrderID, pay.Amount, pay.Method)
}

func validCharge(orderID string, amount *typev1.Money, method string) error {
	var bad []fault.Field
	if orderID == "" {
		bad = append(bad, fault.Field{Name: "order_id", Message: "is missing"})
	}
	if amount.GetMinorUnits() < 0 || len(amount.GetCurrencyCode()) != 3 {
		bad = append(bad, fault.Field{Name: "amount", Message: "must be a currency and a number of minor units that is not negative"})
	}
	if method == "" {
		bad = append(bad, fault.Field{Name: "payment_method", Message: "is missing"})
	}
	return fault.Invalid(bad)
}

// chargeAgain answers a payment that exists. One that is open is asked for first, since a webhook can be lost too: only
// what the provider never heard of is sent again, with the same key.
func (p Paying) chargeAgain(ctx context.Context, orderID string) (*Payment, error) {
	pay, err := p.Payments.Get(ctx, orderID)
	if err != nil {
		return nil, err
	}
	if !pay.open() {
		return verdict(pay)
	}
	charge, err := p.Provider.Find(ctx, orderID)
	if errors.Is(err, ErrUnknownCharge) {
		charge, err = p.take(ctx, pay)
	}
	return p.record(ctx, pay, charge, err)
}

// record writes what the provider said, unless somebody else settled the payment meanwhile.
func (p Paying) record(ctx context.Context, seen *Payment, c Charge, err error) (*Payment, error) {
	if err != nil {
		return nil, unsettled(seen.OrderID, err)
	}
	pay, err := p.Payments.Update(ctx, seen, func(pay *Payment) error {
		if pay.open() {
			pay.settle(c, p.Now(), false)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return verdict(pay)
}

// unsettled keeps a caller trying: only the provider's word ends a payment. A provider that finds fault with the
// request itself will not change its mind, which is trouble for people, not a reason to cancel.
func unsettled(orderID string, err error) error {
	if fault.Code(err) == codes.InvalidArgument {
		return err
	}
	return fault.Wrap(err, codes.Unavailable, "outcome_unknown", "order %s: the payment provider has not said what became of the charge, try again", orderID)
}

func verdict(pay *Payment) (*Payment, error) {
	switch pay.State {
	case Charged, Pending:
		return pay, nil
	case Declined:
		return nil, fault.New(codes.FailedPrecondition, "declined", "order %s: the payment was declined", pay.OrderID)
	case Voided, Refunded:
		return nil, fault.New(codes.FailedPrecondition, "cancelled", "order %s: the payment was called off", pay.OrderID)
	}
	return nil, fault.New(codes.Unavailable, "outcome_unknown", "order %s: the charge is still open, try again", pay.OrderID)
}
