// Package sweeporders brings every order to its end: it starts another saga where the last one died, and cancels what
// expired.
package sweeporders

import (
	"context"
	"time"

	"orderflow.dev/internal/client"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/platform/workflow"
	"orderflow.dev/internal/store"
)

type config struct {
	Store    store.Config
	Workflow workflow.Config
	Patience time.Duration `env:"SAGA_PATIENCE, default=2m"`
}

func init() { function.Schedule("sweep-orders", wire) }

func wire(ctx context.Context, cfg config) (func(context.Context) (function.Summary, error), error) {
	orders, err := store.OpenOrders(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	saga, err := client.NewSaga(ctx, cfg.Workflow)
	if err != nil {
		return nil, err
	}
	return Handler(order.Sweeping{
		Cancellation: order.Cancellation{Orders: orders, Now: time.Now, Patience: cfg.Patience}, Saga: saga,
	}), nil
}

// Handler sweeps the orders, and says what became of them.
func Handler(sweeping order.Sweeping) func(context.Context) (function.Summary, error) {
	return func(ctx context.Context) (function.Summary, error) {
		done, err := sweeping.Sweep(ctx)
		return function.Summary{
			"due": done.Due, "restarted": done.Restarted, "expired": done.Expired, "throttled": done.Throttled,
			"overdue_s": int(done.Overdue.Seconds()),
		}, err
	}
}
