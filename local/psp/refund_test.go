package psp_test

import (
	"errors"
	"testing"

	"orderflow.dev/local/psp"
)

func TestPartsAreRefundedOncePerKeyUpToTheCharge(t *testing.T) {
	t.Parallel()
	l := newLedger()
	if _, err := l.Charge(request("k", psp.MethodApprove)); err != nil { // 1250 EUR
		t.Fatal(err)
	}
	for _, c := range []struct {
		key      string
		amount   int64
		currency string
		want     error
		refunded int64
	}{
		{"r1", 250, "EUR", nil, 250}, {"r1", 250, "EUR", nil, 250}, {"r1", 251, "EUR", psp.ErrConflict, 0},
		{"r2", 1001, "EUR", psp.ErrConflict, 0}, {"r2", 1, "GBP", psp.ErrInvalid, 0}, {"r2", 0, "EUR", psp.ErrInvalid, 0},
		{"", 1, "EUR", psp.ErrInvalid, 0}, {"r2", 1000, "EUR", nil, 1250}, {"r3", 1, "EUR", psp.ErrConflict, 0},
	} {
		got, err := l.RefundAmount("k", c.key, c.amount, c.currency)
		if !errors.Is(err, c.want) || got.Refunded != c.refunded {
			t.Errorf("%d %s as %q: %+v, %v; want %d refunded, %v", c.amount, c.currency, c.key, got, err, c.refunded, c.want)
		}
	}
	if _, err := l.Refund("k", 1250); !errors.Is(err, psp.ErrConflict) {
		t.Errorf("the whole after its parts: %v, want a conflict", err)
	}
	if s := l.Summary(); s.Refunded != 1250 || s.Net != 0 || len(l.Movements()) != 3 {
		t.Errorf("ledger %+v of %d movements, want all refunded in two", s, len(l.Movements()))
	}
}

func TestOnlyAnApprovedChargeIsRefundedInParts(t *testing.T) {
	t.Parallel()
	l := newLedger()
	if _, err := l.RefundAmount("k", "r", 1, "EUR"); !errors.Is(err, psp.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
	for key, method := range map[string]string{"declined": psp.MethodDecline, "pending": psp.MethodPending} {
		if _, err := l.Charge(request(key, method)); err != nil {
			t.Fatal(err)
		}
		if _, err := l.RefundAmount(key, "r", 1, "EUR"); !errors.Is(err, psp.ErrConflict) {
			t.Errorf("%s: %v, want a conflict", key, err)
		}
	}
	if _, err := l.Charge(request("whole", psp.MethodApprove)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Refund("whole", 1250); err != nil {
		t.Fatal(err)
	}
	if _, err := l.RefundAmount("whole", "r", 1, "EUR"); !errors.Is(err, psp.ErrConflict) {
		t.Errorf("a part after the whole: %v, want a conflict", err)
	}
}
