package store_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"

	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

// at is a statement by a line of a file.
func at(line int64, it inventory.Stated) inventory.Stated {
	it.Line = line
	return it
}

// upsertOf states items by a generation and checks which are left as they are.
func upsertOf(t *testing.T, s *store.Items, generation int64, items []inventory.Stated, want ...inventory.Ignored) {
	t.Helper()
	got, err := s.Upsert(t.Context(), generation, items)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 0 || len(want) != 0 {
		same(t, fmt.Sprint("left by generation ", generation), want, got)
	}
}

func wantPrice(t *testing.T, s *store.Items, sku string, price int64) {
	t.Helper()
	if got, err := s.Get(t.Context(), sku); err != nil || got.UnitPrice.GetMinorUnits() != price {
		t.Errorf("%s costs %v, error %v, want %d", sku, got.UnitPrice, err, price)
	}
}

func TestAnOlderStatementChangesNothing(t *testing.T) {
	t.Parallel()
	s, inv, _ := items()
	upsertOf(t, s, 7, []inventory.Stated{at(2, stated("X", 5, 10))})
	hold(t, inv, "X", 4)
	older := []inventory.Stated{at(2, stated("X", 9, 50)), at(3, stated("Y", 1, 1))}
	upsertOf(t, s, 6, older, inventory.Ignored{SKU: "X", Generation: 7, Line: 2})
	wantStock(t, s, "X", 6, 4)
	wantPrice(t, s, "X", 5)
	wantStock(t, s, "Y", 1, 0) // of which only the older one speaks
	upsertOf(t, s, 8, []inventory.Stated{at(2, stated("X", 6, 10))})
	upsertOf(t, s, 7, []inventory.Stated{at(2, stated("X", 5, 10))}, inventory.Ignored{SKU: "X", Generation: 8, Line: 2})
	wantStock(t, s, "X", 6, 4) // 8 stated the level that 7 had stated: its mark stays
	wantPrice(t, s, "X", 6)
}

func TestTheSameStatementAgainWritesNothing(t *testing.T) {
	t.Parallel()
	s, inv, db := items()
	file := []inventory.Stated{at(2, stated("X", 5, 10)), at(3, stated("a/b", 5, 0))}
	upsertOf(t, s, 7, file)
	hold(t, inv, "X", 4)
	commits := 0
	db.Before = countCommits(&commits)
	upsertOf(t, s, 7, file)
	if commits != 0 {
		t.Errorf("%d commits, want none", commits)
	}
	wantStock(t, s, "X", 6, 4)
}

func TestOfTwoLinesOfOneFileTheFirstCounts(t *testing.T) {
	t.Parallel()
	s, _, _ := items()
	upsertOf(t, s, 7, []inventory.Stated{at(2, stated("X", 5, 10))})
	upsertOf(t, s, 7, []inventory.Stated{at(900, stated("X", 6, 20))}, inventory.Ignored{SKU: "X", Generation: 7, Line: 2})
	wantStock(t, s, "X", 10, 0)
	wantPrice(t, s, "X", 5)
}

// What is loaded by hand counts always, and what comes again of a file before it does not undo it.
func TestStatementWithoutGenerationCountsAlways(t *testing.T) {
	t.Parallel()
	s, inv, _ := items()
	file := []inventory.Stated{at(2, stated("X", 5, 10))}
	upsertOf(t, s, 7, file)
	hold(t, inv, "X", 4)
	upsert(t, s, stated("X", 6, 20))
	upsertOf(t, s, 7, file)
	wantStock(t, s, "X", 16, 4)
	wantPrice(t, s, "X", 6)
	upsertOf(t, s, 6, file, inventory.Ignored{SKU: "X", Generation: 7, Line: 2})
	upsertOf(t, s, 8, file)
	wantStock(t, s, "X", 6, 4)
	wantPrice(t, s, "X", 5)
}

// A new file that changes no name and no price is none of the listeners' business.
func TestGenerationAloneIsNoChangeOfTheCatalogue(t *testing.T) {
	t.Parallel()
	s, _, _ := items()
	upsertOf(t, s, 7, []inventory.Stated{at(2, stated("X", 5, 10))})
	before, err := s.LastChange(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	upsertOf(t, s, 8, []inventory.Stated{at(2, stated("X", 5, 30))})
	if after, err := s.LastChange(t.Context()); err != nil || !after.Equal(before) {
		t.Errorf("the catalogue changed at %v, then at %v: %v", before, after, err)
	}
}

// Files of many generations are worked all at once, again and again, while products are sold: in the end everything is as
// the highest states it, and what is held is held.
func TestTheNewestFileCountsWhateverTheOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const products, generations, sold = 5, 6, 10
		db := &memory.Database{}
		db.Before = func(string, []store.Write) error {
			if rand.IntN(20) == 0 {
				return memory.ErrUnavailable
			}
			return nil
		}
		s, inv := store.NewItems(db, db), store.NewInventory(db)
		var wg sync.WaitGroup
		for g := range int64(generations) {
			for range 3 {
				wg.Go(func() {
					var file []inventory.Stated
					for i := range products {
						file = append(file, at(int64(i+2), stated(fmt.Sprint("P", i), g+1, 100*(g+1))))
					}
					for {
						if _, err := s.Upsert(t.Context(), g+1, file); err == nil {
							return
						}
					}
				})
			}
		}
		for range sold {
			wg.Go(func() { sell(t, inv, "P0") })
		}
		wg.Wait()
		db.Before = nil
		for i := range products {
			held := int64(0)
			if i == 0 {
				held = sold
			}
			wantStock(t, s, fmt.Sprint("P", i), 100*generations-held, held)
			wantPrice(t, s, fmt.Sprint("P", i), generations)
		}
	})
}

// sell holds one of a product, whatever it takes.
func sell(t *testing.T, inv *store.Inventory, sku string) {
	for {
		level, err := inv.LoadStock(t.Context(), []string{sku})
		if err != nil {
			continue
		}
		level[sku].Available--
		level[sku].Held++
		if inv.Save(t.Context(), nil, []*inventory.Stock{level[sku]}) == nil {
			return
		}
	}
}
