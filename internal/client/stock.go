package client

import (
	"context"

	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	"orderflow.dev/internal/platform/rpc"
)

// Stock is what repairs ask the inventory service for, by gRPC.
type Stock struct {
	client inventoryv1.InventoryServiceClient
}

// NewStock connects to the inventory service.
func NewStock(ctx context.Context, cfg InventoryConfig) (*Stock, error) {
	conn, err := rpc.Dial(ctx, cfg.URL)
	if err != nil {
		return nil, err
	}
	return &Stock{inventoryv1.NewInventoryServiceClient(conn)}, nil
}

// Release implements repair.Releaser.
func (s *Stock) Release(ctx context.Context, orderID string) error {
	_, err := s.client.ReleaseStock(ctx, &inventoryv1.ReleaseStockRequest{OrderId: orderID})
	return err
}
