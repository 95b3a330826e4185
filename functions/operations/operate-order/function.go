// Package operateorder does to an order what an operator decided: cancel, retry, close, refund.
package operateorder

import (
	"context"
	"net/http"
	"time"

	operationsv1 "orderflow.dev/gen/orderflow/operations/v1"
	"orderflow.dev/internal/api"
	"orderflow.dev/internal/client"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/store"
)

type config struct {
	Store     store.Config
	Payment   client.PaymentConfig
	Inventory client.InventoryConfig
	Patience  time.Duration `env:"SAGA_PATIENCE, default=2m"` // how long a saga may take before the sweep starts another
}

func init() { function.API("operate-order", http.MethodPost, wire, "operator") }

func wire(ctx context.Context, cfg config) (function.APIHandler, error) {
	orders, err := store.OpenOrders(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	undoing, err := client.NewUndoing(ctx, cfg.Payment, cfg.Inventory)
	if err != nil {
		return nil, err
	}
	return Handler(order.Operating{
		Cancellation: order.Cancellation{Orders: orders, Now: time.Now, Patience: cfg.Patience}, Undoing: undoing,
	}), nil
}

// Handler does to the order that the path names what the body says, in the name of the token's subject.
func Handler(operating order.Operating) function.APIHandler {
	return func(ctx context.Context, r *function.Request) (*function.Reply, error) {
		var req operationsv1.OperateOrderRequest
		if err := r.Decode(&req); err != nil {
			return nil, err
		}
		id := r.PathParam("id")
		telemetry.Annotate(ctx, "order_id", id)
		telemetry.Annotate(ctx, "operator", r.Subject)
		telemetry.Annotate(ctx, "act", req.GetAct().String())
		o, err := act(ctx, operating, id, &req, order.Act{By: r.Subject, Note: req.GetReason(), Key: r.Header.Get("Idempotency-Key")})
		if err != nil {
			return nil, err
		}
		return &function.Reply{Body: &operationsv1.OperateOrderResponse{Order: api.Operated(o)}}, nil
	}
}

func act(ctx context.Context, operating order.Operating, id string, req *operationsv1.OperateOrderRequest, by order.Act) (*order.Order, error) {
	switch req.GetAct() {
	case operationsv1.Act_ACT_CANCEL:
		return operating.Cancel(ctx, id, by)
	case operationsv1.Act_ACT_RETRY:
		return operating.Retry(ctx, id, by)
	case operationsv1.Act_ACT_CLOSE:
		return operating.Close(ctx, id, by)
	case operationsv1.Act_ACT_REFUND:
		return operating.Refund(ctx, id, req.GetAmount(), by)
	}
	return nil, fault.Invalid([]fault.Field{{Name: "act", Message: "must be ACT_CANCEL, ACT_RETRY, ACT_CLOSE or ACT_REFUND"}})
}
