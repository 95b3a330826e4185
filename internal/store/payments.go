package store

import (
	"context"
	"errors"
	"path"
	"slices"
	"time"

	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/payment"
)

// Payments is payment.Store: one document an order, payments/{order_id}.
type Payments struct {
	outbox
}

// NewPayments keeps payments in db. By now the sweep later finds what is unpublished.
func NewPayments(db Database, p Publisher, now func() time.Time) *Payments {
	return &Payments{outbox{db: db, publisher: p, collection: "payments", now: now}}
}

func paymentFields(p *payment.Payment) Fields {
	return Fields{
		"state": int64(p.State), "currency_code": p.Amount.GetCurrencyCode(), "minor_units": p.Amount.GetMinorUnits(),
		"method": p.Method, "charge_id": p.ChargeID,
	}
}

// Create implements payment.Store.
func (s *Payments) Create(ctx context.Context, p *payment.Payment) error {
	if !validID(p.OrderID) {
		return fault.Invalid([]fault.Field{{Name: "order_id", Message: "is none of ours"}})
	}
	fields := paymentFields(p)
	fields[fieldCreated], fields[fieldCreateShard] = p.CreateTime, shardOf(p.OrderID)
	at, err := s.commit(ctx, p.OrderID, fields, &p.Journal, time.Time{}, true)
	if errors.Is(err, ErrConflict) {
		return payment.ErrExists
	}
	p.Version = at
	return err
}

// Get implements payment.Store.
func (s *Payments) Get(ctx context.Context, orderID string) (*payment.Payment, error) {
	if !validID(orderID) {
		return nil, payment.ErrNotFound
	}
	documents, err := s.db.Get(ctx, "payments/"+orderID)
	if err != nil {
		return nil, err
	}
	if !documents[0].Exists() {
		return nil, payment.ErrNotFound
	}
	return readPayment(documents[0])
}

// Update implements payment.Store.
func (s *Payments) Update(ctx context.Context, seen *payment.Payment, change func(*payment.Payment) error) (*payment.Payment, error) {
	current := seen
	err := retry(ctx, func() (err error) {
		if current == nil {
			if current, err = s.Get(ctx, seen.OrderID); err != nil {
				return err
			}
		}
		next := *current
		next.Journal.Entries = slices.Clip(next.Journal.Entries)
		if err := change(&next); err != nil {
			return err
		}
		if next.State != current.State || len(next.Journal.Entries) != len(current.Journal.Entries) {
			next.Version, err = s.commit(ctx, next.OrderID, paymentFields(&next), &next.Journal, version(current.Version), true)
		}
		current = &next
		if err != nil {
			current = nil // as it is now is not known
		}
		return err
	})
	return current, err
}

func readPayment(d Document) (*payment.Payment, error) {
	j, err := journal.Unmarshal(d.bytes(fieldJournal), d.number(fieldPublished))
	if err != nil {
		return nil, corrupt(d, err)
	}
	p := &payment.Payment{
		OrderID: path.Base(d.Path), State: payment.State(d.number("state")), Method: d.text("method"),
		ChargeID: d.text("charge_id"), CreateTime: d.timestamp(fieldCreated), Journal: j, Version: d.UpdateTime,
	}
	if code := d.text("currency_code"); code != "" {
		p.Amount = &typev1.Money{CurrencyCode: code, MinorUnits: d.number("minor_units")}
	}
	return p, nil
}
