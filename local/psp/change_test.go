package psp

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// everything is a ledger with everything in it that there can be.
func everything(t *testing.T) *Ledger {
	t.Helper()
	l := NewLedger(LedgerOptions{Now: func() time.Time { return time.Unix(1, 2).UTC() }})
	for _, method := range []string{
		MethodApprove, MethodDecline, MethodPending, MethodPendingDecline, MethodNever, MethodFlaky, MethodTimeoutCharged,
		MethodTimeoutNotCharged, MethodTimeoutNotCharged,
	} {
		// The flaky one and the one that times out fail, as they should.
		_, _ = l.Charge(ChargeRequest{IdempotencyKey: method, Amount: 5, Currency: "EUR", PaymentMethod: method})
	}
	l.Settle(MethodPendingDecline)
	if _, err := l.Refund(MethodApprove, 5); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Void("void"); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestASnapshotIsTheLedgerAndMayBeReplayedTwice(t *testing.T) {
	t.Parallel()
	want, got := everything(t), NewLedger(LedgerOptions{})
	var records [][]byte
	if err := (*part)(want).Snapshot(func(r []byte) error {
		records = append(records, slices.Clone(r))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, r := range records {
			if err := (*part)(got).Replay(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	options := cmp.Options{
		cmp.AllowUnexported(Ledger{}, Charge{}), cmpopts.IgnoreFields(Ledger{}, "now", "stream", "mu", "last"),
	}
	if diff := cmp.Diff(want, got, options); diff != "" {
		t.Errorf("ledger (-before +after):\n%s", diff)
	}
	if len(got.attempts) != 1 || len(got.owed) != 1 || len(got.movements) != 4 {
		t.Errorf("the ledger lacks something to compare, or has too much: %+v", got)
	}
}

func TestARecordThatIsNoChangeIsRefused(t *testing.T) {
	t.Parallel()
	if err := (*part)(NewLedger(LedgerOptions{})).Replay([]byte("{")); err == nil {
		t.Error("no error")
	}
}
