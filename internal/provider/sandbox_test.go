package provider_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/provider"
	"orderflow.dev/local/psp"
)

const apiKey = "key"

func pounds(n int64) *typev1.Money { return &typev1.Money{CurrencyCode: "GBP", MinorUnits: n * 100} }

// sandbox is the adapter to a real sandbox provider, whose ledger says what money moved.
func sandbox(t *testing.T) (*provider.Sandbox, *psp.Ledger) {
	t.Helper()
	ledger := psp.NewLedger(psp.LedgerOptions{})
	server := psp.NewServer(psp.Options{Ledger: ledger, APIKey: apiKey, WebhookDelay: time.Hour})
	web := httptest.NewServer(server.Handler())
	t.Cleanup(web.Close)
	t.Cleanup(server.Close) // first, so that requests without an answer let go
	return adapter(web.URL, apiKey), ledger
}

func adapter(url, key string) *provider.Sandbox {
	return provider.NewSandbox(provider.SandboxConfig{URL: url, APIKey: key, Timeout: 250 * time.Millisecond})
}

func TestChargeByEveryPaymentMethod(t *testing.T) {
	t.Parallel()
	s, ledger := sandbox(t)
	const trouble = payment.ChargeStatus("trouble")
	for method, want := range map[string][]payment.ChargeStatus{ // the answers to one key, call by call
		psp.MethodApprove:           {payment.ChargeApproved, payment.ChargeApproved},
		psp.MethodDecline:           {payment.ChargeDeclined, payment.ChargeDeclined},
		psp.MethodPending:           {payment.ChargePending, payment.ChargePending},
		psp.MethodPendingDecline:    {payment.ChargePending},
		psp.MethodNever:             {payment.ChargePending},
		psp.MethodTimeoutCharged:    {trouble, payment.ChargeApproved},
		psp.MethodTimeoutNotCharged: {trouble, payment.ChargeApproved},
		psp.MethodFlaky:             {trouble, trouble, payment.ChargeApproved},
		"pm_of_nobody":              {payment.ChargeDeclined},
	} {
		for i, w := range want {
			c, err := s.Charge(t.Context(), "key/of "+method, pounds(5), method)
			if w == trouble {
				if fault.Code(err) != codes.Unavailable {
					t.Errorf("%s, call %d: %+v, error %v, want UNAVAILABLE: its outcome is unknown", method, i+1, c, err)
				}
				continue
			}
			if err != nil || c.Status != w || (c.ID == "") != (method == "pm_of_nobody") {
				t.Errorf("%s, call %d: %+v, error %v, want %s", method, i+1, c, err, w)
			}
		}
	}
	if s := ledger.Summary(); s.DoubleCharges != 0 || s.Charges != 4 {
		t.Errorf("ledger %+v, want 4 charges and none twice", s)
	}
}

func TestFindSaysWhatBecameOfACharge(t *testing.T) {
	t.Parallel()
	s, _ := sandbox(t)
	if _, err := s.Find(t.Context(), "k1"); err != payment.ErrUnknownCharge {
		t.Errorf("before any charge: %v, want ErrUnknownCharge", err)
	}
	if _, err := s.Charge(t.Context(), "k1", pounds(5), psp.MethodTimeoutCharged); err == nil {
		t.Error("the first answer was not lost")
	}
	if c, err := s.Find(t.Context(), "k1"); err != nil || c.Status != payment.ChargeApproved || c.ID == "" {
		t.Errorf("after a lost answer: %+v, error %v, want approved", c, err)
	}
}

func TestPartsAreRefundedOncePerKey(t *testing.T) {
	t.Parallel()
	s, ledger := sandbox(t)
	if _, err := s.Charge(t.Context(), "key/of mine", pounds(5), psp.MethodApprove); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.RefundAmount(t.Context(), "key/of mine", "key/of mine/r1", pounds(2)); err != nil {
			t.Error(err)
		}
	}
	if err := s.RefundAmount(t.Context(), "key/of mine", "key/of mine/r2", pounds(4)); !fault.Permanent(err) {
		t.Errorf("more than is left: %v, want it refused for good", err)
	}
	moved := ledger.Movements()
	if len(moved) != 2 || moved[1].RefundKey != "key/of mine/r1" || moved[1].Amount != pounds(2).GetMinorUnits() {
		t.Errorf("ledger %+v, want one refund of 2 pounds under its key", moved)
	}
}

func TestVoidMakesSureThatNothingIsTaken(t *testing.T) {
	t.Parallel()
	s, ledger := sandbox(t)
	for name, c := range map[string]struct {
		method string // of an earlier charge; empty: none
		want   payment.ChargeStatus
	}{
		"never charged": {"", payment.ChargeVoided},
		"pending":       {psp.MethodPending, payment.ChargeVoided},
		"declined":      {psp.MethodDecline, payment.ChargeDeclined},
		"approved":      {psp.MethodApprove, payment.ChargeApproved},
	} {
		if c.method != "" {
			if _, err := s.Charge(t.Context(), name, pounds(5), c.method); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if got, err := s.Void(t.Context(), name); err != nil || got.Status != c.want {
				t.Errorf("%s: %+v, error %v, want %s", name, got, err, c.want)
			}
		}
		if got, err := s.Charge(t.Context(), name, pounds(5), psp.MethodApprove); err != nil || got.Status != c.want {
			t.Errorf("%s: a late charge answers %+v, error %v, want %s", name, got, err, c.want)
		}
	}
	if n := ledger.Summary().Charges; n != 1 {
		t.Errorf("%d charges, want the approved one", n)
	}
}

func TestRefundGivesAllBackOnce(t *testing.T) {
	t.Parallel()
	s, ledger := sandbox(t)
	if _, err := s.Charge(t.Context(), "k1", pounds(5), psp.MethodApprove); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Refund(t.Context(), "k1", pounds(5)); err != nil {
			t.Error(err)
		}
	}
	if sum := ledger.Summary(); sum.Net != 0 || sum.Refunded != 500 {
		t.Errorf("ledger %+v, want all given back once", sum)
	}
}

func TestProvidersFaultIsToldFromTheRequests(t *testing.T) {
	t.Parallel()
	s, _ := sandbox(t)
	if _, err := s.Charge(t.Context(), "k1", pounds(5), psp.MethodApprove); err != nil {
		t.Fatal(err)
	}
	_, another := s.Charge(t.Context(), "k1", pounds(6), psp.MethodApprove)
	_, stranger := adapter(providerURL(t, http.NotFoundHandler()), apiKey).Charge(t.Context(), "k", pounds(5), psp.MethodApprove)
	for name, c := range map[string]struct {
		err  error
		want codes.Code
	}{
		"another amount under a key":  {another, codes.InvalidArgument},
		"a refund of what is unknown": {s.Refund(t.Context(), "k2", pounds(5)), codes.NotFound},
		"no provider at that path":    {stranger, codes.NotFound},
		"too many requests":           {answering(t, 429, ""), codes.Unavailable},
		"the provider's bug":          {answering(t, 500, ""), codes.Unavailable},
		"a proxy's answer":            {answering(t, 502, "<html>"), codes.Unavailable},
		"a wrong API key":             {answering(t, 401, `{"error":"wrong API key"}`), codes.InvalidArgument},
		"an answer that is no JSON":   {answering(t, 200, "<html>"), codes.Unknown},
		"half an answer":              {answering(t, 200, `{"id":"c1","sta`), codes.Unknown},
		"an answer without an end":    {answering(t, 200, `{"id":"`+strings.Repeat("a", 1<<20)+`"}`), codes.Unknown},
		"nobody there":                {charge(t, adapter("http://127.0.0.1:1", apiKey)), codes.Unavailable},
	} {
		if got := fault.Code(c.err); got != c.want {
			t.Errorf("%s: %v (%v), want %v", name, c.err, got, c.want)
		}
		if c.err != nil && strings.Contains(c.err.Error(), "Bearer") {
			t.Errorf("%s: the error shows the key: %v", name, c.err)
		}
	}
}

func providerURL(t *testing.T, h http.Handler) string {
	t.Helper()
	web := httptest.NewServer(h)
	t.Cleanup(web.Close)
	return web.URL
}

// answering is the error of a charge at a provider that answers anything like that.
func answering(t *testing.T, status int, body string) error {
	t.Helper()
	return charge(t, adapter(providerURL(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		w.Write([]byte(body))
	})), apiKey))
}

func charge(t *testing.T, s *provider.Sandbox) error {
	t.Helper()
	_, err := s.Charge(t.Context(), "k", pounds(5), psp.MethodApprove)
	return err
}

func TestWrongKeyMovesNoMoney(t *testing.T) {
	t.Parallel()
	ledger := psp.NewLedger(psp.LedgerOptions{})
	server := psp.NewServer(psp.Options{Ledger: ledger, APIKey: apiKey})
	t.Cleanup(server.Close)
	if err := charge(t, adapter(providerURL(t, server.Handler()), "another")); err == nil || fault.Reason(err) == "method_refused" {
		t.Errorf("error %v, want one that is no decline", err)
	}
	if n := len(ledger.Movements()); n != 0 {
		t.Errorf("%d movements", n)
	}
}

// A provider that is followed to another host would be told our key there.
func TestRedirectsAreNotFollowedWithTheKey(t *testing.T) {
	t.Parallel()
	var told string
	thief := providerURL(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { told = r.Header.Get("Authorization") }))
	url := providerURL(t, http.RedirectHandler(strings.Replace(thief, "127.0.0.1", "localhost", 1), http.StatusTemporaryRedirect))
	_ = charge(t, adapter(url, apiKey))
	if told != "" {
		t.Errorf("the other host was told %q", told)
	}
}
