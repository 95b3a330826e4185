package payment_test

import (
	"errors"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/payment"
)

// during makes f happen once, while the provider does op: before it knows of it, or after.
func (w *world) during(op string, after bool, f func()) {
	once := false
	hook := func(got string) error {
		if got == op && !once {
			once = true
			f()
		}
		return nil
	}
	if after {
		w.provider.after = hook
	} else {
		w.provider.before = hook
	}
}

func TestRefundThatComesWhileAChargeIsInFlight(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		after  bool
		refund string
		charge string
		taken  int
		events []string
	}{
		"before the provider knows": {"approve", false, "VOIDED", "cancelled", 0, []string{"PaymentFailed"}},
		"after it took the money":   {"approve", true, "REFUNDED", "cancelled", 1, []string{"PaymentProcessed", "PaymentRefunded"}},
		"after it declined":         {"decline", true, "DECLINED", "declined", 0, []string{"PaymentFailed"}},
		"while it is pending":       {"pending", true, "VOIDED", "cancelled", 0, []string{"PaymentFailed"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.during("charge", c.after, func() {
					pay, err := w.refund()
					w.want("refund", c.refund, pay, err)
				})
				pay, err := w.charge(c.method)
				w.want("charge", c.charge, pay, err)
				w.wantTaken(c.taken, c.taken)
				w.wantEvents(c.events...)
			})
		})
	}
}

func TestWebhookSettlesOnceAndStartsASagaThatNobodyWaitsFor(t *testing.T) {
	for outcome, c := range map[payment.ChargeStatus]struct{ word, event string }{
		payment.ChargeApproved: {"CHARGED", "PaymentProcessed!"}, payment.ChargeDeclined: {"declined", "PaymentFailed!"},
	} {
		t.Run(string(outcome), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				pay, err := w.charge("pending")
				w.want("charge", "PENDING", pay, err)
				w.wantEvents()
				w.provider.settle(outcome)
				for range 2 { // it is sent twice
					if err := w.hear(outcome); err != nil {
						t.Error(err)
					}
				}
				pay, err = w.charge("pending")
				w.want("charge again", c.word, pay, err)
				w.wantEvents(c.event)
				w.wantTaken(map[payment.ChargeStatus]int{payment.ChargeApproved: 1}[outcome], 0)
			})
		})
	}
}

func TestWebhookThatOvertakesTheChargesAnswer(t *testing.T) {
	for outcome, c := range map[payment.ChargeStatus]struct{ method, word, event string }{
		payment.ChargeApproved: {"approve", "CHARGED", "PaymentProcessed!"}, payment.ChargeDeclined: {"decline", "declined", "PaymentFailed!"},
	} {
		t.Run(string(outcome), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.during("charge", true, func() {
					if err := w.hear(outcome); err != nil {
						t.Error(err)
					}
				})
				pay, err := w.charge(c.method)
				w.want("charge", c.word, pay, err)
				w.wantEvents(c.event)
			})
		})
	}
}

// A lost webhook does no harm: the saga that the sweep starts asks the provider.
func TestPendingChargeIsAskedForAgain(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		pay, err := w.charge("pending")
		w.want("charge", "PENDING", pay, err)
		pay, err = w.charge("pending")
		w.want("still", "PENDING", pay, err)
		w.provider.settle(payment.ChargeApproved)
		pay, err = w.charge("pending")
		w.want("then", "CHARGED", pay, err)
		w.wantTaken(1, 0)
		w.wantEvents("PaymentProcessed")
	})
}

func TestWebhookThatContradictsIsForAPerson(t *testing.T) {
	type made func(*world) (*payment.Payment, error)
	charged := func(method string) made { return func(w *world) (*payment.Payment, error) { return w.charge(method) } }
	for name, c := range map[string]struct {
		made    made
		outcome payment.ChargeStatus
		want    codes.Code
	}{
		"approved, and it was":                   {charged("approve"), payment.ChargeApproved, codes.OK},
		"declined, but it was approved":          {charged("approve"), payment.ChargeDeclined, codes.DataLoss},
		"declined, and it was":                   {charged("decline"), payment.ChargeDeclined, codes.OK},
		"approved, but it was declined":          {charged("decline"), payment.ChargeApproved, codes.DataLoss},
		"approved, and refunded since":           {func(w *world) (*payment.Payment, error) { _, _ = w.charge("approve"); return w.refund() }, payment.ChargeApproved, codes.OK},
		"declined, but it was refunded":          {func(w *world) (*payment.Payment, error) { _, _ = w.charge("approve"); return w.refund() }, payment.ChargeDeclined, codes.DataLoss},
		"declined, and called off":               {func(w *world) (*payment.Payment, error) { return w.refund() }, payment.ChargeDeclined, codes.OK},
		"approved, but called off":               {func(w *world) (*payment.Payment, error) { return w.refund() }, payment.ChargeApproved, codes.DataLoss},
		"of a payment that is not":               {func(*world) (*payment.Payment, error) { return nil, nil }, payment.ChargeApproved, codes.NotFound},
		"that says nothing":                      {charged("pending"), payment.ChargePending, codes.InvalidArgument},
		"voided, which only we decide":           {charged("pending"), payment.ChargeVoided, codes.InvalidArgument},
		"of no outcome that we know of":          {charged("pending"), "refunded", codes.InvalidArgument},
		"approved while it is pending, as usual": {charged("pending"), payment.ChargeApproved, codes.OK},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				_, _ = c.made(w)
				before, events := w.state(), len(w.events)
				err := w.hear(c.outcome)
				if fault.Code(err) != c.want {
					t.Errorf("error %v, want %s", err, c.want)
				}
				if open := before == payment.Pending && c.want == codes.OK; !open && (w.state() != before || len(w.events) != events) {
					t.Errorf("the payment was %s and is %s", before, w.state())
				}
			})
		})
	}
}

func TestManyAtOnceChargeOnceAndRefundOnce(t *testing.T) {
	for _, method := range []string{"approve", "decline", "pending"} {
		t.Run(method, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				var wg sync.WaitGroup
				for i := range 12 {
					wg.Go(func() {
						f := func() (*payment.Payment, error) { return w.charge(method) }
						if i >= 6 {
							f = w.refund
						}
						if _, err := until(f); trouble(err) {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				pay, err := w.refund()
				if err != nil {
					t.Fatal(err)
				}
				w.wantTaken(w.provider.taken, w.provider.taken)
				if w.provider.taken > 1 {
					t.Errorf("the money was taken %d times", w.provider.taken)
				}
				if n := len(pay.Journal.Entries); n > 2 || w.provider.taken == 1 && n != 2 {
					t.Errorf("%d events of a payment that is %s", n, pay.State)
				}
			})
		})
	}
}

func TestProvidersWordsThatEndNothing(t *testing.T) {
	odd := func(w *world) { w.provider.odd = "maybe" }
	for name, c := range map[string]struct {
		method         string
		make           func(*world)
		charge, refund string
	}{
		"a status we do not know":           {"approve", odd, "outcome_unknown", "outcome_unknown"},
		"the request's own fault":           {"nonsense", func(*world) {}, "provider_refused", "VOIDED"},
		"a pending charge it does not void": {"pending", func(w *world) { w.provider.keepsPending = true }, "PENDING", "outcome_unknown"},
		"none at all": {"approve", func(w *world) { w.provider.before = func(string) error { return errors.New("broken pipe") } },
			"outcome_unknown", "outcome_unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				c.make(w)
				pay, err := w.charge(c.method)
				w.want("charge", c.charge, pay, err)
				pay, err = w.refund()
				w.want("refund", c.refund, pay, err)
			})
		})
	}
}

func TestBadChargesAreRefusedByNameAndNotAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		id, currency string
		units        int64
		method       string
		want         []string
	}{
		"everything": {"", "", -1, "", []string{"order_id", "amount", "payment_method"}},
		"negative":   {"o1", "GBP", -1, "m", []string{"amount"}},
		"currency":   {"o1", "GBPX", 1, "m", []string{"amount"}},
	} {
		m := gbp(c.units)
		m.CurrencyCode = c.currency
		_, err := w.paying().Charge(t.Context(), c.id, m, c.method)
		fields := fault.Of(err).Fields
		if fault.Code(err) != codes.InvalidArgument || len(fields) != len(c.want) {
			t.Errorf("%s: error %v", name, err)
			continue
		}
		for i, f := range fields {
			if f.Name != c.want[i] {
				t.Errorf("%s: field %s, want %s", name, f.Name, c.want[i])
			}
		}
	}
	if _, err := w.paying().Charge(t.Context(), "o1", nil, "m"); fault.Code(err) != codes.InvalidArgument {
		t.Errorf("no amount: %v", err)
	}
	if _, err := w.paying().Refund(t.Context(), ""); fault.Code(err) != codes.InvalidArgument {
		t.Errorf("refund of no order: %v", err)
	}
	if _, err := w.paying().Get(t.Context(), "o1"); !errors.Is(err, payment.ErrNotFound) || len(w.provider.calls) > 0 {
		t.Errorf("bad charges left %v, and the provider heard %v", err, w.provider.calls)
	}
}
