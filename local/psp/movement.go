package psp

import (
	"slices"
	"time"
)

// Kinds of movements.
const (
	MovementCharge = "charge"
	MovementRefund = "refund"
)

// Movement is one line of the ledger: money that really moved. Seq counts from
// 1 without gaps; Amount is in minor units and never negative.
type Movement struct {
	Seq            int       `json:"seq"`
	Time           time.Time `json:"time"`
	Type           string    `json:"type"`
	IdempotencyKey string    `json:"idempotency_key"`
	RefundKey      string    `json:"refund_key,omitempty"` // of a refund by amount
	Amount         int64     `json:"amount"`
	Currency       string    `json:"currency"`
}

// Totals sums movements, in minor units.
type Totals struct {
	Charged  int64 `json:"charged"`
	Refunded int64 `json:"refunded"`
	Net      int64 `json:"net"`
	// Charges counts the charges, DoubleCharges those beyond the first of a key.
	Charges       int `json:"charges"`
	DoubleCharges int `json:"double_charges"`
}

// Summary is the whole ledger in numbers. With several currencies the totals
// add unlike units, which only says whether they are zero; ByCurrency has each
// on its own and is absent when there is just one.
type Summary struct {
	Totals
	ByCurrency map[string]Totals `json:"by_currency,omitempty"`
}

// movement is the next one; the caller holds the lock.
func (l *Ledger) movement(kind string, c *Charge) *Movement {
	return &Movement{
		Seq: len(l.movements) + 1, Time: l.now().UTC(), Type: kind,
		IdempotencyKey: c.IdempotencyKey, Amount: c.Amount, Currency: c.Currency,
	}
}

// Movements returns every movement in order.
func (l *Ledger) Movements() []Movement {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.movements)
}

// Summary adds up the movements. It looks at nothing else, so that it is
// evidence about the ledger and not a repetition of what the ledger believes.
func (l *Ledger) Summary() Summary {
	s := Summary{ByCurrency: map[string]Totals{}}
	charged := map[string]bool{}
	for _, m := range l.Movements() {
		again := m.Type == MovementCharge && charged[m.IdempotencyKey]
		charged[m.IdempotencyKey] = true
		t := s.ByCurrency[m.Currency]
		t.add(m, again)
		s.ByCurrency[m.Currency] = t
		s.add(m, again)
	}
	if len(s.ByCurrency) < 2 {
		s.ByCurrency = nil
	}
	return s
}

func (t *Totals) add(m Movement, again bool) {
	switch m.Type {
	case MovementCharge:
		t.Charged += m.Amount
		t.Charges++
	case MovementRefund:
		t.Refunded += m.Amount
	}
	if again {
		t.DoubleCharges++
	}
	t.Net = t.Charged - t.Refunded
}
