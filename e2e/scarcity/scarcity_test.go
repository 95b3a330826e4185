// Package scarcity puts a thousand orders at once on two scarce products.
package scarcity

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"

	"orderflow.dev/e2e"
	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
	"orderflow.dev/local/stack"
)

func TestMain(m *testing.M) {
	stack.BeUnit()
	os.Exit(m.Run())
}

const (
	orders    = 1000
	stockEach = 1500 // of each product; about 2,750 are asked for
)

var products = []string{"scarce-a", "scarce-b"}

func TestAThousandOrdersForTwoScarceProducts(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	s, err := stack.Start(ctx, stack.Options{
		SweepEvery: 2 * time.Second, Inventories: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	look, err := stack.Inspect(ctx, s.Endpoints)
	if err != nil {
		t.Fatal(err)
	}
	items := []*inventoryv1.StatedItem{e2e.Stated(products[0], "A", 100, stockEach), e2e.Stated(products[1], "B", 250, stockEach)}
	if err := e2e.LoadCatalogue(ctx, s.Endpoints, items, nil); err != nil {
		t.Fatal(err)
	}
	ids := placeAll(ctx, t, s, look)
	refused := awaitAll(ctx, t, look, ids)
	check(ctx, t, look, refused)
}

// placeAll places every order twice at once under one key, and has some reservations asked for a second time beside the
// saga.
func placeAll(ctx context.Context, t *testing.T, s *stack.Stack, look *stack.Inspector) []string {
	token, err := stack.Token(ctx, s.Endpoints, "crowd")
	if err != nil {
		t.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 200
	c := e2e.Customer{Gateway: s.Gateway, Token: token, HTTP: &http.Client{Transport: transport}}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var (
		mu  sync.Mutex
		ids = make([]string, orders)
	)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(200)
	for i := range orders {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		sku, quantity := products[r.IntN(2)], 1+r.Int32N(10)
		req := &orderv1.PlaceOrderRequest{Lines: []*orderv1.RequestedLine{{Sku: sku, Quantity: quantity}}, PaymentMethod: "pm_approve"}
		for range 2 {
			g.Go(func() error {
				p, err := c.Place(ctx, fmt.Sprint("crowd-", i), req)
				if err != nil {
					return fmt.Errorf("place order %d: %w", i, err)
				}
				mu.Lock()
				ids[i] = p.Order.GetOrderId()
				mu.Unlock()
				if i%4 == 0 {
					return reserve(ctx, look, p.Order.GetOrderId(), sku, quantity)
				}
				return nil
			})
		}
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	return ids
}

// reserve asks for a reservation beside the saga, again when there is trouble, as the saga does.
func reserve(ctx context.Context, look *stack.Inspector, orderID, sku string, quantity int32) error {
	for {
		_, err := look.Inventory().ReserveStock(ctx, &inventoryv1.ReserveStockRequest{
			OrderId: orderID, Quantities: map[string]int32{sku: quantity},
		})
		if fault.Reason(err) == "out_of_stock" || fault.Reason(err) == "cancelled" {
			return nil
		}
		if fault.Code(err) != codes.Unavailable {
			return err
		}
	}
}

// awaitAll waits until every order has ended and answers the least quantity refused, by product.
func awaitAll(ctx context.Context, t *testing.T, look *stack.Inspector, ids []string) map[string]int64 {
	refused := map[string]int64{}
	for pending := ids; len(pending) > 0; {
		found, err := look.Orders(ctx, pending)
		if err != nil {
			t.Fatal(err)
		}
		var still []string
		for i, o := range found {
			if o == nil {
				t.Fatalf("order %s was accepted but is not there", pending[i])
			}
			if !o.Final() {
				still = append(still, pending[i])
				continue
			}
			if status, _ := o.Status(); status == order.Confirmed {
				continue
			}
			if o.Reason() != order.OutOfStock {
				t.Errorf("order %s was cancelled for %s, want out_of_stock", o.ID, o.Reason())
			}
			l := o.Created().GetLines()[0]
			if least, ok := refused[l.GetSku()]; !ok || int64(l.GetQuantity()) < least {
				refused[l.GetSku()] = int64(l.GetQuantity())
			}
		}
		pending = still
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%d orders have not ended, the first is %s", len(pending), pending[0])
		}
	}
	return refused
}

// check holds the stock to its promises. Nothing is given back here, so what is free only shrinks: an order refused
// while enough was free would be for no more than what is free at the end.
func check(ctx context.Context, t *testing.T, look *stack.Inspector, refused map[string]int64) {
	a, err := look.Agree(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if v := a.Violations(); len(v) > 0 {
		t.Error(errors.New(v[0]))
	}
	t.Logf("orders: %v; %d units held", a.Orders, a.StockHeld)
	for _, sku := range products {
		resp, err := look.Inventory().GetItem(ctx, &inventoryv1.GetItemRequest{Sku: sku})
		if err != nil {
			t.Fatal(err)
		}
		it := resp.GetItem()
		if it.GetAvailable() < 0 || it.GetAvailable()+it.GetHeld() != stockEach {
			t.Errorf("%s: %d available and %d held, want %d together and nothing oversold", sku, it.GetAvailable(), it.GetHeld(), stockEach)
		}
		if least, ok := refused[sku]; !ok || least <= it.GetAvailable() {
			t.Errorf("%s: an order for %d was refused while %d were free (none refused: %v)", sku, least, it.GetAvailable(), !ok)
		}
	}
}
