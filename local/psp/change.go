package psp

import (
	"encoding/json"
	"fmt"
)

// change is a change of the ledger: what is in it happened together. It tells
// what is from now on, so that to apply it again, in order, changes nothing.
type change struct {
	Charge   *Charge   `json:"charge,omitempty"`
	Method   string    `json:"method,omitempty"` // the charge's
	Movement *Movement `json:"movement,omitempty"`
	Attempt  *attempt  `json:"attempt,omitempty"`
	Owed     *Event    `json:"owed,omitempty"` // to be sent
	Told     string    `json:"told,omitempty"` // id of an event: sent, or given up
}

// attempt is how many requests of a key failed.
type attempt struct {
	Key   string `json:"key"`
	Count int    `json:"count"`
}

// write makes a change and puts it in the log; the caller holds the lock.
func (l *Ledger) write(c change) {
	l.apply(c)
	if l.stream != nil {
		l.last = l.stream.Append(c.encode())
	}
}

func (l *Ledger) apply(c change) {
	if c.Charge != nil {
		l.charges[c.Charge.IdempotencyKey] = c.Charge
		delete(l.attempts, c.Charge.IdempotencyKey) // they count until there is a charge
	}
	if c.Movement != nil && c.Movement.Seq > len(l.movements) {
		l.movements = append(l.movements, *c.Movement)
	}
	if c.Attempt != nil {
		l.attempts[c.Attempt.Key] = c.Attempt.Count
	}
	if c.Owed != nil {
		l.owed[c.Owed.ID] = *c.Owed
	}
	delete(l.owed, c.Told)
}

func (c change) encode() []byte {
	if c.Charge != nil {
		c.Method = c.Charge.method
	}
	record, err := json.Marshal(c)
	if err != nil {
		panic(err) // a change always marshals
	}
	return record
}

// part is the ledger as a part of the log.
type part Ledger

// Replay applies a change.
func (p *part) Replay(record []byte) error {
	var c change
	if err := json.Unmarshal(record, &c); err != nil {
		return fmt.Errorf("a change of the provider's ledger: %w", err)
	}
	if c.Charge != nil {
		c.Charge.method = c.Method
	}
	l := (*Ledger)(p)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.apply(c)
	return nil
}

// Snapshot emits the ledger as changes.
func (p *part) Snapshot(emit func(record []byte) error) error {
	for _, c := range (*Ledger)(p).changes() {
		if err := emit(c.encode()); err != nil {
			return err
		}
	}
	return nil
}

// changes make the ledger as it is now.
func (l *Ledger) changes() (all []change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.charges {
		all = append(all, change{Charge: c})
	}
	for key, n := range l.attempts {
		all = append(all, change{Attempt: &attempt{key, n}})
	}
	for _, m := range l.movements {
		all = append(all, change{Movement: &m})
	}
	for _, e := range l.owed {
		all = append(all, change{Owed: &e})
	}
	return all
}
