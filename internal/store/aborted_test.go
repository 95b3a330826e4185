package store_test

import (
	"testing"
	"testing/synctest"
	"time"

	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

// TestAbortedIsNotTakenForAConflict: a simulation found dead letters dropped, and customers told 404 when they
// placed an order, because ABORTED was taken for ALREADY_EXISTS.
func TestAbortedIsNotTakenForAConflict(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		aborts := 3
		db := &memory.Database{Before: func(op string, _ []store.Write) error {
			if op == "commit" && aborts > 0 {
				aborts--
				return store.ErrAborted
			}
			return nil
		}}
		if err := store.NewDeadLetters(db, time.Now).Park(t.Context(), "m1", "f", "why", event.Message{}); err != nil {
			t.Fatal(err)
		}
		found, err := db.Query(t.Context(), store.Query{Collection: "dead_letters", Limit: 1})
		if err != nil || len(found) != 1 {
			t.Errorf("%d dead letters (%v), want 1", len(found), err)
		}
		if aborts = 1000; store.NewDeadLetters(db, time.Now).Park(t.Context(), "m2", "f", "why", event.Message{}) == nil {
			t.Error("what was never written is acknowledged")
		}
	})
}
