// Package startfulfilment starts the saga of a new order, and again whenever something happens to an order that no saga
// waits for.
package startfulfilment

import (
	"context"
	"time"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/client"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/platform/workflow"
	"orderflow.dev/internal/store"
)

type config struct {
	Store    store.Config
	Workflow workflow.Config
}

func init() { function.Event("start-fulfilment", wire) }

func wire(ctx context.Context, cfg config) (function.EventHandler, error) {
	orders, err := store.ReadOrders(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	saga, err := client.NewSaga(ctx, cfg.Workflow)
	if err != nil {
		return nil, err
	}
	return Handler(order.Fulfilling{Orders: orders, Saga: saga, Now: time.Now}), nil
}

// Handler starts or resumes the saga of the order that an event is about.
func Handler(fulfilling order.Fulfilling) function.EventHandler {
	return func(ctx context.Context, e *event.Event) error {
		switch data := e.Data.(type) {
		case *eventv1.OrderCreated:
			if e.Replay != "" { // its order may have ended long ago
				return fulfilling.Resume(ctx, data.GetOrderId(), data.GetSeq())
			}
			return fulfilling.Created(ctx, data)
		case *eventv1.OrderCancellationStarted:
			return fulfilling.Resume(ctx, data.GetOrderId(), data.GetSeq())
		case *eventv1.OrderRetried:
			return fulfilling.Resume(ctx, data.GetOrderId(), data.GetSeq())
		}
		return fulfilling.Resume(ctx, e.Subject, 0) // a payment's event: its seq is of another journal
	}
}
