package importing

import (
	"context"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/importing/rows"
)

// Item is a product as a row of a catalogue states it.
type Item struct {
	SKU, Name string
	UnitPrice int64 // minor units of Currency
	Currency  string
	Stock     int64 // what is physically there, held items included
	Line      int64 // of the file
}

// Statement is where it is said how a product is: in which generation of a file, and on which line.
type Statement struct {
	Generation, Line int64
}

// Items keeps the products.
type Items interface {
	// Upsert sets products, each of them once and at most a batch's (checkpointOrders). Of two files that state a product the one with the higher generation
	// counts, whichever comes first; of two lines of one file the first that comes. Products that another statement
	// counts for are left as they are and answered, by SKU. Again, it changes nothing and answers the same.
	// InvalidArgument if any product is refused.
	Upsert(ctx context.Context, generation int64, items []Item) (map[string]Statement, error)
}

// state sets the products of a batch's rows and says in its results what came of each.
func (w Worker) state(ctx context.Context, im *Import, b *batch) error {
	var (
		items   []Item
		results []*result
	)
	lines := map[string]int64{} // of products of this batch; those of batches before are known to Items
	for i, g := range b.groups {
		row, r := g.Rows[0], b.results[i]
		if r.err != nil {
			continue
		}
		if line, twice := lines[row.SKU]; twice {
			r.err = repeatedItem(row.SKU, line)
			continue
		}
		lines[row.SKU] = row.Line
		items, results = append(items, item(row)), append(results, r)
	}
	return w.set(ctx, im, items, results)
}

func item(row rows.Row) Item {
	return Item{SKU: row.SKU, Name: row.Name, UnitPrice: *row.UnitPrice, Currency: row.Currency, Stock: row.Stock, Line: row.Line}
}

// set sets products. If they are refused, it sets each alone, so that a product is refused for itself only.
func (w Worker) set(ctx context.Context, im *Import, items []Item, results []*result) error {
	if len(items) == 0 {
		return nil
	}
	others, err := w.Items.Upsert(ctx, im.Upload.Generation, items)
	switch {
	case fault.Code(err) == codes.InvalidArgument && len(items) == 1:
		results[0].err = err
		return nil
	case fault.Code(err) == codes.InvalidArgument:
		for i := range items {
			if err := w.set(ctx, im, items[i:i+1], results[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	case err != nil:
		return err
	}
	for i, it := range items {
		if other, ok := others[it.SKU]; ok {
			results[i].leave(im, it, other)
		}
	}
	return nil
}

// leave says that a product was left as another statement has it: that of a newer file, or of another row of this one.
func (r *result) leave(im *Import, it Item, other Statement) {
	if r.superseded = other.Generation != im.Upload.Generation; !r.superseded {
		r.err = repeatedItem(it.SKU, other.Line)
	}
}

func repeatedItem(sku string, line int64) error {
	return fault.New(codes.InvalidArgument, "repeated_sku", "sku %s is on line %d already: a product has one row", sku, line)
}

// countItem counts what came of a row of a catalogue.
func (t *Tally) countItem(r result) {
	switch {
	case r.err != nil:
		t.RejectedRows++
		t.Reasons = sum(t.Reasons, map[string]int64{reasonOf(r.err): 1})
	case r.superseded:
		t.Superseded++
	default:
		t.Items++
	}
}
