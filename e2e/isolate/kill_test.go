// Package isolate runs every unit in a process of its own, kills them while orders are on their way, and sees which of
// their roles they need.
package isolate

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
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

// seed repeats a run's choice of processes: go test ./e2e/isolate -seed N
var seed = flag.Uint64("seed", 0, "chooses which processes are killed (default: a fresh one, logged)")

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
	kills := kill(ctx, t, s, func() { placeAll(ctx, t, s) })
	ended := awaitAgreement(ctx, t, look)
	keepsPromises(ctx, t, look)
	nothingDenied(t, s)
	t.Logf("\n%s", table(kills, ended))
}

// table says what was killed, and how the orders ended.
func table(kills stack.Kills, ended map[string]int) string {
	var b strings.Builder
	kills.Print(&b)
	b.WriteString("\n")
	for _, how := range slices.Sorted(maps.Keys(ended)) {
		fmt.Fprintf(&b, "%3d orders %s\n", ended[how], how)
	}
	return b.String()
}

// awaitAgreement waits until every order has ended, and stock and money agree with the orders.
func awaitAgreement(ctx context.Context, t *testing.T, look *stack.Inspector) (ended map[string]int) {
	for {
		a, err := look.Agree(ctx)
		if err != nil {
			t.Fatal(err)
		}
		v := a.Violations()
		if len(v) == 0 && a.Count() == orders {
			return a.Orders
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

// kill kills each process in turn and then any, until during returns and each can have been killed twice.
func kill(ctx context.Context, t *testing.T, s *stack.Stack, during func()) stack.Kills {
	if *seed == 0 {
		*seed = uint64(rand.Uint32())
	}
	t.Logf("seed %d", *seed)
	killing, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		during()
	}()
	left := 2 * len(s.Processes())
	killed := func(string, time.Duration) {
		if left--; left <= 0 && closed(done) {
			stop()
		}
	}
	kills, err := stack.Killer{Seed: *seed, Killed: killed}.Run(killing, s)
	<-done
	if err != nil || ctx.Err() != nil {
		t.Fatal(err, ctx.Err())
	}
	return kills
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
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
