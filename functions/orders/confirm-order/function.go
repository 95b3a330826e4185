// Package confirmorder ends the saga: the order is paid and its stock is held.
package confirmorder

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

func init() { function.Call("confirm-order", wire) }

func wire(ctx context.Context, cfg config) (func(context.Context, *orderv1.ConfirmOrderRequest) (*orderv1.ConfirmOrderResponse, error), error) {
	orders, err := store.OpenOrders(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	return Handler(order.Confirming{Orders: orders, Now: time.Now, Patience: cfg.Patience}), nil
}

// Handler confirms an order on the saga's evidence.
func Handler(confirming order.Confirming) func(context.Context, *orderv1.ConfirmOrderRequest) (*orderv1.ConfirmOrderResponse, error) {
	return func(ctx context.Context, req *orderv1.ConfirmOrderRequest) (*orderv1.ConfirmOrderResponse, error) {
		telemetry.Annotate(ctx, "order_id", req.GetOrderId())
		o, err := confirming.Confirm(ctx, req.GetOrderId(), order.Evidence{
			Seq: req.GetSeq(), Reservation: req.GetReservationState(), Payment: req.GetPaymentState(),
		})
		if err != nil {
			return nil, err
		}
		return &orderv1.ConfirmOrderResponse{Status: api.Status(o)}, nil
	}
}
