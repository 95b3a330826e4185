package inventory_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

// mended is stock of 2 TEA and 9 CUP, of which an order may hold 1 of each, and what mends it.
func mended(t *testing.T, state inventory.State) (*store.Inventory, inventory.Mending, *memory.Database) {
	t.Helper()
	db := &memory.Database{}
	s := store.NewInventory(db)
	held := int64(0)
	var r []*inventory.Reservation
	if state != 0 {
		r = append(r, &inventory.Reservation{OrderID: "o", State: state, Quantities: map[string]int32{"TEA": 1, "CUP": 1}})
	}
	if state == inventory.Held {
		held = 1
	}
	if err := s.Save(t.Context(), r, []*inventory.Stock{
		{SKU: "TEA", Stated: 2, Held: held, Available: 2 - held}, {SKU: "CUP", Stated: 9, Held: held, Available: 9 - held},
	}); err != nil {
		t.Fatal(err)
	}
	return s, inventory.Mending{Store: s}, db
}

// levels are available and held, by product.
func levels(t *testing.T, s *store.Inventory) map[string][2]int64 {
	t.Helper()
	stock, err := s.LoadStock(t.Context(), []string{"TEA", "CUP"})
	if err != nil {
		t.Fatal(err)
	}
	return map[string][2]int64{
		"TEA": {stock["TEA"].Available, stock["TEA"].Held}, "CUP": {stock["CUP"].Available, stock["CUP"].Held},
	}
}

func TestASoldOrderIsHeldAgainWhateverIsThere(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]inventory.State{"lost": 0, "refused": inventory.Refused, "released": inventory.Released, "held with less": inventory.Held} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, mending, _ := mended(t, before)
			for range 2 {
				oversold, err := mending.Hold(t.Context(), "o", map[string]int32{"TEA": 3, "CUP": 1})
				if err != nil {
					t.Fatal(err)
				}
				if len(oversold) > 0 && !cmp.Equal(oversold, []string{"TEA"}) {
					t.Errorf("sold and not there: %v, want TEA", oversold)
				}
			}
			if diff := cmp.Diff(map[string][2]int64{"TEA": {-1, 3}, "CUP": {8, 1}}, levels(t, s)); diff != "" {
				t.Errorf("available and held (-want +got):\n%s", diff)
			}
		})
	}
}

func TestARefusalIsRecordedAndHoldsNothing(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]inventory.State{"lost": 0, "held": inventory.Held, "released": inventory.Released} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, mending, _ := mended(t, before)
			if err := mending.Refuse(t.Context(), "o", map[string]int32{"TEA": 3, "CUP": 1}); err != nil {
				t.Fatal(err)
			}
			found, err := s.Load(t.Context(), []string{"o"})
			if err != nil || found["o"].State != inventory.Refused || found["o"].Short != "CUP" {
				t.Errorf("reservation %+v, error %v, want it refused for a product of its own", found["o"], err)
			}
			if diff := cmp.Diff(map[string][2]int64{"TEA": {2, 0}, "CUP": {9, 0}}, levels(t, s)); diff != "" {
				t.Errorf("available and held (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStockIsRecountedUnlessItMoved(t *testing.T) {
	t.Parallel()
	s, mending, _ := mended(t, inventory.Held)
	seen, err := s.LoadStock(t.Context(), []string{"TEA"})
	if err != nil {
		t.Fatal(err)
	}
	if err := mending.Recount(t.Context(), *seen["TEA"], 2); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][2]int64{"TEA": {0, 2}, "CUP": {8, 1}}, levels(t, s)); diff != "" {
		t.Errorf("available and held (-want +got):\n%s", diff)
	}
	if err := mending.Recount(t.Context(), *seen["TEA"], 1); !errors.Is(err, inventory.ErrConflict) {
		t.Errorf("stock that moved was counted again: %v", err)
	}
}

func TestAMendYieldsToReservationsAndRefusesNonsense(t *testing.T) {
	t.Parallel()
	s, mending, db := mended(t, 0)
	conflicts := 0
	db.Before = func(op string, writes []store.Write) error {
		if op == "commit" && len(writes) > 1 && conflicts < 2 {
			conflicts++
			return store.ErrConflict
		}
		return nil
	}
	if _, err := mending.Hold(t.Context(), "o", map[string]int32{"TEA": 1}); err != nil || conflicts != 2 {
		t.Errorf("after %d conflicts: %v", conflicts, err)
	}
	if _, err := mending.Hold(t.Context(), "o", nil); fault.Code(err) != codes.InvalidArgument {
		t.Errorf("an order of nothing was held: %v", err)
	}
	if got := levels(t, s)["TEA"]; got != [2]int64{1, 1} {
		t.Errorf("available and held %v", got)
	}
}
