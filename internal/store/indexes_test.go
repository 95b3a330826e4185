package store_test

import (
	"context"
	"slices"
	"testing"

	"orderflow.dev/internal/order"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

// planner is a database that notes which indexes its queries run on.
type planner struct {
	memory.Database
	used map[string]bool
}

func (p *planner) Query(ctx context.Context, q store.Query) ([]store.Document, error) {
	index, err := memory.IndexOf(q)
	p.used[index] = true
	if err != nil {
		return nil, err
	}
	return p.Database.Query(ctx, q)
}

// TestEveryIndexIsUsed makes every query there is: an index that none runs on makes writes slower and nothing faster. That
// no query lacks one, the database in memory holds in all tests.
func TestEveryIndexIsUsed(t *testing.T) {
	t.Parallel()
	db := &planner{used: map[string]bool{}}
	ctx := t.Context()
	orders, imports := store.NewOrders(db, nil, clock), store.NewImports(db)
	items := store.NewItems(db, db)
	sweep := func(collection string) func() error {
		return func() error { _, err := store.Sweep(ctx, db, nil, collection, moment, 0); return err }
	}
	for what, query := range map[string]func() error{
		"a customer's orders": func() error { _, _, err := orders.List(ctx, order.ListQuery{CustomerID: "c", PageSize: 1}); return err },
		"those of a status": func() error {
			_, _, err := orders.List(ctx, order.ListQuery{CustomerID: "c", Status: order.Placed, PageSize: 1})
			return err
		},
		"due orders":           func() error { _, err := orders.Due(ctx, moment, 4); return err },
		"all orders":           func() error { return store.Scan(ctx, db, func(*order.Order) {}) },
		"unpublished orders":   sweep("orders"),
		"unpublished payments": sweep("payments"),
		"a day's payments": func() error {
			return store.NewPayments(db, nil, clock).Created(ctx, moment, moment, func(*payment.Payment) error { return nil })
		},
		"imports":      func() error { _, _, err := imports.List(ctx, 1, ""); return err },
		"due imports":  func() error { _, err := imports.Due(ctx, moment, 4); return err },
		"chunks":       func() error { _, err := imports.ChunksOf(ctx, "i", 0, 1); return err },
		"found orders": func() error { _, _, err := orders.Find(ctx, order.FindQuery{PageSize: 1}); return err },
		"found orders in the sweep": func() error {
			_, _, err := orders.Find(ctx, order.FindQuery{PageSize: 1, Unended: true})
			return err
		},
		"adjustments": func() error { _, err := items.Adjustments(ctx, "s", 1); return err },
		"items":       func() error { _, _, err := items.List(ctx, 1, ""); return err },
	} {
		if err := query(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, index := range memory.Indexes() {
		if !db.used[index] {
			t.Errorf("no query runs on the index (%s)", index)
		}
	}
	if all := memory.Indexes(); len(all) == 0 || len(slices.Compact(slices.Sorted(slices.Values(all)))) < len(all) {
		t.Errorf("indexes %q, want some, and each once", all)
	}
}
