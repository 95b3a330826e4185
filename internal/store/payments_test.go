package store_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

func paid(p *payment.Payment) *eventv1.PaymentProcessed {
	return &eventv1.PaymentProcessed{OrderId: p.OrderID, Seq: p.Journal.Next(), EventTime: timestamppb.New(moment), Amount: p.Amount, ProviderChargeId: p.ChargeID}
}

// refunded is a change that refunds a payment: one event.
func refunded(p *payment.Payment) error {
	if p.State != payment.Charged {
		return nil
	}
	p.State = payment.Refunded
	p.Journal.Append(&eventv1.PaymentRefunded{OrderId: p.OrderID, Seq: p.Journal.Next(), EventTime: timestamppb.New(moment), Amount: p.Amount}, false)
	return nil
}

// refund refunds a payment that is read first.
func refund(t *testing.T, s *store.Payments, id string) {
	t.Helper()
	p, err := s.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(t.Context(), p, refunded); err != nil {
		t.Fatal(err)
	}
}

func TestPaymentComesBackAsItWasStored(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]*payment.Payment{
		"intent":    {OrderID: "o1", State: payment.Charging, Amount: gbp(10), Method: "pm_approve", CreateTime: moment},
		"of naught": {OrderID: "o1", State: payment.Charging, Amount: gbp(0), Method: "pm_approve", CreateTime: moment},
		"tombstone": {OrderID: "o1", State: payment.Voided, CreateTime: moment},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _, _ := payments()
			if err := s.Create(t.Context(), want); err != nil {
				t.Fatal(err)
			}
			got, err := s.Get(t.Context(), "o1")
			if err != nil {
				t.Fatal(err)
			}
			want.CreateTime = moment.Truncate(1000)
			same(t, "payment", want, got) // also the version: what Create answered is what Get reads
		})
	}
}

func TestAnOrderHasOnePayment(t *testing.T) {
	t.Parallel()
	s, _, _ := payments()
	if _, err := s.Get(t.Context(), "o1"); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("get of none answers %v", err)
	}
	charge(t, s, "o1")
	if err := s.Create(t.Context(), &payment.Payment{OrderID: "o1", State: payment.Voided}); !errors.Is(err, payment.ErrExists) {
		t.Errorf("a second create answers %v", err)
	}
	if p, _ := s.Get(t.Context(), "o1"); p.State != payment.Charged || p.ChargeID != "ch_1" {
		t.Errorf("after a second create the payment is %+v", p)
	}
}

func TestPaymentUpdateOfWhatChangedMeanwhileSeesItAsItIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, db, p := payments()
		seen := charge(t, s, "o1")
		refund(t, s, "o1")
		p.ids()
		var states []payment.State
		commits := 0
		db.Before = func(op string, _ []store.Write) error {
			if op == "commit" {
				commits++
			}
			return nil
		}
		got, err := s.Update(t.Context(), seen, func(p *payment.Payment) error {
			states = append(states, p.State)
			return refunded(p)
		})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "states it was changed in", []payment.State{payment.Charged, payment.Refunded}, states)
		if got.State != payment.Refunded || len(got.Journal.Entries) != 2 || commits != 1 || len(p.ids()) > 0 {
			t.Errorf("after %d commits the payment is %s with %d events, want one refund", commits, got.State, len(got.Journal.Entries))
		}
		if len(seen.Journal.Entries) != 1 || seen.State != payment.Charged {
			t.Errorf("what the caller had seen was changed: %+v", seen)
		}
	})
}

func TestPaymentUpdateThatFailsWritesNothing(t *testing.T) {
	t.Parallel()
	s, db, p := payments()
	seen := charge(t, s, "o1")
	p.ids()
	refused := errors.New("refused")
	_, err := s.Update(t.Context(), seen, func(p *payment.Payment) error {
		_ = refunded(p)
		return refused
	})
	if !errors.Is(err, refused) || len(p.ids()) > 0 {
		t.Errorf("update answers %v", err)
	}
	now, err := s.Get(t.Context(), "o1")
	if err != nil || now.State != payment.Charged || len(now.Journal.Entries) != 1 {
		t.Errorf("the payment is %+v, %v", now, err)
	}
	db.Before = func(op string, _ []store.Write) error {
		if op == "commit" {
			return memory.ErrUnavailable
		}
		return nil
	}
	if got, err := s.Update(t.Context(), seen, refunded); !errors.Is(err, memory.ErrUnavailable) || got != nil {
		t.Errorf("an update whose outcome is not known answers %+v, %v", got, err)
	}
}
