package inventory_test

import (
	"fmt"
	"sync"
	"testing"

	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/store"
)

// The stock of a group of large releases is more than one commit holds.
func TestReleasesOfLargeOrdersAreDecidedInHalves(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		const orders = 5
		large := make([]map[string]int32, orders)
		for o := range large {
			large[o] = map[string]int32{}
			var items []inventory.Stated
			for i := range inventory.MaxLines {
				sku := fmt.Sprintf("%d-%d", o, i)
				large[o][sku] = 1
				items = append(items, stated(sku, 1, 1))
			}
			w.upsert(items[:inventory.MaxUpsert]...)
			w.upsert(items[inventory.MaxUpsert:]...)
			if _, err := w.reserving.Reserve(t.Context(), fmt.Sprint("o", o), large[o]); err != nil {
				t.Fatal(err)
			}
		}
		w.db.Before = func(op string, writes []store.Write) error {
			if len(writes) > 2*inventory.MaxLines+orders {
				return fmt.Errorf("%s of %d documents", op, len(writes))
			}
			return nil
		}
		var wg sync.WaitGroup
		for o := range large {
			wg.Go(func() {
				if r, err := w.reserving.Release(t.Context(), fmt.Sprint("o", o)); err != nil || r.State != inventory.Released {
					t.Errorf("release %d: %v %v", o, r, err)
				}
			})
		}
		wg.Wait()
		for o := range large {
			for _, i := range []int{0, inventory.MaxLines - 1} {
				w.wantStock(fmt.Sprintf("%d-%d", o, i), 1, 0)
			}
		}
	})
}
