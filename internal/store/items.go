package store

import (
	"context"
	"encoding/base64"
	"errors"
	"path"
	"time"

	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/backoff"
	"orderflow.dev/internal/inventory"
)

// Watcher is a database that can be listened to.
type Watcher interface {
	Watch(ctx context.Context, collection string, changed func(set []Document, deleted []string, at time.Time)) error
}

// Items is inventory.ItemStore and inventory.CatalogueStore: items/{sku}, stock/{sku}, and catalogue/state, which every
// change of an item touches.
type Items struct {
	db    Database
	watch Watcher
	now   func() time.Time
}

// NewItems keeps items in db and listens to them by watch.
func NewItems(db Database, watch Watcher) *Items { return &Items{db, watch, time.Now} }

const catalogueState = "catalogue/state"

// upsertBatch bounds one commit of Upsert: two documents an item.
const upsertBatch = 100

// Upsert implements inventory.ItemStore. A batch that meets another writer is tried again smaller, so that a product which
// is being sold all the time is in the end tried alone.
func (s *Items) Upsert(ctx context.Context, generation int64, items []inventory.Stated) ([]inventory.Ignored, error) {
	batch := upsertBatch
	var ignored []inventory.Ignored
	for conflicts := 0; len(items) > 0; {
		n := min(len(items), batch)
		more, err := s.upsert(ctx, generation, items[:n])
		switch {
		case err == nil:
			ignored = append(ignored, more...)
			items, batch, conflicts = items[n:], min(2*batch, upsertBatch), 0
		case errors.Is(err, ErrConflict) && conflicts < maxConflicts:
			if err := backoff.Wait(ctx, conflicts, firstWait, mostWait); err != nil {
				return nil, err
			}
			batch = max(1, n/2)
			conflicts++
		default:
			return nil, err
		}
	}
	return ignored, nil
}

func (s *Items) upsert(ctx context.Context, generation int64, items []inventory.Stated) (ignored []inventory.Ignored, err error) {
	paths := make([]string, 0, 2*len(items)+1)
	for _, it := range items {
		paths = append(paths, "items/"+docID(it.SKU), "stock/"+docID(it.SKU))
	}
	documents, err := s.db.Get(ctx, append(paths, catalogueState)...)
	if err != nil {
		return nil, err
	}
	var named, stocked []Write
	for i, it := range items {
		item, stock := documents[2*i], documents[2*i+1]
		if counts, other := stands(stock, generation, it); !counts {
			ignored = append(ignored, other...)
			continue
		}
		if !sameItem(item, it) {
			named = append(named, itemWrite(item, it))
		}
		if w := statedWrite(stock, generation, it); w != nil {
			stocked = append(stocked, *w)
		}
	}
	if len(named) > 0 {
		named = append(named, s.changed(documents[len(documents)-1]))
	}
	if writes := append(named, stocked...); len(writes) > 0 {
		_, err = commit(ctx, s.db, writes...)
	}
	return ignored, err
}

// Every statement of a generation leaves its mark on the product's stock: it decides for name and price too, which are
// written in the same commit. The item itself has none, as everybody who listens to it would hear of every file.
const (
	fieldGeneration = "stated_generation"
	fieldLine       = "stated_line"
)

// stands says whether a statement counts, and if another one does instead, which.
func stands(stock Document, generation int64, it inventory.Stated) (counts bool, other []inventory.Ignored) {
	last, line := stock.number(fieldGeneration), stock.number(fieldLine)
	switch {
	case generation == 0 || generation > last:
		return true, nil
	case generation == last && line == it.Line:
		return false, nil
	}
	return false, []inventory.Ignored{{SKU: it.SKU, Generation: last, Line: line}}
}

func itemWrite(item Document, it inventory.Stated) Write {
	return Write{Path: item.Path, As: item.UpdateTime, Fields: Fields{
		"sku": it.SKU, "name": it.Name, "currency_code": it.UnitPrice.GetCurrencyCode(), "minor_units": it.UnitPrice.GetMinorUnits(),
	}}
}

// statedWrite adds the difference to the level stated last; nil if there is nothing to write.
func statedWrite(stock Document, generation int64, it inventory.Stated) *Write {
	if generation == 0 && stock.Exists() && stock.number("stated") == it.Stock {
		return nil
	}
	w := stockWrite(&inventory.Stock{
		SKU: it.SKU, Available: stock.number("available") + it.Stock - stock.number("stated"), Held: stock.number("held"),
		Stated: it.Stock, Version: stock.UpdateTime,
	})
	if generation > 0 {
		w.Fields[fieldGeneration], w.Fields[fieldLine] = generation, it.Line
	}
	return &w
}

// changed marks the catalogue as changed. The count makes it a change whatever the clock says: a write that changes
// nothing keeps the update time.
func (s *Items) changed(state Document) Write {
	return Write{Path: catalogueState, As: state.UpdateTime, Fields: Fields{
		"change_time": s.now(), "changes": state.number("changes") + 1,
	}}
}

func sameItem(d Document, it inventory.Stated) bool {
	return d.Exists() && d.text("name") == it.Name && d.text("currency_code") == it.UnitPrice.GetCurrencyCode() &&
		d.number("minor_units") == it.UnitPrice.GetMinorUnits()
}

// Get implements inventory.ItemStore.
func (s *Items) Get(ctx context.Context, sku string) (inventory.Stocked, error) {
	documents, err := s.db.Get(ctx, "items/"+docID(sku), "stock/"+docID(sku))
	if err != nil {
		return inventory.Stocked{}, err
	}
	if !documents[0].Exists() {
		return inventory.Stocked{}, inventory.ErrNotFound
	}
	return stocked(documents[0], documents[1]), nil
}

// List implements inventory.ItemStore.
func (s *Items) List(ctx context.Context, pageSize int, after string) ([]inventory.Stocked, string, error) {
	q := Query{Collection: "items", OrderBy: []Order{{Field: "sku"}}, Limit: pageSize + 1}
	if after != "" {
		q.After = []any{after}
	}
	items, err := s.db.Query(ctx, q)
	if err != nil || len(items) == 0 {
		return nil, "", err
	}
	var next string
	if len(items) > pageSize {
		items = items[:pageSize]
		next = items[pageSize-1].text("sku")
	}
	paths := make([]string, len(items))
	for i, it := range items {
		paths[i] = "stock/" + docID(it.text("sku"))
	}
	stock, err := s.db.Get(ctx, paths...)
	if err != nil {
		return nil, "", err
	}
	out := make([]inventory.Stocked, len(items))
	for i := range items {
		out[i] = stocked(items[i], stock[i])
	}
	return out, next, nil
}

func readItem(d Document) inventory.Item {
	return inventory.Item{
		SKU: d.text("sku"), Name: d.text("name"),
		UnitPrice: &typev1.Money{CurrencyCode: d.text("currency_code"), MinorUnits: d.number("minor_units")},
	}
}

func stocked(item, stock Document) inventory.Stocked {
	return inventory.Stocked{Item: readItem(item), Available: stock.number("available"), Held: stock.number("held")}
}

// Watch implements inventory.CatalogueStore.
func (s *Items) Watch(ctx context.Context, changed func(set []inventory.Item, deleted []string, at time.Time)) error {
	return s.watch.Watch(ctx, "items", func(set []Document, deleted []string, at time.Time) {
		items := make([]inventory.Item, len(set))
		for i, d := range set {
			items[i] = readItem(d)
		}
		skus := make([]string, len(deleted))
		for i, p := range deleted {
			sku, _ := base64.RawURLEncoding.DecodeString(path.Base(p)) // docID made it
			skus[i] = string(sku)
		}
		changed(items, skus, at)
	})
}

// LastChange implements inventory.CatalogueStore.
func (s *Items) LastChange(ctx context.Context) (time.Time, error) {
	documents, err := s.db.Get(ctx, catalogueState)
	if err != nil {
		return time.Time{}, err
	}
	return documents[0].UpdateTime, nil
}
