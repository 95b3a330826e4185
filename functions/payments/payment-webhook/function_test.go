package paymentwebhook_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	_ "orderflow.dev/functions/payments/payment-webhook"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/provider"
	"orderflow.dev/internal/store"
	"orderflow.dev/local/cloudtest"
	"orderflow.dev/local/psp"
)

func TestMain(m *testing.M) {
	cloudtest.Main(m, cloudtest.Setenv("PAYMENT_WEBHOOK_SECRETS", "old,new"))
}

func payments(t *testing.T) *store.Payments {
	t.Helper()
	p, err := store.OpenPayments(t.Context(), store.Config{Project: cloudtest.Project()})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// open is the order of a payment that is pending.
func open(t *testing.T) string {
	t.Helper()
	p := &payment.Payment{OrderID: cloudtest.NewID(), State: payment.Pending, Amount: &typev1.Money{CurrencyCode: "GBP", MinorUnits: 500}, Method: "pm_pending", CreateTime: time.Now()}
	if err := payments(t).Create(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return p.OrderID
}

func outcome(kind, orderID string) string {
	return fmt.Sprintf(`{"id":"e1","type":"charge.%s","idempotency_key":%q,"charge_id":"ch1","amount":500,"currency":"GBP"}`, kind, orderID)
}

// deliver delivers a webhook that the provider signed with a secret some time ago.
func deliver(t *testing.T, secret string, ago time.Duration, body string) cloudtest.Answer {
	t.Helper()
	return cloudtest.Send(t, http.MethodPost, cloudtest.Function(t, "payment-webhook"), cloudtest.Header{
		"Content-Type": "application/json", psp.SignatureHeader: psp.Sign([]byte(secret), time.Now().Add(-ago), []byte(body)),
	}, body)
}

func TestOutcomeSettlesThePaymentOnceAndStartsTheSagaAgain(t *testing.T) {
	t.Parallel()
	for kind, c := range map[string]struct {
		event string
		state payment.State
	}{
		"approved": {"PaymentProcessed", payment.Charged},
		"declined": {"PaymentFailed", payment.Declined},
	} {
		tap := cloudtest.NewTap(t, "orderflow.event.v1."+c.event)
		id := open(t)
		for _, secret := range []string{"new", "old", "new"} {
			if a := deliver(t, secret, 0, outcome(kind, id)); a.Status != 204 {
				t.Errorf("%s, %s secret: answer %d %s, want 204", kind, secret, a.Status, a.Body)
			}
		}
		if diff := cmp.Diff([]string{c.event}, cloudtest.Journal(t, "payments", id)); diff != "" {
			t.Errorf("%s: journal (-want +got):\n%s", kind, diff)
		}
		p, err := payments(t).Get(t.Context(), id)
		if err != nil || p.State != c.state || p.ChargeID != "ch1" {
			t.Errorf("%s: payment %+v, error %v, want %v", kind, p, err, c.state)
		}
		published := tap.About(id)
		if len(published) != 1 || published[0].Attributes["ce-resume"] != "true" {
			t.Errorf("%s: published %v, want one event that starts a saga", kind, published)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	id, settled := open(t), open(t)
	if a := deliver(t, "new", 0, outcome("approved", settled)); a.Status != 204 {
		t.Fatalf("answer %d %s", a.Status, a.Body)
	}
	for name, c := range map[string]struct {
		secret string
		ago    time.Duration
		body   string
		status int
		reason string
	}{
		"forged":                        {"guess", 0, outcome("approved", id), 401, "bad_signature"},
		"signed with nothing":           {"", 0, outcome("approved", id), 401, "bad_signature"},
		"replayed an hour later":        {"new", time.Hour, outcome("approved", id), 401, "bad_signature"},
		"of the future":                 {"new", -time.Hour, outcome("approved", id), 401, "bad_signature"},
		"an outcome of nobody's":        {"new", 0, outcome("disputed", id), 400, "unknown_outcome"},
		"no JSON":                       {"new", 0, "?", 400, "invalid_json"},
		"a payment of nobody's":         {"new", 0, outcome("approved", cloudtest.NewID()), 404, "payment_not_found"},
		"a payment that is a path":      {"new", 0, outcome("approved", "a/b/c"), 404, "payment_not_found"},
		"against what was said before":  {"new", 0, outcome("declined", settled), 500, "contradiction"},
		"larger than webhooks ever are": {"new", 0, strings.Repeat(" ", provider.MaxWebhook+1), 413, "body_too_large"},
	} {
		if a := deliver(t, c.secret, c.ago, c.body); a.Status != c.status || cloudtest.Reason(t, a) != c.reason {
			t.Errorf("%s: answer %d %s, want %d %s", name, a.Status, a.Body, c.status, c.reason)
		}
	}
	if got := cloudtest.Journal(t, "payments", id); len(got) != 0 {
		t.Errorf("a refused webhook wrote %v", got)
	}
	if a := cloudtest.Send(t, http.MethodGet, cloudtest.Function(t, "payment-webhook"), nil, ""); a.Status != 405 {
		t.Errorf("GET: answer %d %s, want 405", a.Status, a.Body)
	}
}
