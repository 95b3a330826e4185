package inventory_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/testing/protocmp"

	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

// gather is how long groups gather; in a bubble's time, in which all requests of a moment are one group.
const gather = 3 * time.Millisecond

// world is one inventory process over a store in memory.
type world struct {
	t         testing.TB
	db        *memory.Database
	items     *store.Items
	stocking  inventory.Stocking
	reserving *inventory.Reserving
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, db: &memory.Database{}}
	w.items = store.NewItems(w.db, w.db)
	w.stocking = inventory.Stocking{Items: w.items}
	w.reserving = inventory.NewReserving(store.NewInventory(w.db), gather)
	return w
}

// bubble runs a test in a time of its own.
func bubble(t *testing.T, f func(t *testing.T, w *world)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { f(t, newWorld(t)) })
}

func stated(sku string, price, stock int64) inventory.Stated {
	return inventory.Stated{Item: inventory.Item{SKU: sku, Name: "name of " + sku, UnitPrice: &typev1.Money{CurrencyCode: "GBP", MinorUnits: price}}, Stock: stock}
}

func (w *world) upsert(items ...inventory.Stated) {
	w.t.Helper()
	if _, err := w.stocking.Upsert(w.t.Context(), 0, items); err != nil {
		w.t.Fatal(err)
	}
}

// wantStock checks what is available and held of a product.
func (w *world) wantStock(sku string, available, held int64) {
	w.t.Helper()
	got, err := w.stocking.Get(w.t.Context(), sku)
	if err != nil {
		w.t.Fatal(err)
	}
	if got.Available != available || got.Held != held {
		w.t.Errorf("%s: available %d, held %d, want %d and %d", sku, got.Available, got.Held, available, held)
	}
}

// asked is a request of a group: quantities nil releases.
type asked struct {
	id         string
	quantities map[string]int32
}

func reserve(id string, sku string, n int32) asked { return asked{id, map[string]int32{sku: n}} }
func release(id string) asked                      { return asked{id, nil} }

// word is what became of a request: HELD, RELEASED, REFUSED, or the reason it was refused for.
func word(v *inventory.Reservation, err error) string {
	if err != nil {
		if r := fault.Reason(err); r != "" {
			return r
		}
		return fault.Code(err).String()
	}
	return v.State.String()[len("RESERVATION_STATE_"):]
}

// do asks one thing.
func do(ctx context.Context, r *inventory.Reserving, a asked) string {
	if a.quantities == nil {
		return word(r.Release(ctx, a.id))
	}
	return word(r.Reserve(ctx, a.id, a.quantities))
}

// group asks all in one group, in order of arrival, and says what became of each.
func (w *world) group(requests ...asked) []string {
	out := make([]string, len(requests))
	var wg sync.WaitGroup
	for i, a := range requests {
		wg.Go(func() { out[i] = do(w.t.Context(), w.reserving, a) })
		synctest.Wait() // it has arrived
	}
	wg.Wait()
	return out
}

// count counts the operations of a database, as "commit 3" for one of three writes.
func (w *world) count() map[string]int {
	n := map[string]int{}
	w.db.Before = func(op string, writes []store.Write) error {
		if op == "commit" {
			op = fmt.Sprint(op, " ", len(writes))
		}
		n[op]++
		return nil
	}
	return n
}

func same[T any](t testing.TB, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got, protocmp.Transform(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
