package psp_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"orderflow.dev/local/psp"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newLedger() *psp.Ledger {
	return psp.NewLedger(psp.LedgerOptions{Now: func() time.Time { return epoch }})
}

func request(key, method string) psp.ChargeRequest {
	return psp.ChargeRequest{IdempotencyKey: key, Amount: 1250, Currency: "EUR", PaymentMethod: method}
}

func TestChargeByMethod(t *testing.T) {
	t.Parallel()
	type answer struct {
		Status psp.Status
		Err    error
	}
	tests := map[string][]answer{
		psp.MethodApprove:           {{psp.Approved, nil}, {psp.Approved, nil}},
		psp.MethodDecline:           {{psp.Declined, nil}, {psp.Declined, nil}},
		psp.MethodPending:           {{psp.Pending, nil}, {psp.Pending, nil}},
		psp.MethodNever:             {{psp.Pending, nil}, {psp.Pending, nil}},
		psp.MethodTimeoutCharged:    {{"", psp.ErrNoAnswer}, {psp.Approved, nil}},
		psp.MethodTimeoutNotCharged: {{"", psp.ErrNoAnswer}, {psp.Approved, nil}, {psp.Approved, nil}},
		psp.MethodFlaky:             {{"", psp.ErrUnavailable}, {"", psp.ErrUnavailable}, {psp.Approved, nil}},
		"cash":                      {{"", psp.ErrMethod}, {"", psp.ErrMethod}},
	}
	for method, want := range tests {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			l := newLedger()
			var got []answer
			for range want {
				c, err := l.Charge(request("k", method))
				got = append(got, answer{c.Status, err})
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("answers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestChargeRefusesContradictions(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*psp.ChargeRequest)
		want   error
	}{
		"another amount":   {func(r *psp.ChargeRequest) { r.Amount++ }, psp.ErrConflict},
		"another currency": {func(r *psp.ChargeRequest) { r.Currency = "USD" }, psp.ErrConflict},
		"no amount":        {func(r *psp.ChargeRequest) { r.Amount = 0 }, psp.ErrInvalid},
		"no key":           {func(r *psp.ChargeRequest) { r.IdempotencyKey = "" }, psp.ErrInvalid},
		"no currency":      {func(r *psp.ChargeRequest) { r.Currency = "" }, psp.ErrInvalid},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger()
			mustCharge(t, l, request("k", psp.MethodApprove))
			r := request("k", psp.MethodApprove)
			tt.change(&r)
			if _, err := l.Charge(r); !errors.Is(err, tt.want) {
				t.Errorf("Charge(%+v) = %v, want %v", r, err, tt.want)
			}
			if got := l.Summary().Charged; got != 1250 {
				t.Errorf("charged %d, want 1250", got)
			}
		})
	}
}

func TestVoid(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method string // empty: the key is not charged before
		want   psp.Status
		later  psp.Status
	}{
		"unknown key":      {"", psp.Voided, psp.Voided},
		"pending":          {psp.MethodPending, psp.Voided, psp.Voided},
		"never answered":   {psp.MethodNever, psp.Voided, psp.Voided},
		"approved":         {psp.MethodApprove, psp.Approved, psp.Approved},
		"declined":         {psp.MethodDecline, psp.Declined, psp.Declined},
		"lost before":      {psp.MethodTimeoutNotCharged, psp.Voided, psp.Voided},
		"approved, unsaid": {psp.MethodTimeoutCharged, psp.Approved, psp.Approved},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger()
			if tt.method != "" {
				_, _ = l.Charge(request("k", tt.method)) // some methods fail on purpose
			}
			voided, err := l.Void("k")
			if err != nil || voided.Status != tt.want {
				t.Fatalf("Void = %s, %v; want %s", voided.Status, err, tt.want)
			}
			if _, ok := l.Settle("k"); ok {
				t.Error("a voided key was settled")
			}
			if later := mustCharge(t, l, request("k", psp.MethodApprove)); later.Status != tt.later {
				t.Errorf("later charge is %s, want %s", later.Status, tt.later)
			}
		})
	}
}

func TestRefund(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method string
		amount int64
		want   error
	}{
		"approved":    {psp.MethodApprove, 1250, nil},
		"too much":    {psp.MethodApprove, 1251, psp.ErrInvalid},
		"partial":     {psp.MethodApprove, 1, psp.ErrInvalid},
		"declined":    {psp.MethodDecline, 1250, psp.ErrConflict},
		"pending":     {psp.MethodNever, 1250, psp.ErrConflict},
		"unknown key": {"cash", 1250, psp.ErrNotFound},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger()
			_, _ = l.Charge(request("k", tt.method)) // "cash" fails on purpose
			first, err := l.Refund("k", tt.amount)
			if !errors.Is(err, tt.want) {
				t.Fatalf("Refund = %v, want %v", err, tt.want)
			}
			second, _ := l.Refund("k", tt.amount)
			if diff := cmp.Diff(first, second, cmpopts.IgnoreUnexported(psp.Charge{})); diff != "" {
				t.Errorf("second refund differs (-first +second):\n%s", diff)
			}
			if got := l.Summary().Refunded; err == nil && got != tt.amount {
				t.Errorf("refunded %d, want %d", got, tt.amount)
			}
		})
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		want    string
		charged int64
	}{
		psp.MethodPending:        {psp.EventApproved, 1250},
		psp.MethodPendingDecline: {psp.EventDeclined, 0},
		psp.MethodNever:          {"", 0},
		psp.MethodDecline:        {"", 0},
	}
	for method, tt := range tests {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			l := newLedger()
			mustCharge(t, l, request("k", method))
			event, ok := l.Settle("k")
			if event.Type != tt.want || ok != (tt.want != "") {
				t.Errorf("Settle = %q, %v; want %q", event.Type, ok, tt.want)
			}
			if _, again := l.Settle("k"); again {
				t.Error("settled twice")
			}
			if got := l.Summary().Charged; got != tt.charged {
				t.Errorf("charged %d, want %d", got, tt.charged)
			}
		})
	}
}

func TestMovementsAndSummary(t *testing.T) {
	t.Parallel()
	l := newLedger()
	mustCharge(t, l, request("a", psp.MethodApprove))
	mustCharge(t, l, psp.ChargeRequest{IdempotencyKey: "b", Amount: 7, Currency: "USD", PaymentMethod: psp.MethodApprove})
	if _, err := l.Refund("a", 1250); err != nil {
		t.Fatal(err)
	}
	wantMoves := []psp.Movement{
		{Seq: 1, Time: epoch, Type: "charge", IdempotencyKey: "a", Amount: 1250, Currency: "EUR"},
		{Seq: 2, Time: epoch, Type: "charge", IdempotencyKey: "b", Amount: 7, Currency: "USD"},
		{Seq: 3, Time: epoch, Type: "refund", IdempotencyKey: "a", Amount: 1250, Currency: "EUR"},
	}
	if diff := cmp.Diff(wantMoves, l.Movements()); diff != "" {
		t.Errorf("movements (-want +got):\n%s", diff)
	}
	want := psp.Summary{
		Totals: psp.Totals{Charged: 1257, Refunded: 1250, Net: 7, Charges: 2},
		ByCurrency: map[string]psp.Totals{
			"EUR": {Charged: 1250, Refunded: 1250, Charges: 1},
			"USD": {Charged: 7, Net: 7, Charges: 1},
		},
	}
	if diff := cmp.Diff(want, l.Summary()); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

func mustCharge(t *testing.T, l *psp.Ledger, r psp.ChargeRequest) psp.Charge {
	t.Helper()
	c, err := l.Charge(r)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
