package psp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"orderflow.dev/local/wal"
)

// Errors of the ledger. The first three are how a provider is in trouble, the
// others are refusals; all are wrapped with the key they concern.
var (
	// ErrNoAnswer means the caller never hears what became of the request.
	ErrNoAnswer = errors.New("no answer")
	// ErrUnavailable means nothing was done and the caller may try again.
	ErrUnavailable = errors.New("provider unavailable")
	// ErrConflict means the request contradicts what the key stands for.
	ErrConflict = errors.New("conflict")
	// ErrNotFound means the provider never heard of the key.
	ErrNotFound = errors.New("unknown charge")
	// ErrInvalid means the request can never succeed as it is.
	ErrInvalid = errors.New("invalid request")
	// ErrMethod means that the payment method is not taken: a decline, where
	// ErrInvalid is a fault of the program that asks.
	ErrMethod = errors.New("unknown payment method")
)

// ChargeRequest asks for money. Amount is in minor units of Currency.
type ChargeRequest struct {
	IdempotencyKey string `json:"idempotency_key"`
	Amount         int64  `json:"amount"`
	Currency       string `json:"currency"`
	PaymentMethod  string `json:"payment_method"`
}

// Charge is what became of one idempotency key. Amounts are in minor units.
// A key voided before it was ever charged has no amount and no currency.
type Charge struct {
	ID             string `json:"id"`
	IdempotencyKey string `json:"idempotency_key"`
	Status         Status `json:"status"`
	Amount         int64  `json:"amount"`
	Currency       string `json:"currency"`
	Refunded       int64  `json:"refunded"`
	// Refunds are its refunds by amount, by their idempotency keys; none of one as a whole.
	Refunds map[string]int64 `json:"refunds,omitempty"`

	method string
}

// LedgerOptions configures a Ledger.
type LedgerOptions struct {
	// Now is the provider's clock, safe for concurrent use; time.Now if nil.
	Now func() time.Time
	// Log keeps the ledger across restarts: it is there after the log's Recover.
	// Memory only if nil.
	Log *wal.Log
}

// Ledger is the provider without its network: it decides every charge and
// records every movement of money. Safe for concurrent use. If it has a log, it
// answers what is on the disk only.
type Ledger struct {
	now    func() time.Time
	stream *wal.Stream

	mu        sync.Mutex
	charges   map[string]*Charge // by key; never changed in place
	attempts  map[string]int     // requests so far of the methods that fail at first
	movements []Movement
	owed      map[string]Event // by id: the shop was not told yet
	last      wal.Position     // of the last change
}

// NewLedger returns an empty ledger.
func NewLedger(o LedgerOptions) *Ledger {
	if o.Now == nil {
		o.Now = time.Now
	}
	l := &Ledger{now: o.Now, charges: map[string]*Charge{}, attempts: map[string]int{}, owed: map[string]Event{}}
	l.stream = o.Log.Attach("psp", (*part)(l))
	return l
}

// Charge takes the money once per idempotency key, however often it is called.
// Errors: ErrNoAnswer (the caller must not learn the outcome), ErrUnavailable,
// ErrConflict (the key was used for another amount), ErrInvalid, ErrMethod.
func (l *Ledger) Charge(r ChargeRequest) (Charge, error) {
	if err := r.validate(); err != nil {
		return Charge{}, err
	}
	return l.decide(func() (Charge, error) {
		if c, ok := l.charges[r.IdempotencyKey]; ok {
			return c.replay(r)
		}
		return l.first(r)
	})
}

// decide does something under the lock and answers once everything that the
// answer rests on is kept.
func (l *Ledger) decide(do func() (Charge, error)) (Charge, error) {
	c, at, err := func() (Charge, wal.Position, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		c, err := do()
		return c, l.last, err
	}()
	if lost := l.stream.Wait(context.Background(), at); lost != nil {
		return Charge{}, fmt.Errorf("%w: %w", ErrNoAnswer, lost)
	}
	return c, err
}

func (r ChargeRequest) validate() error {
	switch {
	case r.IdempotencyKey == "":
		return fmt.Errorf("%w: idempotency_key is empty", ErrInvalid)
	case r.Amount <= 0:
		return fmt.Errorf("%w: amount must be positive, in minor units", ErrInvalid)
	case len(r.Currency) != 3:
		return fmt.Errorf("%w: currency must be a three-letter code", ErrInvalid)
	}
	return nil
}

// replay answers a key that is known. A voided key has no terms to contradict.
func (c *Charge) replay(r ChargeRequest) (Charge, error) {
	if c.Status != Voided && (c.Amount != r.Amount || c.Currency != r.Currency) {
		return Charge{}, fmt.Errorf("%w: key %s was used for %d %s", ErrConflict, c.IdempotencyKey, c.Amount, c.Currency)
	}
	return *c, nil
}

// first handles a key without a charge, which includes earlier requests that
// failed before they recorded one.
func (l *Ledger) first(r ChargeRequest) (Charge, error) {
	switch r.PaymentMethod {
	case MethodApprove:
		return *l.record(r, Approved), nil
	case MethodDecline:
		return *l.record(r, Declined), nil
	case MethodPending, MethodPendingDecline, MethodNever:
		return *l.record(r, Pending), nil
	case MethodTimeoutCharged:
		c := l.record(r, Approved)
		return Charge{}, fmt.Errorf("%w for key %s", ErrNoAnswer, c.IdempotencyKey)
	case MethodTimeoutNotCharged:
		return l.failFirst(r, 1, ErrNoAnswer)
	case MethodFlaky:
		return l.failFirst(r, flakyFailures, ErrUnavailable)
	}
	return Charge{}, fmt.Errorf("%w %q", ErrMethod, r.PaymentMethod)
}

// failFirst fails the first n requests of a key and approves the next.
func (l *Ledger) failFirst(r ChargeRequest, n int, failure error) (Charge, error) {
	if made := l.attempts[r.IdempotencyKey]; made < n {
		l.write(change{Attempt: &attempt{r.IdempotencyKey, made + 1}})
		return Charge{}, fmt.Errorf("%w for key %s", failure, r.IdempotencyKey)
	}
	return *l.record(r, Approved), nil
}

func (l *Ledger) record(r ChargeRequest, s Status) *Charge {
	c := &Charge{
		ID: id("ch", r.IdempotencyKey), IdempotencyKey: r.IdempotencyKey,
		Status: s, Amount: r.Amount, Currency: r.Currency, method: r.PaymentMethod,
	}
	if s == Approved {
		l.write(change{Charge: c, Movement: l.movement(MovementCharge, c)})
	} else {
		l.write(change{Charge: c})
	}
	return c
}

// Get returns the charge of a key, or ErrNotFound.
func (l *Ledger) Get(key string) (Charge, error) {
	return l.decide(func() (Charge, error) {
		c, ok := l.charges[key]
		if !ok {
			return Charge{}, fmt.Errorf("%w %s", ErrNotFound, key)
		}
		return *c, nil
	})
}
