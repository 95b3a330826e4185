// Package refundpayment gives money of a confirmed order back, as an operator decided.
package refundpayment

import (
	"context"
	"time"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/client"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/store"
)

type config struct {
	Store   store.Config
	Payment client.PaymentConfig
}

func init() { function.Event("refund-payment", wire) }

func wire(ctx context.Context, cfg config) (function.EventHandler, error) {
	orders, err := store.OpenOrders(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	payments, err := client.NewPayments(ctx, cfg.Payment)
	if err != nil {
		return nil, err
	}
	return Handler(order.Refunding{Orders: orders, Refunder: payments, Now: time.Now}), nil
}

// Handler carries out the refund that an event asks for.
func Handler(refunding order.Refunding) function.EventHandler {
	return func(ctx context.Context, e *event.Event) error {
		asked, ok := e.Data.(*eventv1.OrderRefundRequested)
		if !ok {
			return nil
		}
		return refunding.Requested(ctx, asked)
	}
}
