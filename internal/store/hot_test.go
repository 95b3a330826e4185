package store_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/store"
)

// A product that is being sold all the time conflicts with every batch it is in, unless it is alone.
func TestAHotProductDoesNotKeepOthersFromBeingUpserted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _, db := items()
		hot := "stock/" + store.DocID("sku-57")
		db.Before = func(op string, writes []store.Write) error {
			isHot := slices.ContainsFunc(writes, func(w store.Write) bool { return w.Path == hot })
			if op == "commit" && isHot && len(writes) > 3 {
				return store.ErrConflict
			}
			return nil
		}
		var all []inventory.Stated
		for i := range 100 {
			all = append(all, stated(fmt.Sprintf("sku-%02d", i), 100, 7))
		}
		upsert(t, s, all...)
		for _, it := range all {
			wantStock(t, s, it.SKU, 7, 0)
		}
	})
}
