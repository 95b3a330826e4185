// Package isolate runs every unit in a process of its own and kills them while orders are on their way.
package isolate

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"orderflow.dev/e2e"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/internal/promise"
	"orderflow.dev/local/stack"
)

func TestMain(m *testing.M) {
	stack.BeUnit()
	os.Exit(m.Run())
}

const orders = 200

var methods = []string{"pm_approve", "pm_approve", "pm_decline", "pm_pending", "pm_flaky", "pm_pending_decline"}

func TestEveryOrderEndsAlthoughEveryProcessIsKilled(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	s, err := stack.Start(ctx, stack.Options{
		Isolate: true, SweepEvery: time.Second, SagaPatience: 10 * time.Second, JournalGrace: 5 * time.Second, ProviderTimeout: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	look, err := stack.Inspect(ctx, s.Endpoints)
	if err != nil {
		t.Fatal(err)
	}
	if err := e2e.LoadCatalogue(ctx, s.Endpoints, e2e.Catalogue, nil); err != nil {
		t.Fatal(err)
	}
	kill(ctx, t, s, func() { placeAll(ctx, t, s) })
	awaitAgreement(ctx, t, look)
	keepsPromises(ctx, t, look)
}

// awaitAgreement waits until every order has ended, and stock and money agree with the orders.
func awaitAgreement(ctx context.Context, t *testing.T, look *stack.Inspector) {
	for {
		a, err := look.Agree(ctx)
		if err != nil {
			t.Fatal(err)
		}
		v := a.Violations()
		if len(v) == 0 && a.Count() == orders {
			t.Logf("orders: %v", a.Orders)
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d of %d orders, %v: %v", a.Count(), orders, a.Orders, v)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// keepsPromises holds every promise against the stack once the sweep has published what the kills kept back.
func keepsPromises(ctx context.Context, t *testing.T, look *stack.Inspector) {
	for {
		w, err := look.World(ctx)
		if err != nil {
			t.Fatal(err)
		}
		broken := ""
		for _, v := range promise.Check(w, time.Now(), true) {
			for _, why := range v.Violations {
				broken += fmt.Sprintf("%s: order %s: %s\n", v.Promise, why.OrderID, why.Why)
			}
		}
		if broken == "" {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(broken)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// kill kills each process in turn, again and again, until during returns and each was killed at least once.
func kill(ctx context.Context, t *testing.T, s *stack.Stack, during func()) {
	var wg sync.WaitGroup
	placed := make(chan struct{})
	wg.Go(func() {
		defer close(placed)
		during()
	})
	for round := 0; ; round++ {
		for _, key := range s.Processes() {
			if err := s.Kill(ctx, key); err != nil {
				t.Errorf("kill %s: %v", key, err)
			}
		}
		select {
		case <-placed:
			wg.Wait()
			return
		case <-ctx.Done():
			wg.Wait()
			t.Fatal(ctx.Err())
		default:
		}
	}
}

func placeAll(ctx context.Context, t *testing.T, s *stack.Stack) {
	token, err := stack.Token(ctx, s.Endpoints, "crowd")
	if err != nil {
		t.Error(err)
		return
	}
	c := e2e.Customer{Gateway: s.Gateway, Token: token}
	var g errgroup.Group
	g.SetLimit(16)
	for i := range orders {
		g.Go(func() error {
			req := &orderv1.PlaceOrderRequest{
				Lines: []*orderv1.RequestedLine{{Sku: e2e.Plenty, Quantity: 1}, {Sku: "tea-darjeeling", Quantity: 2}}, PaymentMethod: methods[i%len(methods)],
			}
			_, err := c.Place(ctx, fmt.Sprint("order-", i), req)
			for e2e.Trouble(err) && ctx.Err() == nil { // a customer who does not give up
				_, err = c.Place(ctx, fmt.Sprint("order-", i), req)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Errorf("place: %v", err)
	}
}
