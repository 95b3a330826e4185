package inventory_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/inventory"
)

func TestEveryBadFieldOfAnItemIsNamed(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("é", n) } // characters, not bytes
	many := func(n int) []inventory.Stated {
		out := make([]inventory.Stated, n)
		for i := range out {
			out[i] = stated(fmt.Sprint(i), 1, 1)
		}
		return out
	}
	with := func(change func(*inventory.Stated)) []inventory.Stated {
		items := []inventory.Stated{stated("good", 1, 1), stated("X", 1, 1)}
		change(&items[1])
		return items
	}
	for name, c := range map[string]struct {
		items []inventory.Stated
		want  []string
	}{
		"none":           {nil, []string{"items"}},
		"most":           {many(inventory.MaxUpsert), nil},
		"too many":       {many(inventory.MaxUpsert + 1), []string{"items"}},
		"no sku":         {with(func(s *inventory.Stated) { s.SKU = "" }), []string{"items[1].sku"}},
		"longest sku":    {with(func(s *inventory.Stated) { s.SKU = long(64) }), nil},
		"sku too long":   {with(func(s *inventory.Stated) { s.SKU = long(65) }), []string{"items[1].sku"}},
		"sku twice":      {with(func(s *inventory.Stated) { s.SKU = "good" }), []string{"items[1].sku"}},
		"longest name":   {with(func(s *inventory.Stated) { s.Name = long(200) }), nil},
		"name too long":  {with(func(s *inventory.Stated) { s.Name = long(201) }), []string{"items[1].name"}},
		"free":           {with(func(s *inventory.Stated) { s.UnitPrice.MinorUnits = 0 }), nil},
		"negative price": {with(func(s *inventory.Stated) { s.UnitPrice.MinorUnits = -1 }), []string{"items[1].unit_price.minor_units"}},
		"dearest":        {with(func(s *inventory.Stated) { s.UnitPrice.MinorUnits = 1e12 }), nil},
		"too dear":       {with(func(s *inventory.Stated) { s.UnitPrice.MinorUnits = 1e12 + 1 }), []string{"items[1].unit_price.minor_units"}},
		"no price":       {with(func(s *inventory.Stated) { s.UnitPrice = nil }), []string{"items[1].unit_price.currency_code"}},
		"most stock":     {with(func(s *inventory.Stated) { s.Stock = 1e9 }), nil},
		"too much stock": {with(func(s *inventory.Stated) { s.Stock = 1e9 + 1 }), []string{"items[1].stock"}},
		"negative stock": {with(func(s *inventory.Stated) { s.Stock = -1 }), []string{"items[1].stock"}},
		"sku not UTF-8":  {with(func(s *inventory.Stated) { s.SKU = "\xff" }), []string{"items[1].sku"}},
		"name not UTF-8": {with(func(s *inventory.Stated) { s.Name = "\xff" }), []string{"items[1].name"}},
		"everything": {with(func(s *inventory.Stated) { *s = inventory.Stated{Stock: -1} }),
			[]string{"items[1].sku", "items[1].unit_price.currency_code", "items[1].stock"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			_, err := w.stocking.Upsert(t.Context(), 0, c.items)
			if c.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var names []string
			for _, f := range fault.Of(err).Fields {
				names = append(names, f.Name)
			}
			same(t, "bad fields", c.want, names)
			if found, _, err := w.stocking.List(t.Context(), 0, ""); fault.Code(err) != codes.OK || len(found) > 0 {
				t.Errorf("a refused request wrote %v, %v", found, err)
			}
		})
	}
}

func TestPagesOfItemsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var items []inventory.Stated
	for i := range 150 {
		items = append(items, stated(fmt.Sprintf("%03d", i), 1, 1))
	}
	w.upsert(items...)
	for size, want := range map[int]int{0: 100, 1: 1, 1000: 150, 1001: -1, -1: -1} {
		found, _, err := w.stocking.List(t.Context(), size, "")
		if want < 0 && fault.Code(err) != codes.InvalidArgument || want >= 0 && (err != nil || len(found) != want) {
			t.Errorf("page of %d: %d items, %v", size, len(found), err)
		}
	}
	if _, err := w.stocking.Get(t.Context(), "none"); !errors.Is(err, inventory.ErrNotFound) {
		t.Errorf("an item that is not: %v", err)
	}
}
