package payment

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
)

// Claim is what is known of an order's payment elsewhere than with the provider.
type Claim struct {
	OrderID  string
	Amount   *typev1.Money // nil where the order is lost: the provider's word is all there is
	Method   string        // as Amount
	Declined bool          // the order was cancelled as declined: where the provider kept no charge, that stands
}

// Adopt brings an order's payment up to what the provider knows of it, after payments were restored to a time before it
// happened. No money is taken or given back, and a journal only grows. ErrNotFound says that there is no payment, and that
// the provider knows of none. DATA_LOSS says that the payment and the provider contradict each other: a person must look.
func (p Paying) Adopt(ctx context.Context, claim Claim) (*Payment, error) {
	if claim.OrderID == "" {
		return nil, fault.Invalid([]fault.Field{{Name: "order_id", Message: "is missing"}})
	}
	pay, err := p.Payments.Get(ctx, claim.OrderID)
	missing := errors.Is(err, ErrNotFound)
	if err != nil && !missing {
		return nil, err
	}
	c, err := p.word(ctx, claim)
	switch {
	case errors.Is(err, ErrUnknownCharge) && missing:
		return nil, ErrNotFound
	case errors.Is(err, ErrUnknownCharge):
		return pay, pay.agrees(Charge{})
	case err != nil:
		return nil, err
	case missing:
		return p.adoptNew(ctx, claim, c)
	}
	return p.Payments.Update(ctx, pay, func(pay *Payment) error { return pay.adopt(claim, c, p.Now()) })
}

// word is what the provider says of an order's charge, and the claim where there is nothing that it could know.
func (p Paying) word(ctx context.Context, claim Claim) (Charge, error) {
	free := claim.Amount != nil && claim.Amount.GetMinorUnits() == 0
	if free && !claim.Declined {
		return Charge{Status: ChargeApproved}, nil
	}
	c, err := Charge{}, error(ErrUnknownCharge)
	if !free {
		c, err = p.Provider.Find(ctx, claim.OrderID)
	}
	if errors.Is(err, ErrUnknownCharge) && claim.Declined {
		return Charge{Status: ChargeDeclined}, nil
	}
	if err == nil && claim.Declined && c.Status != ChargeDeclined {
		return c, contradiction(claim.OrderID, "was cancelled as declined", c)
	}
	return c, err
}

func (p Paying) adoptNew(ctx context.Context, claim Claim, c Charge) (*Payment, error) {
	now := p.Now()
	pay := &Payment{OrderID: claim.OrderID, State: Voided, CreateTime: now}
	if err := pay.adopt(claim, c, now); err != nil {
		return nil, err
	}
	return pay, p.Payments.Create(ctx, pay)
}

// adopt takes the provider's word as far as this payment's own journal lets it.
func (p *Payment) adopt(claim Claim, c Charge, now time.Time) error {
	if p.Amount != nil && c.Amount != nil && !proto.Equal(p.Amount, c.Amount) {
		return contradiction(p.OrderID, "has a payment of another amount", c)
	}
	tombstone := p.State == Voided && len(p.Journal.Entries) == 0 // nobody had asked for money, as far as was known
	if tombstone && c.Status != ChargeVoided {
		p.Amount, p.Method, p.State = claim.amount(c), claim.Method, Charging
	}
	if p.open() {
		p.settle(c, now, false)
	}
	if p.State == Charged && p.returned(c) {
		p.refunded(now)
	}
	return p.agrees(c)
}

func (c Claim) amount(said Charge) *typev1.Money {
	if c.Amount != nil {
		return c.Amount
	}
	return said.Amount
}

// agrees refuses a word of the provider that this payment's state cannot be true beside. The zero Charge is one that the
// provider does not know.
func (p *Payment) agrees(c Charge) error {
	approved := c.Status == ChargeApproved
	returned := p.returned(c)
	agree := map[State]bool{
		Charging: !approved, Pending: !approved, Declined: !approved, Voided: !approved,
		Charged: approved && !returned || p.free(), Refunded: approved && returned || p.free(),
	}
	if agree[p.State] {
		return nil
	}
	return contradiction(p.OrderID, "has a payment that is "+p.State.String(), c)
}

// returned says that the provider gave the whole charge back, because its order was cancelled. Parts that add up to it are of
// a confirmed order, whose payment stays charged.
func (p *Payment) returned(c Charge) bool {
	return c.Amount != nil && c.Refunded == c.Amount.GetMinorUnits() && p.refundedAmount() == 0
}

func contradiction(orderID, ours string, c Charge) error {
	said := "does not know its charge"
	if c.Status != "" {
		said = "says " + string(c.Status)
	}
	return fault.New(codes.DataLoss, "contradiction", "order %s %s, and the provider %s: a person must look", orderID, ours, said)
}
