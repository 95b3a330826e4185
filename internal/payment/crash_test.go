package payment_test

import (
	"fmt"
	"testing"

	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

// trip makes the n-th thing that can go wrong go wrong: a request that does not arrive, or an answer that gets lost, of
// the store or of the provider. tripped says whether there were so many.
func (w *world) trip(n int) (tripped func() bool) {
	left := n
	hit := func(err error) error {
		if left--; left == -1 {
			return err
		}
		return nil
	}
	w.db.Before = func(string, []store.Write) error { return hit(memory.ErrUnavailable) }
	w.db.After = func(string, []store.Write) error { return hit(memory.ErrDeadline) }
	w.provider.before = func(string) error { return hit(errNoAnswer) }
	w.provider.after = func(string) error { return hit(errNoAnswer) }
	return func() bool { return left < 0 }
}

// What the saga does, step by step, with one thing going wrong, at every point where something can.
func TestMoneyIsRightWhateverIsLostOnce(t *testing.T) {
	t.Parallel()
	for method, answer := range map[string]string{"approve": "CHARGED", "decline": "declined", "pending": "PENDING"} {
		for _, outcome := range []payment.ChargeStatus{payment.ChargeApproved, payment.ChargeDeclined, payment.ChargePending} {
			if (outcome == payment.ChargePending) == (method == "pending") && method != "pending" {
				continue
			}
			for n, tripped := 0, true; tripped; n++ {
				t.Run(fmt.Sprintf("%s %s %d", method, outcome, n), func(t *testing.T) {
					w := newWorld(t)
					over := w.trip(n)
					defer func() { tripped = over() }()
					pay, err := until(func() (*payment.Payment, error) { return w.charge(method) })
					w.want("charge", answer, pay, err)
					taken := map[string]int{"approve": 1}[method]
					w.wantTaken(taken, 0)
					if method == "pending" && outcome != payment.ChargePending {
						w.provider.settle(outcome)
						_, _ = until(func() (*payment.Payment, error) { return nil, w.hear(outcome) })
						pay, err = until(func() (*payment.Payment, error) { return w.charge(method) }) // the saga again
						answer := map[payment.ChargeStatus]string{payment.ChargeApproved: "CHARGED", payment.ChargeDeclined: "declined"}[outcome]
						w.want("charge again", answer, pay, err)
						taken = map[payment.ChargeStatus]int{payment.ChargeApproved: 1}[outcome]
						w.wantTaken(taken, 0)
					}
					pay, err = until(w.refund)
					end := map[string]string{"CHARGED": "REFUNDED", "DECLINED": "DECLINED", "PENDING": "VOIDED"}[stateWord(method, outcome)]
					w.want("refund", end, pay, err)
					w.wantTaken(taken, taken)
					pay, err = until(w.refund)
					w.want("refund again", end, pay, err)
					pay, err = until(func() (*payment.Payment, error) { return w.charge(method) })
					w.want("charge after all", map[string]string{"REFUNDED": "cancelled", "DECLINED": "declined", "VOIDED": "cancelled"}[end], pay, err)
					w.wantTaken(taken, taken)
				})
			}
		}
	}
}

// stateWord is where a payment stands before it is refunded.
func stateWord(method string, outcome payment.ChargeStatus) string {
	switch {
	case method == "approve", method == "pending" && outcome == payment.ChargeApproved:
		return "CHARGED"
	case method == "decline", method == "pending" && outcome == payment.ChargeDeclined:
		return "DECLINED"
	}
	return "PENDING"
}

func TestTombstoneRefusesALateChargeWithoutAskingTheProvider(t *testing.T) {
	t.Parallel()
	for n, tripped := 0, true; tripped; n++ {
		w := newWorld(t)
		over := w.trip(n)
		pay, err := until(w.refund)
		w.want("refund", "VOIDED", pay, err)
		pay, err = until(w.refund)
		w.want("refund again", "VOIDED", pay, err)
		pay, err = until(func() (*payment.Payment, error) { return w.charge("approve") })
		w.want("charge", "cancelled", pay, err)
		tripped = over()
		w.db.Before, w.db.After = nil, nil
		w.wantTaken(0, 0)
		w.wantEvents()
		if len(w.provider.calls) > 0 {
			t.Errorf("the provider was asked %v", w.provider.calls)
		}
	}
}

// A process that died between the provider's answer and its own write leaves an open charge. The next one asks first.
func TestOpenChargeIsAskedForBeforeItIsSentAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lose  func(*provider, func(string) error)
		calls []string
	}{
		"the request was lost": {func(p *provider, h func(string) error) { p.before = h }, []string{"find", "charge"}},
		"the answer was lost":  {func(p *provider, h func(string) error) { p.after = h }, []string{"charge", "find"}},
	} {
		w := newWorld(t)
		c.lose(w.provider, func(op string) error {
			if op == "charge" {
				return errNoAnswer
			}
			return nil
		})
		pay, err := w.charge("approve")
		w.want(name, "outcome_unknown", pay, err)
		w.provider.before, w.provider.after = nil, nil
		pay, err = w.charge("approve")
		w.want(name+", again", "CHARGED", pay, err)
		w.wantTaken(1, 0)
		w.wantEvents("PaymentProcessed")
		if got := fmt.Sprint(w.provider.calls); got != fmt.Sprint(c.calls) {
			t.Errorf("%s: the provider heard %v, want %v", name, got, c.calls)
		}
	}
}
