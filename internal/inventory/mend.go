package inventory

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"orderflow.dev/internal/backoff"
)

// Mending brings reservations and stock to what is known elsewhere, after inventory was restored to a time before it
// happened. It is for repairs only: what it holds was sold, whether or not it is there.
type Mending struct {
	Store Store
}

// Hold makes an order's reservation HELD, whatever it is and however little is available. oversold are the products of
// which less than nothing is available now: a person must find them, or whoever waits for them.
func (m Mending) Hold(ctx context.Context, orderID string, quantities map[string]int32) (oversold []string, err error) {
	stock, err := m.set(ctx, &Reservation{OrderID: orderID, State: Held, Quantities: quantities})
	for _, s := range stock {
		if s.Available < 0 {
			oversold = append(oversold, s.SKU)
		}
	}
	return oversold, err
}

// Refuse makes an order's reservation REFUSED, as its customer was told, and gives back what it holds. Which product there
// was not enough of is not known any more: the first one stands for it.
func (m Mending) Refuse(ctx context.Context, orderID string, quantities map[string]int32) error {
	r := &Reservation{OrderID: orderID, State: Refused, Quantities: quantities}
	if skus := r.skus(); len(skus) > 0 {
		r.Short = skus[0]
	}
	_, err := m.set(ctx, r)
	return err
}

// Recount makes what is held of a product what HELD reservations have of it. seen is the stock as it was read before they
// were: ErrConflict says that it moved since.
func (m Mending) Recount(ctx context.Context, seen Stock, held int64) error {
	seen.Held, seen.Available = held, seen.Stated-held
	return m.Store.Save(ctx, nil, []*Stock{&seen})
}

// mendTries is how often a repair yields to reservations that are being made, mendFirst and mendMost how long it waits.
const (
	mendTries = 10
	mendFirst = 5 * time.Millisecond
	mendMost  = 200 * time.Millisecond
)

// set writes a reservation, with the stock that it changes, and answers that.
func (m Mending) set(ctx context.Context, want *Reservation) (stock []*Stock, err error) {
	if err := valid(want.OrderID, want.Quantities); err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		stock, err = m.trySet(ctx, want)
		if !errors.Is(err, ErrConflict) || n == mendTries || backoff.Wait(ctx, n, mendFirst, mendMost) != nil {
			return stock, err
		}
	}
}

func (m Mending) trySet(ctx context.Context, want *Reservation) ([]*Stock, error) {
	found, err := m.Store.Load(ctx, []string{want.OrderID})
	if err != nil {
		return nil, err
	}
	before, after := found[want.OrderID], *want
	if before == nil {
		before = &Reservation{}
	}
	if before.State == after.State && maps.Equal(before.Quantities, after.Quantities) {
		return nil, nil
	}
	after.Version = before.Version
	moved := map[string]int64{}
	add(moved, &after, 1)
	add(moved, before, -1)
	stock, err := m.move(ctx, moved)
	if err != nil {
		return nil, err
	}
	return stock, m.Store.Save(ctx, []*Reservation{&after}, stock)
}

// add counts what a reservation holds.
func add(moved map[string]int64, r *Reservation, sign int64) {
	if r.State != Held {
		return
	}
	for sku, n := range r.Quantities {
		moved[sku] += sign * int64(n)
	}
}

func (m Mending) move(ctx context.Context, moved map[string]int64) (stock []*Stock, err error) {
	skus := slices.Sorted(maps.Keys(moved))
	if len(skus) == 0 {
		return nil, nil
	}
	loaded, err := m.Store.LoadStock(ctx, skus)
	if err != nil {
		return nil, err
	}
	for _, sku := range skus {
		s := loaded[sku]
		s.Available, s.Held = s.Available-moved[sku], s.Held+moved[sku]
		stock = append(stock, s)
	}
	return stock, nil
}
