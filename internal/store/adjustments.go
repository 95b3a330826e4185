package store

import (
	"context"
	"encoding/base64"
	"path"
	"time"

	"orderflow.dev/internal/inventory"
)

const (
	fieldAdjusted   = "adjusted" // of stock: the sum of its adjustments
	fieldAdjustTime = "adjust_time"
)

// Adjust implements inventory.ItemStore: stock/{sku} and adjustments/{id} in one commit, so that a correction is kept
// exactly if it was made.
func (s *Items) Adjust(ctx context.Context, a inventory.Adjustment) (it inventory.Stocked, made inventory.Adjustment, err error) {
	err = retry(ctx, func() error {
		documents, err := s.db.Get(ctx, "items/"+docID(a.SKU), "stock/"+docID(a.SKU), "adjustments/"+docID(a.ID))
		if err != nil {
			return err
		}
		item, stock, before := documents[0], documents[1], documents[2]
		if before.Exists() {
			it, made = stocked(item, stock), ReadAdjustment(before)
			if !made.Same(a) {
				return inventory.ErrAdjustmentReused
			}
			return nil
		}
		if !item.Exists() {
			return inventory.ErrNotFound
		}
		made = a
		made.Time = s.now().UTC().Truncate(time.Microsecond)
		after, err := made.Apply(*ReadStock(stock))
		if err != nil {
			return err
		}
		after.SKU = a.SKU
		w := stockWrite(&after)
		w.Fields[fieldAdjusted] = after.Adjusted
		it = inventory.Stocked{Item: readItem(item), Available: after.Available, Held: after.Held}
		_, err = commit(ctx, s.db, w, adjustmentWrite(made))
		return err
	})
	return it, made, err
}

func adjustmentWrite(a inventory.Adjustment) Write {
	return Write{Path: "adjustments/" + docID(a.ID), Fields: Fields{
		"sku": a.SKU, "delta": a.Delta, "stock_after": a.After, "by": a.By, "note": a.Note, fieldAdjustTime: a.Time,
	}}
}

// ReadAdjustment reads an adjustment from its document.
func ReadAdjustment(d Document) inventory.Adjustment {
	id, _ := base64.RawURLEncoding.DecodeString(path.Base(d.Path)) // docID made it
	return inventory.Adjustment{
		ID: string(id), SKU: d.text("sku"), Delta: d.number("delta"), After: d.number("stock_after"),
		By: d.text("by"), Note: d.text("note"), Time: d.timestamp(fieldAdjustTime),
	}
}

// Adjustments implements inventory.ItemStore. It runs on the index (sku, adjust_time desc).
func (s *Items) Adjustments(ctx context.Context, sku string, most int) ([]inventory.Adjustment, error) {
	documents, err := s.db.Query(ctx, Query{
		Collection: "adjustments", Limit: most, Where: []Where{{"sku", "==", sku}}, OrderBy: []Order{{fieldAdjustTime, true}},
	})
	if err != nil {
		return nil, err
	}
	adjustments := make([]inventory.Adjustment, len(documents))
	for i, d := range documents {
		adjustments[i] = ReadAdjustment(d)
	}
	return adjustments, nil
}
