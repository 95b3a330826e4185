package inventory

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
)

// Adjustment is a correction of what is physically there of a product: who made it, when, why, and what there was then.
type Adjustment struct {
	ID    string // its idempotency key
	SKU   string
	Delta int64
	After int64 // what was physically there after it, held items included
	By    string
	Note  string
	Time  time.Time
}

// Limits of an adjustment.
const (
	maxAdjustmentID = 255 // characters
	maxNote         = 500
	shownAdjusted   = 20
)

// Adjust corrects what is physically there of a product, once per id. FAILED_PRECONDITION with reason stock_held says that
// orders hold what would be taken away.
func (s Stocking) Adjust(ctx context.Context, a Adjustment) (Stocked, Adjustment, error) {
	if err := a.validate(); err != nil {
		return Stocked{}, a, err
	}
	return s.Items.Adjust(ctx, a)
}

func (a Adjustment) validate() error {
	var bad []fault.Field
	text := func(name, value string, most int) {
		if n := utf8.RuneCountInString(value); n < 1 || n > most || !utf8.ValidString(value) {
			bad = append(bad, fault.Field{Name: name, Message: fmt.Sprintf("is %d characters long: it may be 1 to %d, in UTF-8", n, most)})
		}
	}
	text("adjustment_id", a.ID, maxAdjustmentID)
	text("sku", a.SKU, MaxSKU)
	text("note", a.Note, maxNote)
	if a.Note != "" && strings.TrimSpace(a.Note) == "" {
		bad = append(bad, fault.Field{Name: "note", Message: "is blank: say why"})
	}
	text("by", a.By, maxAdjustmentID)
	if a.Delta == 0 || a.Delta > maxPhysical || a.Delta < -maxPhysical {
		bad = append(bad, fault.Field{Name: "delta", Message: fmt.Sprintf("is %d: it may be -%d to %d, and not 0", a.Delta, maxPhysical, maxPhysical)})
	}
	return fault.Invalid(bad)
}

// Apply is the stock after an adjustment, or why it cannot be made. What is stated moves along: the newest word on what is
// physically there counts, be it a statement or an adjustment.
func (a *Adjustment) Apply(s Stock) (Stock, error) {
	if a.Delta < 0 && s.Available+a.Delta < 0 {
		return s, fault.New(codes.FailedPrecondition, "stock_held",
			"%s: %d cannot be taken away, %d are free and %d are held for orders, which stay held", a.SKU, -a.Delta, s.Available, s.Held)
	}
	if s.Stated+a.Delta > maxPhysical {
		return s, fault.New(codes.FailedPrecondition, "too_much_stock", "%s: %d more would be over %d", a.SKU, a.Delta, maxPhysical)
	}
	s.Available += a.Delta
	s.Stated += a.Delta
	s.Adjusted += a.Delta
	a.After = s.Stated
	return s, nil
}

// Same says whether two adjustments are one: of one product, by as much. Who repeats it, and in which words, does not matter.
func (a Adjustment) Same(b Adjustment) bool { return a.SKU == b.SKU && a.Delta == b.Delta }

// ErrAdjustmentReused says that an adjustment's id was used for another.
var ErrAdjustmentReused = fault.New(codes.InvalidArgument, "idempotency_key_reused",
	"this Idempotency-Key was used for another adjustment: use a new key for a new one")

// Story is a product with its stock, and the last corrections of it, newest first.
func (s Stocking) Story(ctx context.Context, sku string) (Stocked, []Adjustment, error) {
	it, err := s.Items.Get(ctx, sku)
	if err != nil {
		return it, nil, err
	}
	adjustments, err := s.Items.Adjustments(ctx, sku, shownAdjusted)
	return it, adjustments, err
}
