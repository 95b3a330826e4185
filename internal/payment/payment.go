// Package payment is the money of orders: one payment an order, charged at most once and given back at most once,
// whatever is lost on the way to the provider.
package payment

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/journal"
)

// State is where a payment stands.
type State = typev1.PaymentState

// CHARGING is decided by the provider: CHARGED, DECLINED, or PENDING and then one of them. CHARGED may become
// REFUNDED, when its order is cancelled; what is given back of a confirmed order leaves it CHARGED. An open or missing
// payment may become VOIDED, a tombstone.
const (
	Charging = typev1.PaymentState_PAYMENT_STATE_CHARGING
	Pending  = typev1.PaymentState_PAYMENT_STATE_PENDING
	Charged  = typev1.PaymentState_PAYMENT_STATE_CHARGED
	Declined = typev1.PaymentState_PAYMENT_STATE_DECLINED
	Refunded = typev1.PaymentState_PAYMENT_STATE_REFUNDED
	Voided   = typev1.PaymentState_PAYMENT_STATE_VOIDED
)

// Payment is an order's payment.
type Payment struct {
	OrderID    string
	State      State
	Amount     *typev1.Money // nil on a tombstone
	Method     string
	ChargeID   string // the provider's
	CreateTime time.Time
	Journal    journal.Journal
	Version    any // the store's: as it was read or written
}

func (p *Payment) free() bool { return p.Amount.GetMinorUnits() == 0 }

func (p *Payment) open() bool { return p.State == Charging || p.State == Pending }

// settle takes the provider's word on an open payment. resume: no saga waits for it.
func (p *Payment) settle(c Charge, now time.Time, resume bool) {
	if c.ID != "" {
		p.ChargeID = c.ID
	}
	switch c.Status {
	case ChargePending:
		p.State = Pending
	case ChargeApproved:
		p.State = Charged
		p.Journal.Append(&eventv1.PaymentProcessed{
			OrderId: p.OrderID, Seq: p.Journal.Next(), EventTime: timestamppb.New(now), Amount: p.Amount, ProviderChargeId: p.ChargeID,
		}, resume)
	case ChargeDeclined:
		p.State = Declined
		p.fail("declined", now, resume)
	case ChargeVoided:
		p.State = Voided
		p.fail("voided", now, resume)
	}
}

func (p *Payment) fail(reason string, now time.Time, resume bool) {
	p.Journal.Append(&eventv1.PaymentFailed{
		OrderId: p.OrderID, Seq: p.Journal.Next(), EventTime: timestamppb.New(now), Amount: p.Amount, Reason: reason,
	}, resume)
}

func (p *Payment) refunded(now time.Time) {
	p.State = Refunded
	p.Journal.Append(&eventv1.PaymentRefunded{
		OrderId: p.OrderID, Seq: p.Journal.Next(), EventTime: timestamppb.New(now), Amount: p.Amount,
	}, false)
}

// refundedAmount is what was given back of a charge that stands, in minor units.
func (p *Payment) refundedAmount() (sum int64) {
	for _, e := range p.Journal.Entries {
		if r, ok := e.Event.(*eventv1.PaymentRefunded); ok && r.GetRefundId() != "" {
			sum += r.GetAmount().GetMinorUnits()
		}
	}
	return sum
}

// Refunded is what was given back of a charge that stands; nil if nothing was.
func (p *Payment) Refunded() *typev1.Money {
	if sum := p.refundedAmount(); sum > 0 {
		return &typev1.Money{CurrencyCode: p.Amount.GetCurrencyCode(), MinorUnits: sum}
	}
	return nil
}

// Store keeps payments. What is written to a journal is published before the call returns, or by the sweep.
type Store interface {
	// Create writes a new payment with no read before it; ErrExists if the order has one.
	Create(ctx context.Context, p *Payment) error
	// Get reads an order's payment; ErrNotFound if there is none.
	Get(ctx context.Context, orderID string) (*Payment, error)
	// Update changes a payment, first as the caller saw it, then, if another writer was there, as it is now: change may
	// run more than once. When it leaves the payment as it was, or fails, nothing is written.
	Update(ctx context.Context, seen *Payment, change func(*Payment) error) (*Payment, error)
}

// The store's refusals.
var (
	ErrNotFound = fault.New(codes.NotFound, "payment_not_found", "the order has no payment")
	ErrExists   = fault.New(codes.AlreadyExists, "payment_exists", "the order has a payment")
)

// Provider is who takes the money. Every call names the order as its idempotency key. An error leaves open what
// happened, unless its code says otherwise.
type Provider interface {
	// Charge takes money once per key, however often it is called.
	Charge(ctx context.Context, key string, amount *typev1.Money, method string) (Charge, error)
	// Find says what became of a key's charge; ErrUnknownCharge if the provider never heard of it.
	Find(ctx context.Context, key string) (Charge, error)
	// Void makes sure that the key never takes money, now or later. A charge that was approved before stays so.
	Void(ctx context.Context, key string) (Charge, error)
	// Refund gives all of an approved charge back, once.
	Refund(ctx context.Context, key string, amount *typev1.Money) error
	// RefundAmount gives a part of an approved charge back, or all of it, once per refundKey.
	RefundAmount(ctx context.Context, key, refundKey string, amount *typev1.Money) error
}

// Ledger is the provider's own book of the money that moved.
type Ledger interface {
	// Movements is a page of it, in its order; next is empty on the last page.
	Movements(ctx context.Context, w Window) (page []Movement, next string, err error)
}

// Window selects a part of a ledger.
type Window struct {
	Since, Until time.Time // what moved at or after Since and before Until; zero: no bound
	Size         int       // of a page
	After        string    // the page before this one's next; empty: the first
}

// Movement is money that moved, by the provider's ledger.
type Movement struct {
	ID      string // the provider's
	Type    string // charge or refund
	OrderID string // its idempotency key
	Amount  *typev1.Money
	Time    time.Time
}

// Charge is what the provider says of a charge.
type Charge struct {
	ID       string
	Status   ChargeStatus
	Amount   *typev1.Money // nil where the provider does not say
	Refunded int64         // of Amount, in its minor units
}

// ChargeStatus is where a charge stands at the provider.
type ChargeStatus string

// What a charge can be.
const (
	ChargeApproved ChargeStatus = "approved"
	ChargeDeclined ChargeStatus = "declined"
	ChargePending  ChargeStatus = "pending"
	ChargeVoided   ChargeStatus = "voided"
)

// ErrUnknownCharge says that the provider never heard of a charge.
var ErrUnknownCharge = fault.New(codes.NotFound, "unknown_charge", "the provider has no such charge")
