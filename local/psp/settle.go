package psp

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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
// unknown, final, voided, or of a method that is never settled.
func (l *Ledger) Settle(key string) (Event, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.charges[key]
	if !ok || c.Status != Pending {
		return Event{}, false
	}
	switch c.method {
	case MethodPending:
		c.Status = Approved
		l.move(MovementCharge, c)
		return l.event(EventApproved, c), true
	case MethodPendingDecline:
		c.Status = Declined
		return l.event(EventDeclined, c), true
	}
	return Event{}, false
}

func (l *Ledger) event(kind string, c *Charge) Event {
	return Event{
		ID: id("evt", kind, c.IdempotencyKey), Type: kind,
		IdempotencyKey: c.IdempotencyKey, ChargeID: c.ID,
		Amount: c.Amount, Currency: c.Currency, Time: l.now().UTC(),
	}
}

// Void makes sure that the key never charges. A key not seen yet is recorded as
// voided; a pending charge becomes voided; a final charge stays as it is, so an
// approved one is answered as approved and the caller has to refund it.
// Error: ErrInvalid for an empty key.
func (l *Ledger) Void(key string) (Charge, error) {
	if key == "" {
		return Charge{}, fmt.Errorf("%w: idempotency_key is empty", ErrInvalid)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.charges[key]
	if !ok {
		c = &Charge{ID: id("ch", key), IdempotencyKey: key, Status: Voided}
		l.charges[key] = c
		delete(l.attempts, key)
	}
	if c.Status == Pending {
		c.Status = Voided
	}
	return *c, nil
}

// Refund gives the whole amount of an approved charge back, once; the second
// call answers the same. Errors: ErrNotFound, ErrConflict (not approved),
// ErrInvalid (another amount than was charged).
func (l *Ledger) Refund(key string, amount int64) (Charge, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.charges[key]
	switch {
	case !ok:
		return Charge{}, fmt.Errorf("%w %s", ErrNotFound, key)
	case c.Status != Approved:
		return Charge{}, fmt.Errorf("%w: charge %s is %s, only an approved one can be refunded", ErrConflict, key, c.Status)
	case amount != c.Amount:
		return Charge{}, fmt.Errorf("%w: refund of %d, but %d was charged and only full refunds are possible", ErrInvalid, amount, c.Amount)
	case c.Refunded == 0:
		c.Refunded = amount
		l.move(MovementRefund, c)
	}
	return *c, nil
}

// id derives a stable identifier, so that the same history has the same ids.
func id(prefix string, parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return prefix + "_" + hex.EncodeToString(h.Sum(nil)[:12])
}
