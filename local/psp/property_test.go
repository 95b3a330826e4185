package psp_test

import (
	"fmt"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"orderflow.dev/local/psp"
)

// TestLedgerNeverChargesTwice lets several callers do anything to a few keys:
// money moves at most once per key and direction, and never after a void.
func TestLedgerNeverChargesTwice(t *testing.T) {
	t.Parallel()
	methods := []string{
		psp.MethodApprove, psp.MethodDecline, psp.MethodPending, psp.MethodPendingDecline,
		psp.MethodNever, psp.MethodTimeoutCharged, psp.MethodTimeoutNotCharged, psp.MethodFlaky,
	}
	rapid.Check(t, func(t *rapid.T) {
		l := newLedger()
		var wg sync.WaitGroup
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			key := fmt.Sprint("k", rapid.IntRange(1, 3).Draw(t, "key"))
			method := rapid.SampledFrom(methods).Draw(t, "method")
			op := rapid.IntRange(0, 3).Draw(t, "op")
			wg.Go(func() { _ = act(l, op, request(key, method)) })
		}
		wg.Wait()
		checkMovements(t, l)
	})
}

func act(l *psp.Ledger, op int, r psp.ChargeRequest) (err error) {
	switch op {
	case 0:
		_, err = l.Charge(r)
	case 1:
		_, err = l.Void(r.IdempotencyKey)
	case 2:
		_, err = l.Refund(r.IdempotencyKey, r.Amount)
	case 3:
		l.Settle(r.IdempotencyKey)
	}
	return err
}

func checkMovements(t *rapid.T, l *psp.Ledger) {
	seen := map[string]int{}
	for i, m := range l.Movements() {
		c, err := l.Get(m.IdempotencyKey)
		if err != nil || c.Status != psp.Approved {
			t.Fatalf("money moved for %s, which is %s: %v", m.IdempotencyKey, c.Status, err)
		}
		if m.Seq != i+1 {
			t.Fatalf("movement %d has seq %d", i, m.Seq)
		}
		if seen[m.Type+m.IdempotencyKey]++; seen[m.Type+m.IdempotencyKey] > 1 {
			t.Fatalf("second %s of %s", m.Type, m.IdempotencyKey)
		}
	}
	if s := l.Summary(); s.DoubleCharges != 0 || s.Net < 0 {
		t.Fatalf("summary %+v", s)
	}
}
