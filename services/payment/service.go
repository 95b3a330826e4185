// Package payment is the service that owns the payments and the payment provider's keys.
package payment

import (
	"context"
	"time"

	"google.golang.org/grpc"

	paymentv1 "orderflow.dev/gen/orderflow/payment/v1"
	"orderflow.dev/internal/api"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/platform/rpc"
	"orderflow.dev/internal/provider"
	"orderflow.dev/internal/store"
)

type config struct {
	Store   store.Config
	Sandbox provider.SandboxConfig
}

func init() { rpc.Service("payment", wire) }

func wire(ctx context.Context, cfg config) (rpc.Registration, error) {
	payments, err := store.OpenPayments(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	sandbox := provider.NewSandbox(cfg.Sandbox)
	return Register(payment.Paying{Payments: payments, Provider: sandbox, Now: time.Now}, sandbox), nil
}

// Register puts the service on a server.
func Register(paying payment.Paying, ledger payment.Ledger) rpc.Registration {
	s := &server{paying: paying, ledger: ledger}
	return func(r grpc.ServiceRegistrar) { paymentv1.RegisterPaymentServiceServer(r, s) }
}

type server struct {
	paymentv1.UnimplementedPaymentServiceServer
	paying payment.Paying
	ledger payment.Ledger
}

func (s *server) ChargePayment(ctx context.Context, req *paymentv1.ChargePaymentRequest) (*paymentv1.ChargePaymentResponse, error) {
	p, err := s.paying.Charge(ctx, req.GetOrderId(), req.GetAmount(), req.GetPaymentMethod())
	if err != nil {
		return nil, err
	}
	return &paymentv1.ChargePaymentResponse{Payment: api.Payment(p)}, nil
}

func (s *server) RefundPayment(ctx context.Context, req *paymentv1.RefundPaymentRequest) (*paymentv1.RefundPaymentResponse, error) {
	p, err := s.paying.Refund(ctx, req.GetOrderId())
	if err != nil {
		return nil, err
	}
	return &paymentv1.RefundPaymentResponse{Payment: api.Payment(p)}, nil
}

func (s *server) RefundAmount(ctx context.Context, req *paymentv1.RefundAmountRequest) (*paymentv1.RefundAmountResponse, error) {
	p, err := s.paying.RefundAmount(ctx, req.GetOrderId(), req.GetRefundId(), req.GetAmount())
	if err != nil {
		return nil, err
	}
	return &paymentv1.RefundAmountResponse{Payment: api.Payment(p)}, nil
}

func (s *server) GetPayment(ctx context.Context, req *paymentv1.GetPaymentRequest) (*paymentv1.GetPaymentResponse, error) {
	p, err := s.paying.Get(ctx, req.GetOrderId())
	if err != nil {
		return nil, err
	}
	return &paymentv1.GetPaymentResponse{Payment: api.Payment(p)}, nil
}
