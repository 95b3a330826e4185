package client

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	paymentv1 "orderflow.dev/gen/orderflow/payment/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/platform/rpc"
)

// Charges is what repairs and reconciliations ask the payment service for, by gRPC.
type Charges struct {
	client paymentv1.PaymentServiceClient
}

// NewCharges connects to the payment service by its root URL, which is also its audience.
func NewCharges(ctx context.Context, url string) (*Charges, error) {
	conn, err := rpc.Dial(ctx, url)
	if err != nil {
		return nil, err
	}
	return &Charges{paymentv1.NewPaymentServiceClient(conn)}, nil
}

// Adopt implements repair.Payments.
func (c *Charges) Adopt(ctx context.Context, claim payment.Claim) error {
	_, err := c.client.AdoptCharge(ctx, &paymentv1.AdoptChargeRequest{
		OrderId: claim.OrderID, Amount: claim.Amount, PaymentMethod: claim.Method, Declined: claim.Declined,
	})
	return err
}

// Refund implements repair.Payments.
func (c *Charges) Refund(ctx context.Context, orderID string) error {
	_, err := c.client.RefundPayment(ctx, &paymentv1.RefundPaymentRequest{OrderId: orderID})
	return err
}

// Find is the provider's word on an order's charge; payment.ErrUnknownCharge if it never heard of it.
func (c *Charges) Find(ctx context.Context, orderID string) (payment.Charge, error) {
	resp, err := c.client.FindCharge(ctx, &paymentv1.FindChargeRequest{OrderId: orderID})
	if fault.Code(err) == codes.NotFound {
		return payment.Charge{}, payment.ErrUnknownCharge
	}
	return payment.Charge{
		ID: resp.GetProviderChargeId(), Status: payment.ChargeStatus(resp.GetStatus()), Amount: resp.GetAmount(), Refunded: resp.GetRefundedMinorUnits(),
	}, err
}

// Movements implements payment.Ledger.
func (c *Charges) Movements(ctx context.Context, w payment.Window) (page []payment.Movement, next string, err error) {
	req := &paymentv1.ListMovementsRequest{PageSize: int32(w.Size), PageToken: w.After}
	if !w.Since.IsZero() {
		req.Since = timestamppb.New(w.Since)
	}
	if !w.Until.IsZero() {
		req.Until = timestamppb.New(w.Until)
	}
	resp, err := c.client.ListMovements(ctx, req)
	for _, m := range resp.GetMovements() {
		page = append(page, payment.Movement{
			ID: m.GetMovementId(), Type: m.GetType(), OrderID: m.GetOrderId(), Amount: m.GetAmount(), Time: m.GetMoveTime().AsTime(),
		})
	}
	return page, resp.GetNextPageToken(), err
}
