package payment

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
)

// Hearing takes what the provider says later, by webhook.
type Hearing struct {
	Payments Store
	Now      func() time.Time
}

// Outcome is the provider's word on a charge.
type Outcome struct {
	OrderID string
	Charge  Charge
}

// Hear settles an open payment. No saga waits for it, so its event starts one; that is true even when the webhook
// overtakes the answer of the charge itself, since whoever waits for that may have died. Hearing it again changes
// nothing.
func (h Hearing) Hear(ctx context.Context, o Outcome) error {
	if o.Charge.Status != ChargeApproved && o.Charge.Status != ChargeDeclined {
		return fault.New(codes.InvalidArgument, "unknown_outcome", "order %s: %q is no outcome of a charge", o.OrderID, o.Charge.Status)
	}
	seen, err := h.Payments.Get(ctx, o.OrderID)
	if err != nil {
		return err
	}
	_, err = h.Payments.Update(ctx, seen, func(p *Payment) error {
		if p.open() {
			p.settle(o.Charge, h.Now(), true)
			return nil
		}
		return h.agrees(p, o)
	})
	return err
}

// agrees refuses an outcome that contradicts what the provider said before: a person must look.
func (h Hearing) agrees(p *Payment, o Outcome) error {
	approved := p.State == Charged || p.State == Refunded
	if approved == (o.Charge.Status == ChargeApproved) {
		return nil
	}
	return fault.New(codes.DataLoss, "contradiction", "order %s: the provider says %s of a payment that is %s", o.OrderID, o.Charge.Status, p.State)
}
