package inventory

import (
	"context"
	"fmt"
	"unicode/utf8"

	"orderflow.dev/internal/fault"
)

// Limits of requests about items.
const (
	MaxSKU      = 64 // characters
	maxName     = 200
	MaxUpsert   = 500
	maxPrice    = 1_000_000_000_000 // minor units
	maxPhysical = 1_000_000_000
	maxPage     = 1000
)

// Stated is a product as the catalogue states it. Stock is what is physically there, held items included.
type Stated struct {
	Item
	Stock int64
	Line  int64 // of the file that states it; 0 if it is none
}

// Ignored is a product that was left as it is, because another statement about it counts.
type Ignored struct {
	SKU        string
	Generation int64 // of the statement that counts
	Line       int64 // of that
}

// Stocked is a product with its stock.
type Stocked struct {
	Item
	Available, Held int64
}

// ItemStore keeps items and their stock.
type ItemStore interface {
	// Upsert sets items, and adds to what is available the difference to the physical stock last stated. An item that a
	// higher generation has stated, or another line of the same, is left as it is and answered; so is, without a word,
	// what the same line has stated before. Generation 0 always counts.
	Upsert(ctx context.Context, generation int64, items []Stated) ([]Ignored, error)
	// Adjust corrects what is physically there by a.Delta and keeps the adjustment, both or neither; one of this id that was
	// made before is answered as it was, and is ErrAdjustmentReused if it was another.
	Adjust(ctx context.Context, a Adjustment) (Stocked, Adjustment, error)
	// Adjustments are the last adjustments of a product, newest first, so many at most.
	Adjustments(ctx context.Context, sku string, most int) ([]Adjustment, error)
	// Get reads one item; ErrNotFound if there is none.
	Get(ctx context.Context, sku string) (Stocked, error)
	// List is a page by SKU, behind the SKU after; next is empty on the last page.
	List(ctx context.Context, pageSize int, after string) (items []Stocked, next string, err error)
}

// Stocking keeps the catalogue and its stock.
type Stocking struct {
	Items ItemStore
}

// Upsert sets items, as ItemStore does. A second time the same statement changes nothing; reservations survive it.
func (s Stocking) Upsert(ctx context.Context, generation int64, items []Stated) ([]Ignored, error) {
	var bad []fault.Field
	refuse := func(i int, field, format string, args ...any) {
		bad = append(bad, fault.Field{Name: fmt.Sprintf("items[%d].%s", i, field), Message: fmt.Sprintf(format, args...)})
	}
	if n := len(items); n < 1 || n > MaxUpsert {
		bad = append(bad, fault.Field{Name: "items", Message: fmt.Sprintf("are %d: a request has 1 to %d", n, MaxUpsert)})
	}
	seen := map[string]bool{}
	for i, it := range items {
		switch n := utf8.RuneCountInString(it.SKU); {
		case n < 1 || n > MaxSKU:
			refuse(i, "sku", "is %d characters long: it may be 1 to %d", n, MaxSKU)
		case !utf8.ValidString(it.SKU):
			refuse(i, "sku", "is not UTF-8")
		case seen[it.SKU]:
			refuse(i, "sku", "%s is stated twice", it.SKU)
		}
		seen[it.SKU] = true
		if utf8.RuneCountInString(it.Name) > maxName {
			refuse(i, "name", "is over %d characters", maxName)
		}
		if !utf8.ValidString(it.Name) {
			refuse(i, "name", "is not UTF-8")
		}
		if p := it.UnitPrice.GetMinorUnits(); p < 0 || p > maxPrice {
			refuse(i, "unit_price.minor_units", "is %d: it may be 0 to %d", p, int64(maxPrice))
		}
		if len(it.UnitPrice.GetCurrencyCode()) != 3 {
			refuse(i, "unit_price.currency_code", "must be three letters (ISO 4217): GBP")
		}
		if it.Stock < 0 || it.Stock > maxPhysical {
			refuse(i, "stock", "is %d: it may be 0 to %d", it.Stock, maxPhysical)
		}
	}
	if generation < 0 {
		bad = append(bad, fault.Field{Name: "generation", Message: "must not be negative"})
	}
	if err := fault.Invalid(bad); err != nil {
		return nil, err
	}
	return s.Items.Upsert(ctx, generation, items)
}

// Get is one item with its stock.
func (s Stocking) Get(ctx context.Context, sku string) (Stocked, error) { return s.Items.Get(ctx, sku) }

// List is a page of items with their stock, by SKU.
func (s Stocking) List(ctx context.Context, pageSize int, after string) ([]Stocked, string, error) {
	if pageSize == 0 {
		pageSize = 100
	}
	if pageSize < 0 || pageSize > maxPage {
		return nil, "", fault.Invalid([]fault.Field{{Name: "page_size", Message: fmt.Sprintf("is %d: it may be 1 to %d", pageSize, maxPage)}})
	}
	return s.Items.List(ctx, pageSize, after)
}
