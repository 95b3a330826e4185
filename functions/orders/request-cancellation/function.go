// Package requestcancellation cancels a customer's own order, unless it is confirmed.
package requestcancellation

import (
	"context"
	"net/http"
	"time"

	"orderflow.dev/internal/api"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/store"
)

type config struct {
	Store    store.Config
	Patience time.Duration `env:"SAGA_PATIENCE, default=2m"`
}

func init() { function.API("request-cancellation", http.MethodPost, wire) }

func wire(ctx context.Context, cfg config) (function.APIHandler, error) {
	orders, err := store.OpenOrders(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	return Handler(order.Cancellation{Orders: orders, Now: time.Now, Patience: cfg.Patience}), nil
}

// Handler cancels the order that the path names.
func Handler(cancellation order.Cancellation) function.APIHandler {
	return func(ctx context.Context, r *function.Request) (*function.Reply, error) {
		id := r.PathParam("id")
		telemetry.Annotate(ctx, "order_id", id)
		o, err := cancellation.CancelByCustomer(ctx, r.CustomerID, id)
		if err != nil {
			return nil, err
		}
		return &function.Reply{Body: api.Order(o)}, nil
	}
}
