package payment_test

import (
	"context"
	"testing"

	"google.golang.org/grpc/codes"

	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/payment"
)

func (w *world) adopt(c payment.Claim) (*payment.Payment, error) {
	c.OrderID = "o1"
	return w.paying().Adopt(context.Background(), c)
}

func TestAPaymentTakesOverWhatTheProviderKnows(t *testing.T) {
	t.Parallel()
	of := func(total int64) payment.Claim { return payment.Claim{Amount: gbp(total), Method: "approve"} }
	declined := payment.Claim{Amount: gbp(amount), Method: "approve", Declined: true}
	for name, c := range map[string]struct {
		before   string // a payment made before: open, tombstone, charged
		provider payment.ChargeStatus
		claim    payment.Claim
		want     string
		events   []string
	}{
		"nobody knows it":               {"", "", of(amount), "payment_not_found", nil},
		"lost, approved":                {"", payment.ChargeApproved, of(amount), "CHARGED", []string{"PaymentProcessed"}},
		"lost with its order, approved": {"", payment.ChargeApproved, payment.Claim{}, "CHARGED", []string{"PaymentProcessed"}},
		"lost, pending":                 {"", payment.ChargePending, of(amount), "PENDING", nil},
		"lost, declined":                {"", payment.ChargeDeclined, of(amount), "DECLINED", []string{"PaymentFailed"}},
		"lost, voided":                  {"", payment.ChargeVoided, of(amount), "VOIDED", nil},
		"lost, cancelled as declined":   {"", "", declined, "DECLINED", []string{"PaymentFailed"}},
		"lost, free":                    {"", "", of(0), "CHARGED", []string{"PaymentProcessed"}},
		"open, approved":                {"open", payment.ChargeApproved, of(amount), "CHARGED", []string{"PaymentProcessed"}},
		"open, unknown":                 {"open", "", of(amount), "CHARGING", nil},
		"tombstone, approved":           {"tombstone", payment.ChargeApproved, of(amount), "CHARGED", []string{"PaymentProcessed"}},
		"tombstone, pending":            {"tombstone", payment.ChargePending, of(amount), "PENDING", nil},
		"charged, approved":             {"charged", payment.ChargeApproved, of(amount), "CHARGED", []string{"PaymentProcessed"}},
		"charged, unknown":              {"charged", "", of(amount), "contradiction", []string{"PaymentProcessed"}},
		"charged, declined":             {"charged", payment.ChargeDeclined, of(amount), "contradiction", []string{"PaymentProcessed"}},
		"declined and not":              {"", payment.ChargeApproved, declined, "contradiction", nil},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(_ *testing.T, w *world) {
				w.before(c.before)
				w.provider.status, w.provider.calls = c.provider, nil
				for range 2 { // once more changes nothing
					p, err := w.adopt(c.claim)
					w.want("adopt", c.want, p, err)
				}
				w.wantEvents(c.events...)
				for _, call := range w.provider.calls {
					if call != "find" {
						t.Errorf("the provider was asked to %s", call)
					}
				}
			})
		})
	}
}

// before makes a payment as it was restored.
func (w *world) before(state string) {
	p := &payment.Payment{OrderID: "o1", State: payment.Charging, Amount: gbp(amount), Method: "approve", CreateTime: moment}
	switch state {
	case "":
		return
	case "tombstone":
		p.State, p.Amount, p.Method = payment.Voided, nil, ""
	case "charged":
		if _, err := w.charge("approve"); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	if err := w.payments.Create(context.Background(), p); err != nil {
		w.t.Fatal(err)
	}
}

func TestAChargeOfAnotherAmountIsForAPerson(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.before("open")
		w.provider.status, w.provider.amount = payment.ChargeApproved, &typev1.Money{CurrencyCode: "EUR", MinorUnits: amount}
		_, err := w.adopt(payment.Claim{Amount: gbp(amount)})
		if fault.Code(err) != codes.DataLoss {
			t.Errorf("it was adopted: %v", err)
		}
		w.wantEvents()
	})
}
