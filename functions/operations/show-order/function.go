// Package showorder answers everything that is known of an order, for operators.
package showorder

import (
	"context"
	"errors"
	"net/http"

	"orderflow.dev/internal/api"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/store"
)

type config struct {
	Store store.Config
}

func init() { function.API("show-order", http.MethodGet, wire, "operator") }

func wire(ctx context.Context, cfg config) (function.APIHandler, error) {
	orders, err := store.ReadOrders(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	payments, err := store.ReadPayments(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	stock, err := store.ReadInventory(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	return Handler(orders, payments, stock), nil
}

// Handler answers the order that the path names, with its payment, its claim on stock, and its history.
func Handler(orders order.Store, payments payment.Store, stock inventory.Store) function.APIHandler {
	return func(ctx context.Context, r *function.Request) (*function.Reply, error) {
		id := r.PathParam("id")
		telemetry.Annotate(ctx, "order_id", id)
		telemetry.Annotate(ctx, "operator", r.Subject)
		o, err := orders.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		p, err := payments.Get(ctx, id)
		if err != nil && !errors.Is(err, payment.ErrNotFound) {
			return nil, err
		}
		reservations, err := stock.Load(ctx, []string{id})
		if err != nil {
			return nil, err
		}
		return &function.Reply{Body: api.Story(o, p, reservations[id])}, nil
	}
}
