package store_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

func TestReservationsAndStockComeBackAsTheyWereSaved(t *testing.T) {
	t.Parallel()
	s := store.NewInventory(&memory.Database{})
	held := &inventory.Reservation{OrderID: "o1", State: inventory.Held, Quantities: map[string]int32{"a/b": 2, "..": 1, "é": 3}}
	refused := &inventory.Reservation{OrderID: "o2", State: inventory.Refused, Quantities: map[string]int32{"X": 9}, Short: "X"}
	tombstone := &inventory.Reservation{OrderID: "o3", State: inventory.Released}
	stock := &inventory.Stock{SKU: "a/b", Available: -3, Held: 4, Stated: 1}
	if err := s.Save(t.Context(), []*inventory.Reservation{held, refused, tombstone}, []*inventory.Stock{stock}); err != nil {
		t.Fatal(err)
	}
	found, err := s.Load(t.Context(), []string{"o3", "missing", "o1", "o2"})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		if v.Version == nil {
			t.Errorf("%s has no version", v.OrderID)
		}
		v.Version = nil
	}
	same(t, "reservations", map[string]*inventory.Reservation{"o1": held, "o2": refused, "o3": tombstone}, found)
	level, err := s.LoadStock(t.Context(), []string{"a/b", "none"})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range level {
		v.Version = nil
	}
	same(t, "stock", map[string]*inventory.Stock{"a/b": stock, "none": {SKU: "none"}}, level)
}

func TestSaveOfWhatAnotherChangedIsAConflictAndSavesNothing(t *testing.T) {
	t.Parallel()
	s := store.NewInventory(&memory.Database{})
	save := func(orderID string, st *inventory.Stock) error {
		return s.Save(t.Context(), []*inventory.Reservation{{OrderID: orderID, State: inventory.Held, Quantities: map[string]int32{"X": 1}}}, []*inventory.Stock{st})
	}
	load := func() *inventory.Stock {
		level, err := s.LoadStock(t.Context(), []string{"X"})
		if err != nil {
			t.Fatal(err)
		}
		level["X"].Held++
		return level["X"]
	}
	mine, theirs := load(), load()
	if err := save("o1", theirs); err != nil {
		t.Fatal(err)
	}
	if err := save("o2", mine); !errors.Is(err, inventory.ErrConflict) {
		t.Errorf("stock that another changed: %v", err)
	}
	if err := save("o1", load()); !errors.Is(err, inventory.ErrConflict) {
		t.Errorf("a reservation that another made: %v", err)
	}
	if found, _ := s.Load(t.Context(), []string{"o2"}); len(found) > 0 || load().Held != 2 {
		t.Errorf("a save that failed left %v", found)
	}
}

func items() (*store.Items, *store.Inventory, *memory.Database) {
	db := &memory.Database{}
	return store.NewItems(db, db), store.NewInventory(db), db
}

func stated(sku string, price, stock int64) inventory.Stated {
	return inventory.Stated{Item: inventory.Item{SKU: sku, Name: "name of " + sku, UnitPrice: gbp(price)}, Stock: stock}
}

func upsert(t *testing.T, s *store.Items, items ...inventory.Stated) {
	t.Helper()
	if _, err := s.Upsert(t.Context(), 0, items); err != nil {
		t.Fatal(err)
	}
}

// hold takes n of a product for an order, as a reservation does.
func hold(t *testing.T, s *store.Inventory, sku string, n int64) {
	t.Helper()
	level, err := s.LoadStock(t.Context(), []string{sku})
	if err != nil {
		t.Fatal(err)
	}
	level[sku].Available -= n
	level[sku].Held += n
	if err := s.Save(t.Context(), nil, []*inventory.Stock{level[sku]}); err != nil {
		t.Fatal(err)
	}
}

func wantStock(t *testing.T, s *store.Items, sku string, available, held int64) {
	t.Helper()
	got, err := s.Get(t.Context(), sku)
	if err != nil {
		t.Fatal(err)
	}
	if got.Available != available || got.Held != held {
		t.Errorf("%s: available %d, held %d, want %d and %d", sku, got.Available, got.Held, available, held)
	}
}

func TestUpsertAddsTheDifferenceAndKeepsReservations(t *testing.T) {
	t.Parallel()
	s, inv, _ := items()
	if _, err := s.Get(t.Context(), "X"); !errors.Is(err, inventory.ErrNotFound) {
		t.Errorf("get of none answers %v", err)
	}
	upsert(t, s, stated("X", 5, 10))
	hold(t, inv, "X", 4)
	upsert(t, s, stated("X", 5, 10))
	wantStock(t, s, "X", 6, 4)
	upsert(t, s, stated("X", 5, 15))
	wantStock(t, s, "X", 11, 4)
	upsert(t, s, stated("X", 7, 1)) // less than is held: what is promised is owed
	wantStock(t, s, "X", -3, 4)
	got, err := s.Get(t.Context(), "X")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "item", stated("X", 7, 1).Item, got.Item)
}

func TestRepeatedUpsertWritesNothing(t *testing.T) {
	t.Parallel()
	s, inv, db := items()
	upsert(t, s, stated("X", 5, 10), stated("a/b", 5, 0))
	hold(t, inv, "X", 4)
	commits := 0
	db.Before = countCommits(&commits)
	upsert(t, s, stated("X", 5, 10), stated("a/b", 5, 0))
	if commits != 0 {
		t.Errorf("%d commits, want none", commits)
	}
}

func TestUpsertWhoseAnswerIsLostCanBeRepeated(t *testing.T) {
	t.Parallel()
	s, inv, db := items()
	upsert(t, s, stated("X", 5, 10))
	hold(t, inv, "X", 4)
	db.After = func(op string, _ []store.Write) error {
		if op == "commit" {
			return memory.ErrDeadline
		}
		return nil
	}
	if _, err := s.Upsert(t.Context(), 0, []inventory.Stated{stated("X", 5, 20)}); !errors.Is(err, memory.ErrDeadline) {
		t.Errorf("upsert answers %v", err)
	}
	db.After = nil
	upsert(t, s, stated("X", 5, 20))
	wantStock(t, s, "X", 16, 4)
}

func TestUpsertThatMeetsAReservationKeepsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, inv, db := items()
		upsert(t, s, stated("X", 5, 10))
		met := false
		db.Before = func(op string, _ []store.Write) error {
			if op == "commit" && !met {
				met = true
				hold(t, inv, "X", 3)
			}
			return nil
		}
		upsert(t, s, stated("X", 5, 20))
		wantStock(t, s, "X", 17, 3)
	})
}

func TestLastChangeMovesWithEveryChangeOfAnItemAndOnlyThen(t *testing.T) {
	t.Parallel()
	s, _, db := items()
	s.At(func() time.Time { return moment }) // two changes of one microsecond
	last := func() time.Time {
		at, err := s.LastChange(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	if at := last(); !at.IsZero() {
		t.Errorf("a catalogue that never changed last changed at %v", at)
	}
	upsert(t, s, stated("X", 5, 10))
	first := last()
	upsert(t, s, stated("Y", 5, 10))
	if !last().After(first) {
		t.Error("a new item did not move the last change: it would not be seen at once")
	}
	second := last()
	upsert(t, s, stated("X", 5, 11))
	if !last().Equal(second) {
		t.Error("stock alone moved the last change")
	}
	documents, err := db.Get(t.Context(), "items/"+"WQ")
	if err != nil || !documents[0].UpdateTime.Equal(second) {
		t.Errorf("the item was changed at %v, the catalogue says %v: %v", documents[0].UpdateTime, second, err)
	}
}

func TestItemsAreListedBySKUInPages(t *testing.T) {
	t.Parallel()
	s, inv, _ := items()
	if got, next, err := s.List(t.Context(), 2, ""); len(got) > 0 || next != "" || err != nil {
		t.Errorf("list of nothing: %v, %q, %v", got, next, err)
	}
	upsert(t, s, stated("c", 1, 1), stated("a/b", 1, 5), stated("B", 1, 1), stated("é", 1, 1))
	hold(t, inv, "a/b", 2)
	var got []string
	for after, more := "", true; more; more = after != "" {
		found, next, err := s.List(t.Context(), 2, after)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range found {
			got = append(got, it.SKU)
			if it.SKU == "a/b" && (it.Available != 3 || it.Held != 2) {
				t.Errorf("listed %+v", it)
			}
		}
		after = next
	}
	same(t, "listed", "B a/b c é", strings.Join(got, " "))
}

func TestManyItemsAreUpsertedInSeveralCommits(t *testing.T) {
	t.Parallel()
	s, _, db := items()
	var all []inventory.Stated
	for i := range 450 {
		all = append(all, stated(idOf(i), 1, 1))
	}
	most, commits := 0, 0
	db.Before = func(op string, writes []store.Write) error {
		if op == "commit" {
			commits, most = commits+1, max(most, len(writes))
		}
		return nil
	}
	upsert(t, s, all...)
	if commits != 5 || most > 500 {
		t.Errorf("%d commits of at most %d writes, want 5 of at most 500", commits, most)
	}
}
