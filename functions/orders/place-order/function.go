// Package placeorder takes an order over HTTP: priced by inventory, written once, published.
package placeorder

import (
	"context"
	"net/http"
	"time"

	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/internal/api"
	"orderflow.dev/internal/client"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/store"
)

type config struct {
	Store     store.Config
	Inventory client.InventoryConfig
	Expiry    time.Duration `env:"ORDER_EXPIRY, default=30m"` // an order not confirmed by then is cancelled
	Patience  time.Duration `env:"SAGA_PATIENCE, default=2m"` // how long a saga may take before the sweep starts another
}

func init() { function.API("place-order", http.MethodPost, wire) }

func wire(ctx context.Context, cfg config) (function.APIHandler, error) {
	orders, err := store.OpenOrders(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	catalogue, err := client.NewCatalogue(ctx, cfg.Inventory)
	if err != nil {
		return nil, err
	}
	return Handler(order.Placing{Orders: orders, Catalogue: catalogue, Now: time.Now, Expiry: cfg.Expiry, Patience: cfg.Patience}), nil
}

// Handler places the order that the body describes, once for each Idempotency-Key.
func Handler(placing order.Placing) function.APIHandler {
	return func(ctx context.Context, r *function.Request) (*function.Reply, error) {
		var body orderv1.PlaceOrderRequest
		if err := r.Decode(&body); err != nil {
			return nil, err
		}
		o, replayed, err := placing.Place(ctx, api.Request(r.CustomerID, r.Header.Get("Idempotency-Key"), &body))
		if err != nil {
			return nil, err
		}
		telemetry.Annotate(ctx, "order_id", o.ID)
		reply := &function.Reply{Status: http.StatusCreated, Body: api.Order(o), Header: map[string]string{"Location": "/v1/orders/" + o.ID}}
		if replayed {
			reply.Header["Idempotent-Replayed"] = "true"
		}
		return reply, nil
	}
}
