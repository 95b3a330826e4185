// Package cancelorder begins the saga's compensation: it decides, before anything is undone, that an order will not be
// confirmed.
package cancelorder

import (
	"context"
	"time"

	orderv1 "orderflow.dev/gen/orderflow/order/v1"
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

func init() { function.Call("cancel-order", wire) }

func wire(ctx context.Context, cfg config) (func(context.Context, *orderv1.CancelOrderRequest) (*orderv1.CancelOrderResponse, error), error) {
	orders, err := store.OpenOrders(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	return Handler(order.Cancellation{Orders: orders, Now: time.Now, Patience: cfg.Patience}), nil
}

// Handler cancels an order for the saga that is at it.
func Handler(cancellation order.Cancellation) func(context.Context, *orderv1.CancelOrderRequest) (*orderv1.CancelOrderResponse, error) {
	return func(ctx context.Context, req *orderv1.CancelOrderRequest) (*orderv1.CancelOrderResponse, error) {
		telemetry.Annotate(ctx, "order_id", req.GetOrderId())
		o, err := cancellation.Cancel(ctx, req.GetOrderId(), order.Reason(req.GetReason()), req.GetSeq(), true)
		if err != nil {
			return nil, err
		}
		return &orderv1.CancelOrderResponse{Status: api.Status(o)}, nil
	}
}
