// Package closeorder ends the saga's compensation: nothing is charged or held any more.
package closeorder

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
	Store store.Config
}

func init() { function.Call("close-order", wire) }

func wire(ctx context.Context, cfg config) (func(context.Context, *orderv1.CloseOrderRequest) (*orderv1.CloseOrderResponse, error), error) {
	orders, err := store.OpenOrders(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	return Handler(order.Cancellation{Orders: orders, Now: time.Now}), nil
}

// Handler closes a cancelled order on the saga's evidence.
func Handler(cancellation order.Cancellation) func(context.Context, *orderv1.CloseOrderRequest) (*orderv1.CloseOrderResponse, error) {
	return func(ctx context.Context, req *orderv1.CloseOrderRequest) (*orderv1.CloseOrderResponse, error) {
		telemetry.Annotate(ctx, "order_id", req.GetOrderId())
		o, err := cancellation.Close(ctx, req.GetOrderId(), order.Evidence{
			Seq: req.GetSeq(), Reservation: req.GetReservationState(), Payment: req.GetPaymentState(),
		})
		if err != nil {
			return nil, err
		}
		return &orderv1.CloseOrderResponse{Status: api.Status(o)}, nil
	}
}
