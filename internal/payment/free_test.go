package payment_test

import (
	"testing"

	"orderflow.dev/internal/payment"
)

func TestWhatCostsNothingIsNoMatterForTheProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	free := func() (*payment.Payment, error) { return w.paying().Charge(t.Context(), "o1", gbp(0), "pm_decline") }
	for _, what := range []string{"charge", "charge again"} {
		p, err := free()
		w.want(what, "CHARGED", p, err)
	}
	for _, what := range []string{"refund", "refund again"} {
		p, err := w.refund()
		w.want(what, "REFUNDED", p, err)
	}
	p, err := free()
	w.want("charge after the refund", "cancelled", p, err)
	w.wantEvents("PaymentProcessed", "PaymentRefunded")
	w.wantTaken(0, 0)
}
