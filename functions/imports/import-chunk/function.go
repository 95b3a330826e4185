// Package importchunk makes the rows of a chunk orders, or products of the catalogue, and hands on what it has no time for.
package importchunk

import (
	"context"
	"slices"
	"time"

	"golang.org/x/time/rate"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/client"
	"orderflow.dev/internal/client/imports"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/store"
)

type config struct {
	Imports   imports.Config
	Store     store.Config
	Inventory client.InventoryConfig
	Expiry    time.Duration `env:"IMPORT_ORDER_EXPIRY, default=24h"` // longer than that of orders over HTTP: many wait for their sagas
	Saga      time.Duration `env:"SAGA_PATIENCE, default=2m"`        // how long a saga may take before the sweep starts another
	Budget    time.Duration `env:"IMPORT_BUDGET, default=3m"`        // how long one call works; below the function's timeout
	Parallel  int           `env:"IMPORT_PARALLEL, default=16"`      // orders that one call places at once
	Rate      float64       `env:"IMPORT_RATE, default=10"`          // orders a second that one instance places; 0: as many as it can
	Trusted   []string      `env:"IMPORT_TRUSTED_SOURCES"`           // folders whose prices are honoured, comma-separated
}

func init() { function.Event("import-chunk", wire) }

func wire(ctx context.Context, cfg config) (function.EventHandler, error) {
	orders, err := store.OpenOrders(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	catalogue, err := client.NewCatalogue(ctx, cfg.Inventory)
	if err != nil {
		return nil, err
	}
	worker, err := imports.NewWorker(ctx, cfg.Imports)
	if err != nil {
		return nil, err
	}
	worker.Orders = imports.Orders{Placing: order.Placing{Orders: orders, Catalogue: catalogue, Now: time.Now, Expiry: cfg.Expiry, Patience: cfg.Saga}}
	worker.Items = catalogue
	worker.Budget, worker.Parallel = cfg.Budget, cfg.Parallel
	worker.Trusted = func(source string) bool { return slices.Contains(cfg.Trusted, source) }
	if cfg.Rate > 0 {
		worker.Pace = rate.NewLimiter(rate.Limit(cfg.Rate), max(1, int(cfg.Rate)))
	}
	return Handler(worker), nil
}

// Handler works on the chunk that an event asks for.
func Handler(worker importing.Worker) function.EventHandler {
	return func(ctx context.Context, e *event.Event) error {
		asked, ok := e.Data.(*eventv1.ImportChunk)
		if !ok {
			return nil
		}
		telemetry.Annotate(ctx, "import_id", asked.GetImportId())
		telemetry.Annotate(ctx, "chunk", asked.GetChunk())
		return worker.Work(ctx, asked.GetImportId(), int(asked.GetChunk()))
	}
}
