package payment_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

// story is what happens, in order: calls of ours, and what the provider does by itself.
type story struct {
	method string
	calls  []string
	within []string // what happens in the middle of calls, one thing at each point where something can
	lose   []bool   // whether what is sent or answered at each of those points is lost
}

var happenings = []string{"charge", "charge", "charge", "refund", "approve", "decline", "hear", "hear", "sweep"}

func stories(t *rapid.T) story {
	return story{
		method: rapid.SampledFrom([]string{"approve", "decline", "pending", "pending"}).Draw(t, "method"),
		calls:  rapid.SliceOfN(rapid.SampledFrom(happenings), 1, 8).Draw(t, "calls"),
		within: rapid.SliceOfN(rapid.SampledFrom(append(happenings, "", "", "", "", "", "")), 0, 12).Draw(t, "within"),
		lose:   rapid.SliceOfN(rapid.SampledFrom([]bool{false, false, true}), 0, 12).Draw(t, "lose"),
	}
}

// told is a story being told.
type told struct {
	*world
	story
	depth    int
	refunded bool // a refund was begun
	wrong    []error
}

// point is where something else may happen, and where what is on its way may be lost.
func (s *told) point(lost error) error {
	if s.depth < 3 && len(s.within) > 0 {
		next := s.within[0]
		s.within = s.within[1:]
		s.depth++
		s.happen(next)
		s.depth--
	}
	if len(s.lose) > 0 {
		lose := s.lose[0]
		if s.lose = s.lose[1:]; lose {
			return lost
		}
	}
	return nil
}

func (s *told) happen(what string) {
	switch what {
	case "charge":
		pay, err := s.charge(s.method)
		if err == nil && pay.State == payment.Charged && !s.refunded && s.provider.taken != 1 {
			s.wrong = append(s.wrong, fmt.Errorf("charged, but the money was taken %d times", s.provider.taken))
		}
		if err != nil && (word(pay, err) == "declined" || word(pay, err) == "cancelled") && s.provider.taken != s.provider.givenBack && !s.refunded {
			s.wrong = append(s.wrong, fmt.Errorf("refused as %s, but the money was taken", word(pay, err)))
		}
	case "refund":
		s.refunded = true
		if pay, err := s.refund(); err == nil {
			s.end(pay)
		}
	case "approve":
		s.provider.settle(payment.ChargeApproved)
	case "decline":
		s.provider.settle(payment.ChargeDeclined)
	case "hear": // the provider speaks of what is settled, and speaks the truth
		if status := s.provider.status; status == payment.ChargeApproved || status == payment.ChargeDeclined {
			if err := s.hear(status); err != nil && !trouble(err) {
				s.wrong = append(s.wrong, err)
			}
		}
	case "sweep":
		_, _ = store.Sweep(context.Background(), s.db, s.world, "payments", moment, 0)
	}
}

// end checks what a refund that succeeded promises.
func (s *told) end(pay *payment.Payment) {
	if !slices.Contains([]payment.State{payment.Refunded, payment.Voided, payment.Declined}, pay.State) {
		s.wrong = append(s.wrong, fmt.Errorf("a refund ended in %s", pay.State))
	}
	if s.provider.taken != s.provider.givenBack {
		s.wrong = append(s.wrong, fmt.Errorf("after a refund: taken %d times, given back %d times", s.provider.taken, s.provider.givenBack))
	}
}

func (s *told) tell() error {
	s.db.Before = func(string, []store.Write) error { return s.point(memory.ErrUnavailable) }
	s.db.After = func(string, []store.Write) error { return s.point(memory.ErrDeadline) }
	s.provider.before = func(string) error { return s.point(errNoAnswer) }
	s.provider.after = func(string) error { return s.point(errNoAnswer) }
	for _, c := range s.calls {
		s.happen(c)
	}
	s.db.Before, s.db.After, s.provider.before, s.provider.after = nil, nil, nil, nil
	s.happen("charge") // the saga goes on until it has an answer
	s.happen("hear")
	if s.provider.taken > 1 {
		s.wrong = append(s.wrong, fmt.Errorf("the money was taken %d times", s.provider.taken))
	}
	s.refunded = true
	pay, err := s.refund()
	if err != nil {
		return fmt.Errorf("the last refund: %w", err)
	}
	s.end(pay)
	return errors.Join(append(s.wrong, s.journal(pay))...)
}

// journal says whether a payment's events are a way to where it stands.
func (s *told) journal(pay *payment.Payment) error {
	var names []string
	for i, e := range pay.Journal.Entries {
		names = append(names, string(e.Event.ProtoReflect().Descriptor().Name()))
		if e.Event.GetSeq() != int64(i)+1 {
			return fmt.Errorf("entry %d is %v", i, e.Event)
		}
	}
	ways := map[payment.State][]string{
		payment.Refunded: {"[PaymentProcessed PaymentRefunded]"},
		payment.Declined: {"[PaymentFailed]"},
		payment.Voided:   {"[PaymentFailed]", "[]"},
	}
	if !slices.Contains(ways[pay.State], fmt.Sprint(names)) {
		return fmt.Errorf("a payment that is %s has the events %v", pay.State, names)
	}
	return nil
}

// However calls, webhooks and the provider's own doings fall into each other, and whatever is lost: the money is taken
// at most once, is there when we say so, and is back when we say so.
func TestMoneyIsTakenOnceAndGivenBackOnceWhateverHappens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := stories(rt)
		var err error
		synctest.Test(t, func(t *testing.T) { err = (&told{world: newWorld(t), story: s}).tell() })
		if err != nil {
			rt.Fatal(err)
		}
	})
}
