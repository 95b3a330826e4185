package psp

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Event tells the shop how a pending charge ended. Amount is in minor units.
type Event struct {
	ID             string    `json:"id"`
	Type           string    `json:"type"`
	IdempotencyKey string    `json:"idempotency_key"`
	ChargeID       string    `json:"charge_id"`
	Amount         int64     `json:"amount"`
	Currency       string    `json:"currency"`
	Time           time.Time `json:"time"`
}

// Types of events.
const (
	EventApproved = "charge.approved"
	EventDeclined = "charge.declined"
)

// Settle ends a pending charge the way its payment method says and returns the
// event to send. It reports false when there is nothing to tell: the charge is
// unknown, final, voided, of a method that is never settled, or it could not be
// kept.
func (l *Ledger) Settle(key string) (Event, bool) {
	var e *Event
	_, err := l.decide(func() (Charge, error) {
		e = l.settle(key)
		return Charge{}, nil
	})
	if e == nil || err != nil {
		return Event{}, false
	}
	return *e, true
}

func (l *Ledger) settle(key string) *Event {
	before, ok := l.charges[key]
	if !ok || before.Status != Pending {
		return nil
	}
	c, done := *before, change{}
	switch c.method {
	case MethodPending:
		c.Status = Approved
		done = change{Charge: &c, Movement: l.movement(MovementCharge, &c), Owed: l.event(EventApproved, &c)}
	case MethodPendingDecline:
		c.Status = Declined
		done = change{Charge: &c, Owed: l.event(EventDeclined, &c)}
	default:
		return nil
	}
	l.write(done)
	return done.Owed
}

func (l *Ledger) event(kind string, c *Charge) *Event {
	return &Event{
		ID: id("evt", kind, c.IdempotencyKey), Type: kind,
		IdempotencyKey: c.IdempotencyKey, ChargeID: c.ID,
		Amount: c.Amount, Currency: c.Currency, Time: l.now().UTC(),
	}
}

// told forgets an event that need not be sent any more.
func (l *Ledger) told(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write(change{Told: e.ID})
}

// unfinished are the keys of charges that are to be settled, and the events that
// are to be sent.
func (l *Ledger) unfinished() (pending []string, owed []Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, c := range l.charges {
		if c.Status == Pending {
			pending = append(pending, key)
		}
	}
	return pending, slices.Collect(maps.Values(l.owed))
}

// Void makes sure that the key never charges. A key not seen yet is recorded as
// voided; a pending charge becomes voided; a final charge stays as it is, so an
// approved one is answered as approved and the caller has to refund it.
// Error: ErrInvalid for an empty key.
func (l *Ledger) Void(key string) (Charge, error) {
	if key == "" {
		return Charge{}, fmt.Errorf("%w: idempotency_key is empty", ErrInvalid)
	}
	return l.decide(func() (Charge, error) {
		c := Charge{ID: id("ch", key), IdempotencyKey: key, Status: Pending}
		if before, ok := l.charges[key]; ok {
			c = *before
		}
		if c.Status == Pending {
			c.Status = Voided
			l.write(change{Charge: &c})
		}
		return c, nil
	})
}

// Refund gives the whole amount of an approved charge back, once; the second
// call answers the same. Errors: ErrNotFound, ErrConflict (not approved),
// ErrInvalid (another amount than was charged).
func (l *Ledger) Refund(key string, amount int64) (Charge, error) {
	return l.decide(func() (Charge, error) {
		before, ok := l.charges[key]
		switch {
		case !ok:
			return Charge{}, fmt.Errorf("%w %s", ErrNotFound, key)
		case before.Status != Approved:
			return Charge{}, fmt.Errorf("%w: charge %s is %s, only an approved one can be refunded", ErrConflict, key, before.Status)
		case len(before.Refunds) > 0:
			return Charge{}, fmt.Errorf("%w: parts of charge %s were refunded, the whole cannot be any more", ErrConflict, key)
		case amount != before.Amount:
			return Charge{}, fmt.Errorf("%w: refund of %d, but %d was charged: a part is refunded under a key of its own",
				ErrInvalid, amount, before.Amount)
		}
		c := *before
		if c.Refunded == 0 {
			c.Refunded = amount
			l.write(change{Charge: &c, Movement: l.movement(MovementRefund, &c)})
		}
		return c, nil
	})
}

// RefundAmount gives a part of an approved charge back, or all of it, once per
// refund key; the second call answers the same. Errors: ErrNotFound, ErrConflict
// (not approved, more than is left, or the key was used for another amount),
// ErrInvalid.
func (l *Ledger) RefundAmount(key, refundKey string, amount int64, currency string) (Charge, error) {
	if refundKey == "" || amount <= 0 {
		return Charge{}, fmt.Errorf("%w: a refund has an idempotency_key and a positive amount", ErrInvalid)
	}
	return l.decide(func() (Charge, error) {
		before, ok := l.charges[key]
		if !ok {
			return Charge{}, fmt.Errorf("%w %s", ErrNotFound, key)
		}
		done, again := before.Refunds[refundKey]
		switch {
		case before.Status != Approved:
			return Charge{}, fmt.Errorf("%w: charge %s is %s, only an approved one can be refunded", ErrConflict, key, before.Status)
		case currency != before.Currency:
			return Charge{}, fmt.Errorf("%w: charge %s is in %s", ErrInvalid, key, before.Currency)
		case again && done != amount:
			return Charge{}, fmt.Errorf("%w: refund key %s was used for %d", ErrConflict, refundKey, done)
		case again:
			return *before, nil
		case amount > before.Amount-before.Refunded:
			return Charge{}, fmt.Errorf("%w: refund of %d, but %d are left of charge %s", ErrConflict, amount, before.Amount-before.Refunded, key)
		}
		c := *before
		c.Refunds = maps.Clone(before.Refunds)
		if c.Refunds == nil {
			c.Refunds = map[string]int64{}
		}
		c.Refunds[refundKey] = amount
		c.Refunded += amount
		m := l.movement(MovementRefund, &c)
		m.Amount, m.RefundKey = amount, refundKey
		l.write(change{Charge: &c, Movement: m})
		return c, nil
	})
}

// id derives a stable identifier, so that the same history has the same ids.
func id(prefix string, parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return prefix + "_" + hex.EncodeToString(h.Sum(nil)[:12])
}
