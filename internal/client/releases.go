package client

import (
	"context"

	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	"orderflow.dev/internal/platform/rpc"
)

// Releases is what repairs ask the inventory service for, by gRPC.
type Releases struct {
	client inventoryv1.InventoryServiceClient
}

// NewReleases connects to the inventory service by its root URL, which is also its audience.
func NewReleases(ctx context.Context, url string) (*Releases, error) {
	conn, err := rpc.Dial(ctx, url)
	if err != nil {
		return nil, err
	}
	return &Releases{inventoryv1.NewInventoryServiceClient(conn)}, nil
}

// Release implements repair.Releaser.
func (r *Releases) Release(ctx context.Context, orderID string) error {
	_, err := r.client.ReleaseStock(ctx, &inventoryv1.ReleaseStockRequest{OrderId: orderID})
	return err
}
