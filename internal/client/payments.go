package client

import (
	"context"

	paymentv1 "orderflow.dev/gen/orderflow/payment/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/platform/rpc"
)

// PaymentConfig leads to the payment service.
type PaymentConfig struct {
	URL string `env:"PAYMENT_URL, required"` // its root URL, which is also its audience
}

// Payments is order.Refunder by gRPC.
type Payments struct {
	client paymentv1.PaymentServiceClient
}

// NewPayments connects to the payment service.
func NewPayments(ctx context.Context, cfg PaymentConfig) (*Payments, error) {
	conn, err := rpc.Dial(ctx, cfg.URL)
	if err != nil {
		return nil, err
	}
	return &Payments{paymentv1.NewPaymentServiceClient(conn)}, nil
}

// RefundAmount implements order.Refunder.
func (p *Payments) RefundAmount(ctx context.Context, orderID, refundID string, amount *typev1.Money) error {
	_, err := p.client.RefundAmount(ctx, &paymentv1.RefundAmountRequest{OrderId: orderID, RefundId: refundID, Amount: amount})
	return err
}
