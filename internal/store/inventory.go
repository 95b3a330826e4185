package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"orderflow.dev/internal/inventory"
)

// Inventory is inventory.Store: reservations/{order_id} and stock/{sku}.
type Inventory struct {
	db Database
}

// NewInventory keeps stock and reservations in db.
func NewInventory(db Database) *Inventory { return &Inventory{db} }

// docID makes a SKU, which may hold a slash or be "..", a document id.
func docID(sku string) string { return base64.RawURLEncoding.EncodeToString([]byte(sku)) }

// Load implements inventory.Store.
func (s *Inventory) Load(ctx context.Context, orderIDs []string) (map[string]*inventory.Reservation, error) {
	paths := make([]string, len(orderIDs))
	for i, id := range orderIDs {
		paths[i] = "reservations/" + docID(id)
	}
	documents, err := s.db.Get(ctx, paths...)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*inventory.Reservation, len(documents))
	for i, d := range documents {
		if !d.Exists() {
			continue
		}
		r := &inventory.Reservation{
			OrderID: orderIDs[i], State: inventory.State(d.number("state")), Short: d.text("short"), Version: d.UpdateTime,
		}
		if err := json.Unmarshal(d.bytes("quantities"), &r.Quantities); err != nil {
			return nil, corrupt(d, err)
		}
		out[r.OrderID] = r
	}
	return out, nil
}

// LoadStock implements inventory.Store. A product without stock has none.
func (s *Inventory) LoadStock(ctx context.Context, skus []string) (map[string]*inventory.Stock, error) {
	paths := make([]string, len(skus))
	for i, sku := range skus {
		paths[i] = "stock/" + docID(sku)
	}
	documents, err := s.db.Get(ctx, paths...)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*inventory.Stock, len(documents))
	for i, d := range documents {
		out[skus[i]] = &inventory.Stock{
			SKU: skus[i], Available: d.number("available"), Held: d.number("held"), Stated: d.number("stated"), Version: d.UpdateTime,
		}
	}
	return out, nil
}

// Save implements inventory.Store.
func (s *Inventory) Save(ctx context.Context, reservations []*inventory.Reservation, stock []*inventory.Stock) error {
	writes := make([]Write, 0, len(reservations)+len(stock))
	for _, r := range reservations {
		quantities, err := json.Marshal(r.Quantities)
		if err != nil {
			return err
		}
		writes = append(writes, Write{
			Path: "reservations/" + docID(r.OrderID), As: version(r.Version),
			Fields: Fields{"state": int64(r.State), "quantities": quantities, "short": r.Short},
		})
	}
	for _, st := range stock {
		writes = append(writes, stockWrite(st))
	}
	_, err := commit(ctx, s.db, writes...)
	if errors.Is(err, ErrConflict) {
		return inventory.ErrConflict
	}
	return err
}

func stockWrite(st *inventory.Stock) Write {
	return Write{
		Path: "stock/" + docID(st.SKU), As: version(st.Version),
		Fields: Fields{"sku": st.SKU, "available": st.Available, "held": st.Held, "stated": st.Stated},
	}
}

func version(v any) time.Time {
	t, _ := v.(time.Time)
	return t
}
