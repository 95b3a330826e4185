package promise_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/internal/promise"
)

// violations are what a check finds, by promise.
func violations(verdicts []promise.Verdict) map[string][]promise.Violation {
	found := map[string][]promise.Violation{}
	for _, v := range verdicts {
		if len(v.Violations) > 0 {
			found[v.Promise] = v.Violations
		}
	}
	return found
}

func TestWorldsWithoutBugsKeepEveryPromise(t *testing.T) {
	t.Parallel()
	unread := ended(t)
	unread.StockMoved = true
	unread.Stock[0].Held, unread.Stock[0].Available = 0, 20
	for name, c := range map[string]struct {
		world promise.World
		now   time.Time
		quiet bool
	}{
		"nothing at all":               {promise.World{}, later, true},
		"every ending":                 {ended(t), later, true},
		"every ending, not yet quiet":  {ended(t), later, false},
		"orders on their way":          {underWay(t), moment.Add(time.Minute), false},
		"stock that moves is not held": {unread, later, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(map[string][]promise.Violation{}, violations(promise.Check(c.world, c.now, c.quiet))); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVerdictsSayWhatWasChecked(t *testing.T) {
	t.Parallel()
	got := map[string]int{}
	for _, v := range promise.Check(ended(t), later, true) {
		got[v.Promise] = v.Checked
	}
	want := map[string]int{
		promise.AcknowledgedExists: 9, promise.OneOrderPerKey: 8, promise.MoneyFollowsOrder: 8, promise.RefundedAsRequested: 2, promise.PaymentMatchesOrder: 8,
		promise.StockAddsUp: 3, promise.ReservationFollowsOrder: 8, promise.EndedInTime: 8, promise.CancelledIsUndone: 5,
		promise.TroubleNeverCancels: 5, promise.JournalIsLegal: 16, promise.FieldsMatchJournal: 16,
		promise.EventsArePublished: 16, promise.DeadLettersListed: 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("checked (-want +got):\n%s", diff)
	}
}

func TestOnItsWay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		world            promise.World
		orders, journals int
	}{
		"every ending": {ended(t), 0, 0},
		"under way":    {underWay(t), 4, 1},
	} {
		if orders, journals := c.world.OnItsWay(); orders != c.orders || journals != c.journals {
			t.Errorf("%s: %d orders and %d journals are on their way, want %d and %d", name, orders, journals, c.orders, c.journals)
		}
	}
}

func TestViolationsNameTheOrderAndWhy(t *testing.T) {
	t.Parallel()
	w := ended(t)
	w.Ledger = w.Ledger[1:]
	got := violations(promise.Check(w, later, true))
	want := map[string][]promise.Violation{promise.MoneyFollowsOrder: {
		{OrderID: idOf("confirmed"), Why: "it is CONFIRMED, and the provider keeps 0 of 2500"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}

// TestAnUnreadableDocumentIsOneViolation: what cannot be read is not also missing.
func TestAnUnreadableDocumentIsOneViolation(t *testing.T) {
	t.Parallel()
	w := ended(t)
	id := idOf("confirmed")
	without(&w.Orders, func(o promise.Order) bool { return o.ID == id })
	w.Unreadable = []promise.Unreadable{{Path: "orders/" + id, OrderID: id, Why: "garbage"}}
	want := map[string][]promise.Violation{promise.JournalIsLegal: {{OrderID: id, Why: "orders/" + id + " cannot be read: garbage"}}}
	if diff := cmp.Diff(want, violations(promise.Check(w, later, true))); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}
