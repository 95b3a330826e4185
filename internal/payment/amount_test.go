package payment_test

import (
	"context"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"

	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/payment"
)

func (w *world) part(id string, pence int64) (*payment.Payment, error) {
	return w.paying().RefundAmount(context.Background(), "o1", id, gbp(pence))
}

// wantParts checks what the provider gave back, and that it moved each part once.
func (w *world) wantParts(want map[string]int64) {
	w.t.Helper()
	if fmt.Sprint(w.provider.parts) != fmt.Sprint(want) || w.provider.partCalls != len(want) {
		w.t.Errorf("the provider gave %v back in %d movements, want %v", w.provider.parts, w.provider.partCalls, want)
	}
}

func TestPartsAreGivenBackUpToTheWhole(t *testing.T) {
	bubble(t, func(_ *testing.T, w *world) {
		pay, err := w.charge("approve")
		w.want("charge", "CHARGED", pay, err)
		for _, c := range []struct {
			id    string
			pence int64
			want  string
		}{
			{"a", 200, "CHARGED"}, {"a", 200, "CHARGED"}, {"a", 201, "idempotency_key_reused"}, {"b", 301, "refund_too_large"},
			{"b", 300, "CHARGED"}, {"c", 1, "refund_too_large"}, {"b", 300, "CHARGED"}, {"", 1, "invalid_request"}, {"d", 0, "invalid_request"},
		} {
			pay, err := w.part(c.id, c.pence)
			w.want(fmt.Sprintf("%d pence as %q", c.pence, c.id), c.want, pay, err)
		}
		w.wantParts(map[string]int64{"o1/a": 200, "o1/b": 300})
		w.wantEvents("PaymentProcessed", "PaymentRefunded", "PaymentRefunded")
		pay, err = w.payments.Get(context.Background(), "o1")
		if err != nil || pay.Refunded().GetMinorUnits() != 500 {
			w.t.Errorf("refunded %v (error %v), want 500", pay.Refunded(), err)
		}
		pay, err = w.refund()
		w.want("the whole after its parts", "partly_refunded", pay, err)
		w.wantTaken(1, 0)
	})
}

func TestOnlyWhatIsChargedIsGivenBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(*world)
		amount *typev1.Money
		want   string
	}{
		"nothing":           {func(*world) {}, gbp(1), "payment_not_found"},
		"declined":          {func(w *world) { _, _ = w.charge("decline") }, gbp(1), "not_charged"},
		"pending":           {func(w *world) { _, _ = w.charge("pending") }, gbp(1), "not_charged"},
		"refunded":          {func(w *world) { _, _ = w.charge("approve"); _, _ = w.refund() }, gbp(1), "not_charged"},
		"in other money":    {func(w *world) { _, _ = w.charge("approve") }, &typev1.Money{CurrencyCode: "JPY", MinorUnits: 1}, "wrong_currency"},
		"more than charged": {func(w *world) { _, _ = w.charge("approve") }, gbp(amount + 1), "refund_too_large"},
	} {
		w := newWorld(t)
		c.before(w)
		pay, err := w.paying().RefundAmount(t.Context(), "o1", "a", c.amount)
		w.want(name, c.want, pay, err)
		w.wantParts(nil)
	}
}

// Whatever is lost once, of the store or of the provider, a refund that is asked for until it is done is done once.
func TestPartIsGivenBackOnceWhateverIsLostOnce(t *testing.T) {
	t.Parallel()
	for n, tripped := 0, true; tripped; n++ {
		w := newWorld(t)
		_, _ = w.charge("approve")
		over := w.trip(n)
		for _, id := range []string{"a", "b"} {
			pay, err := until(func() (*payment.Payment, error) { return w.part(id, 200) })
			w.want(fmt.Sprintf("%s, %d", id, n), "CHARGED", pay, err)
		}
		tripped = over()
		w.db.Before, w.db.After = nil, nil
		w.wantParts(map[string]int64{"o1/a": 200, "o1/b": 200})
		w.wantEvents("PaymentProcessed", "PaymentRefunded", "PaymentRefunded")
	}
}

func TestProvidersTroubleKeepsARefundComing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, _ = w.charge("approve")
	w.provider.before = func(string) error { return errNoAnswer }
	if _, err := w.part("a", 100); fault.Permanent(err) || fault.Reason(err) != "outcome_unknown" {
		t.Errorf("no answer: %v, want that it is tried again", err)
	}
	w.provider.before = func(string) error { return fault.New(codes.InvalidArgument, "provider_refused", "no") }
	if _, err := w.part("a", 100); !fault.Permanent(err) {
		t.Errorf("a refusal: %v, want that a person looks", err)
	}
	w.wantEvents("PaymentProcessed")
}
