package e2e

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"

	orderv1 "orderflow.dev/gen/orderflow/order/v1"
)

// Products of the demo catalogue that scenarios order.
const (
	Plenty = "mug-blue"    // there is always enough
	Scarce = "lamp-copper" // there are 2
)

// Scenario is one order and how it must end.
type Scenario struct {
	Name   string
	Method string // of payment
	SKU    string // Plenty if empty
	Want   orderv1.OrderStatus
	Reason string
	Paid   bool // money and stock stay taken

	// act is what the customer does after placing; nil: wait.
	act func(ctx context.Context, w World, o *orderv1.Order) error
}

// World is where scenarios run.
type World struct {
	Customer
	// AtProvider waits until the payment provider has heard of an order's charge. Nil where it cannot be seen.
	AtProvider func(ctx context.Context, orderID string) error
}

const (
	confirmed = orderv1.OrderStatus_ORDER_STATUS_CONFIRMED
	cancelled = orderv1.OrderStatus_ORDER_STATUS_CANCELLED
)

// Scenarios are every ending an order can have.
var Scenarios = []Scenario{
	{Name: "confirmed", Method: "pm_approve", Want: confirmed, Paid: true},
	{Name: "declined", Method: "pm_decline", Want: cancelled, Reason: "declined"},
	{Name: "out of stock", Method: "pm_approve", SKU: Scarce, Want: cancelled, Reason: "out_of_stock"},
	{Name: "pending, then paid", Method: "pm_pending", Want: confirmed, Paid: true},
	{Name: "pending, then declined", Method: "pm_pending_decline", Want: cancelled, Reason: "declined"},
	{Name: "pending, then expired", Method: "pm_never", Want: cancelled, Reason: "expired"},
	{Name: "outcome unknown, was charged", Method: "pm_timeout_charged", Want: confirmed, Paid: true},
	{Name: "outcome unknown, was not", Method: "pm_timeout_not_charged", Want: confirmed, Paid: true},
	{Name: "provider fails twice", Method: "pm_flaky", Want: confirmed, Paid: true},
	{Name: "cancelled before payment", Method: "pm_never", Want: cancelled, Reason: "cancelled", act: cancelNow},
	{Name: "cancelled inside the charge", Method: "pm_timeout_charged", Want: cancelled, Reason: "cancelled", act: cancelAtProvider},
	{Name: "cancelled while pending", Method: "pm_never", Want: cancelled, Reason: "cancelled", act: cancelAtProvider},
	{Name: "cancelled too late", Method: "pm_approve", Want: confirmed, Paid: true, act: cancelTooLate},
}

func cancelNow(ctx context.Context, w World, o *orderv1.Order) error {
	_, err := w.Cancel(ctx, o.GetOrderId())
	return err
}

func cancelAtProvider(ctx context.Context, w World, o *orderv1.Order) error {
	if w.AtProvider != nil {
		if err := w.AtProvider(ctx, o.GetOrderId()); err != nil {
			return err
		}
	}
	return cancelNow(ctx, w, o)
}

func cancelTooLate(ctx context.Context, w World, o *orderv1.Order) error {
	if _, err := w.Await(ctx, o.GetOrderId(), func(o *orderv1.Order) bool { return Final(o.GetStatus()) }); err != nil {
		return err
	}
	_, err := w.Cancel(ctx, o.GetOrderId())
	if r, ok := errors.AsType[*Refused](err); ok && r.Status == http.StatusConflict {
		return nil
	}
	return fmt.Errorf("cancelling a confirmed order answered %v, want 409", err)
}

// Quantity is how many a scenario orders: of the scarce product more than there are.
func (s Scenario) Quantity() int32 {
	if s.SKU == Scarce {
		return 3
	}
	return 1
}

// Run places the scenario's order and follows it to its end. The error says how it ended otherwise.
func (s Scenario) Run(ctx context.Context, w World) (*orderv1.Order, error) {
	sku := s.SKU
	if sku == "" {
		sku = Plenty
	}
	placed, err := w.Place(ctx, rand.Text(), &orderv1.PlaceOrderRequest{
		Lines: []*orderv1.RequestedLine{{Sku: sku, Quantity: s.Quantity()}}, PaymentMethod: s.Method,
	})
	if err != nil {
		return nil, fmt.Errorf("place: %w", err)
	}
	if s.act != nil {
		if err := s.act(ctx, w, placed.Order); err != nil {
			return placed.Order, err
		}
	}
	o, err := w.Await(ctx, placed.Order.GetOrderId(), func(o *orderv1.Order) bool { return Final(o.GetStatus()) })
	if err != nil {
		return placed.Order, err
	}
	if o.GetStatus() != s.Want || o.GetCancellationReason() != s.Reason {
		return o, fmt.Errorf("order %s ended %s %s, want %s %s", o.GetOrderId(), o.GetStatus(), o.GetCancellationReason(), s.Want, s.Reason)
	}
	return o, nil
}
