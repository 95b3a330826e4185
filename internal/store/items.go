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
func (s *Items) Upsert(ctx context.Context, items []inventory.Stated) error {
	batch := upsertBatch
	for conflicts := 0; len(items) > 0; {
		n := min(len(items), batch)
		err := s.upsert(ctx, items[:n])
		switch {
		case err == nil:
			items, batch, conflicts = items[n:], min(2*batch, upsertBatch), 0
		case errors.Is(err, ErrConflict) && conflicts < maxConflicts:
			if err := backoff.Wait(ctx, conflicts, firstWait, mostWait); err != nil {
				return err
			}
			batch = max(1, n/2)
			conflicts++
		default:
			return err
		}
	}
	return nil
}

func (s *Items) upsert(ctx context.Context, items []inventory.Stated) error {
	paths := make([]string, 0, 2*len(items)+1)
	for _, it := range items {
		paths = append(paths, "items/"+docID(it.SKU), "stock/"+docID(it.SKU))
	}
	documents, err := s.db.Get(ctx, append(paths, catalogueState)...)
	if err != nil {
		return err
	}
	state := documents[len(documents)-1]
	var writes []Write
	for i, it := range items {
		if item := documents[2*i]; !sameItem(item, it) {
			writes = append(writes, Write{Path: item.Path, As: item.UpdateTime, Fields: Fields{
				"sku": it.SKU, "name": it.Name, "currency_code": it.UnitPrice.GetCurrencyCode(), "minor_units": it.UnitPrice.GetMinorUnits(),
			}})
		}
	}
	if len(writes) > 0 {
		// The count makes it a change whatever the clock says: a write that changes nothing keeps the update time.
		writes = append(writes, Write{Path: catalogueState, As: state.UpdateTime, Fields: Fields{
			"change_time": s.now(), "changes": state.number("changes") + 1,
		}})
	}
	for i, it := range items {
		stock := documents[2*i+1]
		if stock.Exists() && stock.number("stated") == it.Stock {
			continue
		}
		writes = append(writes, stockWrite(&inventory.Stock{
			SKU: it.SKU, Available: stock.number("available") + it.Stock - stock.number("stated"), Held: stock.number("held"),
			Stated: it.Stock, Version: stock.UpdateTime,
		}))
	}
	if len(writes) == 0 {
		return nil
	}
	_, err = commit(ctx, s.db, writes...)
	return err
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
