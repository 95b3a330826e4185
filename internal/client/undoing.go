package client

import (
	"context"

	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	paymentv1 "orderflow.dev/gen/orderflow/payment/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/platform/rpc"
)

// Undoing is order.Undoing by gRPC.
type Undoing struct {
	payments  paymentv1.PaymentServiceClient
	inventory inventoryv1.InventoryServiceClient
}

// NewUndoing connects to the payment service and to the inventory service.
func NewUndoing(ctx context.Context, payment PaymentConfig, inventory InventoryConfig) (*Undoing, error) {
	payments, err := rpc.Dial(ctx, payment.URL)
	if err != nil {
		return nil, err
	}
	stock, err := rpc.Dial(ctx, inventory.URL)
	if err != nil {
		return nil, err
	}
	return &Undoing{paymentv1.NewPaymentServiceClient(payments), inventoryv1.NewInventoryServiceClient(stock)}, nil
}

// RefundPayment implements order.Undoing.
func (u *Undoing) RefundPayment(ctx context.Context, orderID string) (typev1.PaymentState, error) {
	resp, err := u.payments.RefundPayment(ctx, &paymentv1.RefundPaymentRequest{OrderId: orderID})
	return resp.GetPayment().GetState(), err
}

// ReleaseStock implements order.Undoing.
func (u *Undoing) ReleaseStock(ctx context.Context, orderID string) (typev1.ReservationState, error) {
	resp, err := u.inventory.ReleaseStock(ctx, &inventoryv1.ReleaseStockRequest{OrderId: orderID})
	return resp.GetReservation().GetState(), err
}
