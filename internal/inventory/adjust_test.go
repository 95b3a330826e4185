package inventory_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/inventory"
)

func adjustment(id, sku string, delta int64) inventory.Adjustment {
	return inventory.Adjustment{ID: id, SKU: sku, Delta: delta, By: "olga", Note: "counted again"}
}

func (w *world) adjust(id string, delta int64) (inventory.Adjustment, error) {
	w.t.Helper()
	_, a, err := w.stocking.Adjust(w.t.Context(), adjustment(id, "mug", delta))
	return a, err
}

func TestAnAdjustmentIsMadeOncePerID(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.upsert(stated("mug", 250, 10))
		if _, err := w.reserving.Reserve(t.Context(), "o1", map[string]int32{"mug": 4}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			id    string
			delta int64
			after int64 // there, held included
			want  string
		}{
			{"a", -3, 7, ""}, {"a", -3, 7, ""}, {"a", -2, 0, "idempotency_key_reused"}, {"b", -4, 0, "stock_held"}, {"b", -3, 4, ""},
			{"c", 5, 9, ""}, {"d", 1_000_000_000, 0, "too_much_stock"},
		} {
			a, err := w.adjust(c.id, c.delta)
			if fault.Reason(err) != c.want || err == nil && a.After != c.after {
				t.Errorf("%s by %d: %+v, %v; want %d after it, %q", c.id, c.delta, a, err, c.after, c.want)
			}
		}
		w.wantStock("mug", 5, 4)
		it, history, err := w.stocking.Story(t.Context(), "mug")
		if err != nil || it.Available != 5 || len(history) != 3 {
			t.Errorf("story %+v %+v, %v; want 3 adjustments", it, history, err)
		}
		for _, a := range history {
			if a.By != "olga" || a.Note == "" || a.Time.IsZero() {
				t.Errorf("kept is %+v, want who, why and when", a)
			}
		}
	})
}

func TestAdjustmentsAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.upsert(stated("mug", 250, 10))
		for name, c := range map[string]struct {
			change func(*inventory.Adjustment)
			want   string
		}{
			"of no product":  {func(a *inventory.Adjustment) { a.SKU = "none" }, "unknown_sku"},
			"by nothing":     {func(a *inventory.Adjustment) { a.Delta = 0 }, "invalid_request"},
			"by too much":    {func(a *inventory.Adjustment) { a.Delta = -1_000_000_001 }, "invalid_request"},
			"without an id":  {func(a *inventory.Adjustment) { a.ID = "" }, "invalid_request"},
			"a long id":      {func(a *inventory.Adjustment) { a.ID = strings.Repeat("i", 256) }, "invalid_request"},
			"for no reason":  {func(a *inventory.Adjustment) { a.Note = "" }, "invalid_request"},
			"a blank reason": {func(a *inventory.Adjustment) { a.Note = "  " }, "invalid_request"},
			"by nobody":      {func(a *inventory.Adjustment) { a.By = "" }, "invalid_request"},
			"no UTF-8":       {func(a *inventory.Adjustment) { a.Note = "\xff" }, "invalid_request"},
			"without a SKU":  {func(a *inventory.Adjustment) { a.SKU = "" }, "invalid_request"},
			"of what is not": {func(a *inventory.Adjustment) { a.Delta = -11 }, "stock_held"},
		} {
			a := adjustment("a", "mug", -1)
			c.change(&a)
			if _, _, err := w.stocking.Adjust(t.Context(), a); fault.Reason(err) != c.want {
				t.Errorf("%s: %v, want %s", name, err, c.want)
			}
		}
		w.wantStock("mug", 10, 0)
	})
}

// TestStatementsAndAdjustmentsDoNotFight: the newest word on what is there counts, and what comes again is not new.
func TestStatementsAndAdjustmentsDoNotFight(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		file := func(generation, stock int64) {
			t.Helper()
			it := stated("mug", 250, stock)
			it.Line = 2
			if _, err := w.stocking.Upsert(t.Context(), generation, []inventory.Stated{it}); err != nil {
				t.Fatal(err)
			}
		}
		file(7, 10)
		if _, err := w.adjust("a", -3); err != nil {
			t.Fatal(err)
		}
		w.wantStock("mug", 7, 0)
		file(7, 10) // the chunk comes again
		file(6, 12) // an older file is worked late
		w.wantStock("mug", 7, 0)
		file(8, 10) // somebody counted
		w.wantStock("mug", 10, 0)
		if _, err := w.adjust("a", -3); err != nil { // it comes again
			t.Fatal(err)
		}
		w.wantStock("mug", 10, 0)
	})
}

func TestAdjustmentsAndOrdersAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.upsert(stated("mug", 250, 100))
		var g sync.WaitGroup
		for i := range 20 {
			g.Go(func() { _, _ = w.reserving.Reserve(t.Context(), fmt.Sprint("o", i), map[string]int32{"mug": 2}) })
			g.Go(func() {
				if _, err := w.adjust(fmt.Sprint("a", i%10), -1); err != nil {
					t.Errorf("adjustment %d: %v", i, err)
				}
			})
		}
		g.Wait()
		w.wantStock("mug", 50, 40)
	})
}
