package drill

import (
	"context"
	"fmt"
	"sync"
	"time"

	"orderflow.dev/e2e"
	"orderflow.dev/local/stack"
)

const customers = 5

// load places orders of every ending, and returns when the last is placed: some have ended by then, some are on their
// way, and their customers see no more of them.
func (d *drill) load(ctx context.Context) error {
	if err := e2e.LoadCatalogue(ctx, d.Endpoints, e2e.Catalogue, nil); err != nil {
		return err
	}
	var worlds []e2e.World
	for n := range customers {
		token, err := stack.Token(ctx, d.Endpoints, fmt.Sprintf("customer-%d", n))
		if err != nil {
			return err
		}
		worlds = append(worlds, e2e.World{Customer: e2e.Customer{Gateway: d.Gateway, Token: token}, AtProvider: d.look.AtProvider})
	}
	d.Tell("Placing %d orders of every ending over %s", d.Orders, d.For)
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	for n := range d.Orders {
		scenario, world := e2e.Scenarios[d.chance.IntN(len(e2e.Scenarios))], worlds[n%customers]
		// How an order ends is seen by the check; whom the disaster cut off sees an error.
		running.Go(func() { _, _ = scenario.Run(ctx, world) })
		d.report.Placed++
		if err := pause(ctx, d.For/time.Duration(d.Orders)); err != nil {
			return err
		}
	}
	return nil
}
