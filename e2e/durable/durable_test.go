// Package durable kills the whole local cloud while orders are on their way, starts it again over the same folder, and
// sees that nothing is lost.
package durable

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"orderflow.dev/e2e"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/promise"
	"orderflow.dev/local/child"
	"orderflow.dev/local/cloud"
	"orderflow.dev/local/stack"
)

var (
	seed   = flag.Uint64("seed", 0, "chooses the moments of the kills (default: a fresh one, logged)")
	orders = flag.Int("orders", 400, "how many orders are placed")
	kills  = flag.Int("kills", 4, "how often everything is killed")
)

// folder tells a process of this test to be the cloud.
const folder = "DURABLE_TEST_FOLDER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(folder); dir != "" {
		if err := beTheCloud(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// beTheCloud prints where it is and serves until it is killed.
func beTheCloud(dir string) error {
	ctx := context.Background()
	s, err := stack.Start(ctx, stack.Options{
		Dir: dir, Keep: true, Emulators: cloud.Embedded,
		SweepEvery: time.Second, SagaPatience: 5 * time.Second, JournalGrace: 3 * time.Second, ProviderTimeout: time.Second,
	})
	if err != nil {
		return err
	}
	if err := e2e.LoadCatalogue(ctx, s.Endpoints, e2e.Catalogue, nil); err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(s.Endpoints); err != nil {
		return err
	}
	<-s.Done()
	return s.Err()
}

// process is the cloud in a process of its own.
type process struct {
	stack.Endpoints
	cmd   *exec.Cmd
	ended <-chan error
}

func start(t *testing.T, dir string) *process {
	t.Helper()
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p := &process{cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), folder+"="+dir)
	p.cmd.Stdout, p.cmd.Stderr = in, os.Stderr
	if p.ended, err = child.Start(p.cmd); err != nil {
		t.Fatal(err)
	}
	in.Close()
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &p.Endpoints)
	}
	if err != nil {
		t.Fatalf("the cloud did not start again over %s: %v", dir, err)
	}
	return p
}

// kill is kill -9.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

func TestNoAcknowledgedOrderIsLostWhenEverythingIsKilled(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if *seed == 0 {
		*seed = uint64(rand.Uint32())
	}
	t.Logf("seed %d", *seed)
	random := rand.New(rand.NewPCG(*seed, 0))
	dir := t.TempDir()
	p := start(t, dir)
	defer func() { p.kill() }()
	token, err := stack.Token(ctx, p.Endpoints, "crowd")
	if err != nil {
		t.Fatal(err)
	}
	customer := e2e.Customer{Gateway: p.Gateway, Token: token}
	var (
		placing      sync.WaitGroup
		acknowledged []string
	)
	placing.Go(func() { acknowledged = placeAll(ctx, t, customer) })
	for n := range *kills {
		time.Sleep(time.Duration(200+random.IntN(1200)) * time.Millisecond)
		p.kill()
		began := time.Now()
		p = start(t, dir)
		t.Logf("kill %d: back after %s", n+1, time.Since(began).Round(time.Millisecond))
		if p.Gateway != customer.Gateway {
			t.Fatalf("the gateway is at %s, it was at %s", p.Gateway, customer.Gateway)
		}
	}
	placing.Wait()
	p.kill() // what is under way still is cut off, and goes on
	p = start(t, dir)
	keepsAll(ctx, t, p.Endpoints, acknowledged)
	archivesAll(ctx, t, p.Endpoints)
}

// archivesAll waits until every event of every journal is in the archive: none was lost between Pub/Sub and a file.
func archivesAll(ctx context.Context, t *testing.T, e stack.Endpoints) {
	look, err := stack.Inspect(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	w, err := look.World(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, o := range w.Orders {
		want = append(want, idsOf("orders", o.Journal)...)
	}
	for _, p := range w.Payments {
		want = append(want, idsOf("payments", p.Journal)...)
	}
	for {
		events, err := e2e.Archived(ctx)
		if err != nil {
			t.Fatal(err)
		}
		there := map[string]bool{}
		for _, e := range events {
			there[e.ID()] = true
		}
		missing := slices.DeleteFunc(slices.Clone(want), func(id string) bool { return there[id] })
		if len(missing) == 0 {
			t.Logf("%d events are archived", len(want))
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d of %d events are not archived, as %s", len(missing), len(want), missing[0])
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func idsOf(aggregate string, j journal.Journal) (ids []string) {
	for _, e := range j.Entries {
		ids = append(ids, event.FromJournal(aggregate, e).ID)
	}
	return ids
}

var methods = []string{"pm_approve", "pm_approve", "pm_decline", "pm_pending", "pm_flaky", "pm_pending_decline", "pm_timeout_charged"}

// placeAll places every order, however often it takes, and answers those that it was told of.
func placeAll(ctx context.Context, t *testing.T, c e2e.Customer) []string {
	ids := make([]string, *orders)
	var g errgroup.Group
	g.SetLimit(16)
	for i := range ids {
		g.Go(func() error {
			req := &orderv1.PlaceOrderRequest{
				Lines:         []*orderv1.RequestedLine{{Sku: e2e.Plenty, Quantity: 1}, {Sku: "tea-darjeeling", Quantity: 2}},
				PaymentMethod: methods[i%len(methods)],
			}
			placed, err := c.Place(ctx, fmt.Sprint("order-", i), req)
			for e2e.Trouble(err) && ctx.Err() == nil {
				placed, err = c.Place(ctx, fmt.Sprint("order-", i), req)
			}
			if err == nil {
				ids[i] = placed.Order.GetOrderId()
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Errorf("place: %v", err)
	}
	return ids
}

// keepsAll waits until every order has ended and every promise holds, and looks up what was acknowledged.
func keepsAll(ctx context.Context, t *testing.T, e stack.Endpoints, acknowledged []string) {
	look, err := stack.Inspect(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	found, err := look.Orders(ctx, acknowledged)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range found {
		if o == nil {
			t.Errorf("order %s was acknowledged and is lost", acknowledged[i])
		}
	}
	for {
		broken := disagreements(ctx, t, look)
		if len(broken) == 0 {
			break
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d disagreements, the first: %s", len(broken), broken[0])
		case <-time.After(500 * time.Millisecond):
		}
	}
	a, err := look.Agree(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if a.Count() != len(acknowledged) {
		t.Errorf("there are %d orders, %d were placed", a.Count(), len(acknowledged))
	}
	t.Logf("%d orders: %v; %d charged, %d refunded", a.Count(), a.Orders, a.Charged, a.Refunded)
}

func disagreements(ctx context.Context, t *testing.T, look *stack.Inspector) (broken []string) {
	a, err := look.Agree(ctx)
	if err != nil {
		t.Fatal(err)
	}
	broken = a.Violations()
	w, err := look.World(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range promise.Check(w, time.Now(), true) {
		for _, why := range v.Violations {
			broken = append(broken, fmt.Sprintf("%s: order %s: %s", v.Promise, why.OrderID, why.Why))
		}
	}
	return broken
}
