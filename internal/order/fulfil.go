package order

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/fault"
)

// Fulfilment is the argument of the workflow fulfil-order. Workflows takes at most 32 KB of it
// (https://cloud.google.com/workflows/quotas); an order that would need more than MaxFulfilment is refused at intake.
type Fulfilment struct {
	OrderID       string           `json:"order_id"`
	Seq           int64            `json:"seq"`           // the order's event that caused it; 0 if it was another
	CancelReason  string           `json:"cancel_reason"` // not empty: undo only
	Quantities    map[string]int32 `json:"quantities,omitempty"`
	Amount        *Amount          `json:"amount,omitempty"`
	PaymentMethod string           `json:"payment_method,omitempty"`
	Traceparent   string           `json:"traceparent"`
	RequestID     string           `json:"request_id"`
}

// Amount is orderflow.type.v1.Money as JSON.
type Amount struct {
	CurrencyCode string `json:"currency_code"`
	MinorUnits   int64  `json:"minor_units,string"`
}

// MaxFulfilment is the largest argument of a saga, in bytes, its trace not counted.
const MaxFulfilment = 24 << 10

// fulfilment is the saga an order needs: all of it while it is placed, the undoing once it is cancelling.
func fulfilment(o *Order, seq int64) Fulfilment {
	created := o.Created()
	f := fulfilmentOf(created)
	f.Seq = seq
	if reason := o.Reason(); reason != "" {
		return Fulfilment{OrderID: o.ID, Seq: seq, CancelReason: string(reason)}
	}
	return f
}

func fulfilmentOf(created *eventv1.OrderCreated) Fulfilment {
	f := Fulfilment{
		OrderID: created.GetOrderId(), Seq: created.GetSeq(), PaymentMethod: created.GetPaymentMethod(),
		Amount:     &Amount{created.GetTotal().GetCurrencyCode(), created.GetTotal().GetMinorUnits()},
		Quantities: make(map[string]int32, len(created.GetLines())),
	}
	for _, l := range created.GetLines() {
		f.Quantities[l.GetSku()] = l.GetQuantity()
	}
	return f
}

func sagaFits(created *eventv1.OrderCreated) error {
	body, err := json.Marshal(fulfilmentOf(created))
	if err != nil {
		return fmt.Errorf("measure the saga of order %s: %w", created.GetOrderId(), err)
	}
	if len(body) > MaxFulfilment {
		return fault.New(codes.InvalidArgument, "order_too_large",
			"the order's %d lines are more than one saga carries (%d of %d bytes): split the order", len(created.GetLines()), len(body), MaxFulfilment)
	}
	return nil
}

// Saga starts the workflow fulfil-order. RESOURCE_EXHAUSTED says that it is throttled.
type Saga interface {
	Start(ctx context.Context, f Fulfilment) error
}

// Fulfilling starts sagas.
type Fulfilling struct {
	Orders Store
	Saga   Saga
	Now    func() time.Time
}

// stale is the age from which an event is not trusted to describe the order: replays and long outages.
const stale = time.Hour

// Created starts the saga of a new order.
func (f Fulfilling) Created(ctx context.Context, e *eventv1.OrderCreated) error {
	if f.Now().Sub(e.GetEventTime().AsTime()) > stale {
		return f.Resume(ctx, e.GetOrderId(), e.GetSeq())
	}
	return f.start(ctx, fulfilmentOf(e))
}

// Resume starts the saga of an order for which something happened that no saga waits for. seq is the seq of the
// order's own event that says so, 0 if it was another aggregate's.
func (f Fulfilling) Resume(ctx context.Context, orderID string, seq int64) error {
	o, err := f.Orders.Get(ctx, orderID)
	if err != nil {
		return err
	}
	if o.Final() {
		return nil
	}
	return f.start(ctx, fulfilment(o, seq))
}

// start starts a saga. When Workflows throttles, the order is left to the sweep: having the event delivered again
// would only add to the load.
func (f Fulfilling) start(ctx context.Context, what Fulfilment) error {
	err := f.Saga.Start(ctx, what)
	if fault.Code(err) == codes.ResourceExhausted {
		return nil
	}
	return err
}
