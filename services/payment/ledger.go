package payment

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	paymentv1 "orderflow.dev/gen/orderflow/payment/v1"
	"orderflow.dev/internal/api"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/payment"
)

func (s *server) AdoptCharge(ctx context.Context, req *paymentv1.AdoptChargeRequest) (*paymentv1.AdoptChargeResponse, error) {
	p, err := s.paying.Adopt(ctx, payment.Claim{
		OrderID: req.GetOrderId(), Amount: req.GetAmount(), Method: req.GetPaymentMethod(), Declined: req.GetDeclined(),
	})
	if err != nil {
		return nil, err
	}
	return &paymentv1.AdoptChargeResponse{Payment: api.Payment(p)}, nil
}

func (s *server) FindCharge(ctx context.Context, req *paymentv1.FindChargeRequest) (*paymentv1.FindChargeResponse, error) {
	if req.GetOrderId() == "" {
		return nil, fault.Invalid([]fault.Field{{Name: "order_id", Message: "is missing"}})
	}
	c, err := s.paying.Provider.Find(ctx, req.GetOrderId())
	if err != nil {
		return nil, err
	}
	return &paymentv1.FindChargeResponse{
		ProviderChargeId: c.ID, Status: string(c.Status), Amount: c.Amount, RefundedMinorUnits: c.Refunded,
	}, nil
}

// Sizes of a page of movements.
const (
	usualPage = 500
	mostPage  = 1000
)

func (s *server) ListMovements(ctx context.Context, req *paymentv1.ListMovementsRequest) (*paymentv1.ListMovementsResponse, error) {
	w := payment.Window{Since: timeOf(req.GetSince()), Until: timeOf(req.GetUntil()), Size: int(req.GetPageSize()), After: req.GetPageToken()}
	if w.Size < 0 || w.Size > mostPage {
		return nil, fault.Invalid([]fault.Field{{Name: "page_size", Message: fmt.Sprintf("is %d: it may be 1 to %d", w.Size, mostPage)}})
	}
	if w.Size == 0 {
		w.Size = usualPage
	}
	page, next, err := s.ledger.Movements(ctx, w)
	if err != nil {
		return nil, err
	}
	resp := &paymentv1.ListMovementsResponse{NextPageToken: next}
	for _, m := range page {
		resp.Movements = append(resp.Movements, &paymentv1.Movement{
			MovementId: m.ID, Type: m.Type, OrderId: m.OrderID, Amount: m.Amount, MoveTime: timestamppb.New(m.Time),
		})
	}
	return resp, nil
}

// timeOf is the zero time where nothing was said.
func timeOf(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
