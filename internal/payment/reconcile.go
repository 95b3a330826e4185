package payment

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
)

// Reconciling holds payments against the provider's own ledger, over a window of time. It holds a page of each at a time,
// and sixteen bytes of each charge.
type Reconciling struct {
	Payments Books
	Ledger   Ledger
	Charges  Finder
}

// Books are the payments as they are read to be compared.
type Books interface {
	// GetAll reads the payments of orders; what is not there is missing in the answer.
	GetAll(ctx context.Context, orderIDs []string) (map[string]*Payment, error)
	// Created calls each with every payment that was asked for at or after since and before until.
	Created(ctx context.Context, since, until time.Time, each func(*Payment) error) error
}

// Finder asks the provider for one charge; ErrUnknownCharge if it never heard of it.
type Finder interface {
	Find(ctx context.Context, orderID string) (Charge, error)
}

// Difference is one thing that the provider and a payment do not agree about.
type Difference struct {
	OrderID          string
	What             string
	Ledger, Payment  int64 // in minor units, by either
	LedgerCurrency   string
	PaymentsCurrency string
}

// Reconciled is what was compared.
type Reconciled struct {
	Movements, Payments, Differences int
}

// ledgerPage is how many movements are compared at once.
const ledgerPage = 500

// reconciliation is one run.
type reconciliation struct {
	Reconciling
	until time.Time
	tell  func(Difference) error
	done  Reconciled

	seed    maphash.Seed
	charged map[uint64]struct{} // hashes of the orders whose charge moved
	given   map[string]int64    // what was given back, by order
}

// Reconcile compares every movement of a window with its payment, and every payment of it with the provider, and tells of
// each difference. What happened at or after until is on its way: it is left to the next run.
func (r Reconciling) Reconcile(ctx context.Context, since, until time.Time, tell func(Difference) error) (Reconciled, error) {
	run := &reconciliation{
		Reconciling: r, until: until, tell: tell, seed: maphash.MakeSeed(), charged: map[uint64]struct{}{}, given: map[string]int64{},
	}
	for w := (Window{Since: since, Until: until, Size: ledgerPage}); ; {
		page, next, err := r.Ledger.Movements(ctx, w)
		if err != nil {
			return run.done, fmt.Errorf("read the provider's ledger since %s: %w", since.Format(time.RFC3339), err)
		}
		if err := run.page(ctx, page); err != nil {
			return run.done, err
		}
		if next == "" {
			break
		}
		w.After = next
	}
	err := r.Payments.Created(ctx, since, until, func(p *Payment) error { return run.payment(ctx, p) })
	return run.done, err
}

func (r *reconciliation) page(ctx context.Context, page []Movement) error {
	ids := make([]string, len(page))
	for i, m := range page {
		ids[i] = m.OrderID
	}
	payments, err := r.Payments.GetAll(ctx, ids)
	if err != nil {
		return fmt.Errorf("read the payments of %d movements: %w", len(page), err)
	}
	for _, m := range page {
		r.done.Movements++
		if err := r.movement(m, payments[m.OrderID]); err != nil {
			return err
		}
	}
	return nil
}

// movement compares one movement with its payment, nil if there is none.
func (r *reconciliation) movement(m Movement, p *Payment) error {
	booked := p.booked()
	d := Difference{OrderID: m.OrderID, Ledger: m.Amount.GetMinorUnits(), LedgerCurrency: m.Amount.GetCurrencyCode(), PaymentsCurrency: booked.currency}
	switch m.Type {
	case "charge":
		key := maphash.String(r.seed, m.OrderID)
		_, again := r.charged[key]
		r.charged[key] = struct{}{}
		d.Payment = booked.charged
		if again {
			return r.differ(d, "the provider took its money more than once")
		}
		d.What = fmt.Sprintf("the provider took its money, and the payment is %s", p.standing())
	case "refund":
		r.given[m.OrderID] += d.Ledger
		d.Ledger, d.Payment = r.given[m.OrderID], booked.refunded
		if d.Ledger <= d.Payment && d.LedgerCurrency == d.PaymentsCurrency {
			return nil // what else was given back may be in another window
		}
		d.What = fmt.Sprintf("the provider gave money back, and the payment is %s", p.standing())
	default:
		return r.differ(d, fmt.Sprintf("the ledger has a %q", m.Type))
	}
	if d.Ledger == d.Payment && d.LedgerCurrency == d.PaymentsCurrency {
		return nil
	}
	return r.differ(d, d.What)
}

// payment compares a payment that says that money moved, with the provider where the window's ledger did not say so.
func (r *reconciliation) payment(ctx context.Context, p *Payment) error {
	r.done.Payments++
	booked := p.booked()
	_, moved := r.charged[maphash.String(r.seed, p.OrderID)]
	if booked.charged == 0 || moved && booked.refunded == 0 || p.onItsWay(r.until) {
		return nil
	}
	c, err := r.Charges.Find(ctx, p.OrderID)
	if err != nil && !errors.Is(err, ErrUnknownCharge) {
		return fmt.Errorf("order %s: compare its payment with the provider: %w", p.OrderID, err)
	}
	d := Difference{OrderID: p.OrderID, Payment: booked.charged, PaymentsCurrency: booked.currency}
	if c.Status == ChargeApproved {
		d.Ledger, d.LedgerCurrency = c.Amount.GetMinorUnits(), c.Amount.GetCurrencyCode()
	}
	if d.Ledger != d.Payment || d.LedgerCurrency != d.PaymentsCurrency {
		return r.differ(d, fmt.Sprintf("the payment is %s, and the provider did not take so much", p.standing()))
	}
	if d.Ledger, d.Payment = c.Refunded, booked.refunded; d.Ledger != d.Payment {
		return r.differ(d, fmt.Sprintf("the payment is %s, and the provider gave back another amount", p.standing()))
	}
	return nil
}

func (r *reconciliation) differ(d Difference, what string) error {
	d.What = what
	r.done.Differences++
	return r.tell(d)
}

// booked is what a payment's journal says that moved, in minor units.
type booked struct {
	charged, refunded int64
	currency          string
}

func (p *Payment) booked() (b booked) {
	if p == nil {
		return b
	}
	add := func(sum *int64, m *typev1.Money) {
		*sum += m.GetMinorUnits()
		b.currency = m.GetCurrencyCode()
	}
	for _, e := range p.Journal.Entries {
		switch e := e.Event.(type) {
		case *eventv1.PaymentProcessed:
			add(&b.charged, e.GetAmount())
		case *eventv1.PaymentRefunded:
			add(&b.refunded, e.GetAmount())
		}
	}
	return b
}

// onItsWay says that something happened to a payment at or after a moment.
func (p *Payment) onItsWay(at time.Time) bool {
	n := len(p.Journal.Entries)
	return n > 0 && !p.Journal.Entries[n-1].Event.GetEventTime().AsTime().Before(at)
}

// standing is a payment's state in words.
func (p *Payment) standing() string {
	if p == nil {
		return "missing"
	}
	return typev1.PaymentState_name[int32(p.State)][len("PAYMENT_STATE_"):]
}
