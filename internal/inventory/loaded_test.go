package inventory_test

import (
	"context"
	"testing"
	"time"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/inventory"
)

func TestACatalogueIsLoadedOnceItsListenerHasSpoken(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		l := &listener{}
		speak := l.silence()
		w.db.Before = l.hook
		c := inventory.NewCatalogue(w.items, time.Now)
		go c.Run(t.Context(), func(error) {})
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Loaded(impatient); fault.Reason(err) != "catalogue_stale" {
			t.Errorf("while the listener is silent: %v, want catalogue_stale", err)
		}
		speak()
		if err := c.Loaded(t.Context()); err != nil {
			t.Errorf("once it has spoken: %v", err)
		}
	})
}
