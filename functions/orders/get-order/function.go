// Package getorder answers a customer's own order.
package getorder

import (
	"context"
	"net/http"

	"orderflow.dev/internal/api"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/store"
)

type config struct {
	Store store.Config
}

func init() { function.API("get-order", http.MethodGet, wire) }

func wire(ctx context.Context, cfg config) (function.APIHandler, error) {
	orders, err := store.ReadOrders(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	return Handler(order.Reading{Orders: orders}), nil
}

// Handler answers the order that the path names.
func Handler(reading order.Reading) function.APIHandler {
	return func(ctx context.Context, r *function.Request) (*function.Reply, error) {
		id := r.PathParam("id")
		telemetry.Annotate(ctx, "order_id", id)
		o, err := reading.Get(ctx, r.CustomerID, id)
		if err != nil {
			return nil, err
		}
		return &function.Reply{Body: api.Order(o)}, nil
	}
}
