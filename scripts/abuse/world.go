package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"

	"orderflow.dev"
	"orderflow.dev/e2e"
	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	"orderflow.dev/internal/promise"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/child"
	"orderflow.dev/local/gateway"
	"orderflow.dev/local/stack"
)

// world is a stack under attack.
type world struct {
	options
	stack   *stack.Stack
	gateway string           // its own process's URL
	pid     int              // of the gateway
	bounds  map[string]int64 // bytes that a process may have, by its name
	other   e2e.Customer     // who goes on ordering
	mallory string           // a token of who attacks
	orders  int              // that check found
	stop    func()
}

// roomOfGateway is what a gateway may take, which has no unit that says so. In bytes.
const roomOfGateway = 256 << 20

// sku is what everybody orders: there is enough of it.
const sku = "abuse-mug"

func open(ctx context.Context, o options) (w *world, err error) {
	w = &world{options: o, bounds: map[string]int64{"gateway": roomOfGateway}, stop: func() {}}
	os.Setenv("GOMEMLIMIT", "204MiB") // as Terraform has it, of the smallest memory that a unit has
	os.Setenv("IMPORT_RATE", "0")
	units, err := unit.Load(orderflow.Tree)
	if err != nil {
		return nil, err
	}
	if w.stack, err = stack.Start(ctx, stack.Options{Isolate: true, SweepEvery: 2 * time.Second, JournalGrace: time.Second}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	for _, u := range units {
		if w.bounds[u.Name], err = bytesOf(u.Memory); err != nil {
			return nil, fmt.Errorf("%s: memory %s: %w", u.Dir, u.Memory, err)
		}
	}
	if err := w.startGateway(units); err != nil {
		return nil, err
	}
	items := []*inventoryv1.StatedItem{e2e.Stated(sku, "Mug", 950, 10_000_000)}
	if err := e2e.LoadCatalogue(ctx, w.stack.Endpoints, items, nil); err != nil {
		return nil, err
	}
	token, err := stack.Token(ctx, w.stack.Endpoints, "other")
	if err != nil {
		return nil, err
	}
	w.other = e2e.Customer{Gateway: w.gateway, Token: token, HTTP: &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}}
	w.mallory, err = stack.Token(ctx, w.stack.Endpoints, "mallory")
	return w, err
}

func (w *world) close() {
	w.stop()
	w.stack.Stop()
}

// bytesOf reads a unit's memory: 256Mi.
func bytesOf(memory string) (int64, error) {
	var (
		n    int64
		unit string
	)
	if _, err := fmt.Sscanf(memory, "%d%s", &n, &unit); err != nil {
		return 0, err
	}
	return n << map[string]int{"Mi": 20, "Gi": 30}[unit], nil
}

const routesVariable = "ABUSE_GATEWAY_ROUTES"

// startGateway starts the gateway once more, in a process whose memory is its own.
func (w *world) startGateway(units []unit.Unit) error {
	var routes []gateway.Route
	for _, u := range units {
		if r := u.Route(); r != nil {
			routes = append(routes, gateway.Route{Method: r.Method, Path: r.Path, Target: w.stack.UnitURL(u.Name)})
		}
	}
	text, err := json.Marshal(routes)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), routesVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	ended, err := child.Start(cmd)
	if err != nil {
		return err
	}
	w.stop = func() {
		_ = cmd.Process.Kill() // it may be gone
		<-ended
	}
	w.pid = cmd.Process.Pid
	_, err = fmt.Fscanln(out, &w.gateway)
	return err
}

// beGateway serves as the gateway, if this process is to be that, and does not return then.
func beGateway() {
	text := os.Getenv(routesVariable)
	if text == "" {
		return
	}
	err := func() error {
		var routes []gateway.Route
		if err := json.Unmarshal([]byte(text), &routes); err != nil {
			return err
		}
		h, err := gateway.New(routes)
		if err != nil {
			return err
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		fmt.Println("http://" + l.Addr().String())
		return stack.Server(h).Serve(l)
	}()
	fmt.Fprintln(os.Stderr, "abuse: gateway:", err)
	os.Exit(1)
}

// check waits until every order has ended, and answers every promise that is broken.
func (w *world) check(ctx context.Context) (broken []string, err error) {
	in, err := stack.Inspect(ctx, w.stack.Endpoints)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(5 * time.Minute); ; {
		found, err := in.World(ctx)
		if err != nil {
			return nil, err
		}
		orders, journals := found.OnItsWay()
		quiet := orders+journals == 0 && !found.StockMoved
		if !quiet && time.Now().Before(deadline) {
			time.Sleep(time.Second)
			continue
		}
		w.orders = len(found.Orders)
		for _, v := range promise.Check(found, time.Now(), quiet) {
			for _, b := range v.Violations {
				broken = append(broken, fmt.Sprintf("promise %s of order %s: %s", v.Promise, b.OrderID, b.Why))
			}
		}
		if !quiet {
			broken = append(broken, fmt.Sprintf("%d orders and %d journals have not come to rest after 5 minutes", orders, journals))
		}
		return broken, nil
	}
}
