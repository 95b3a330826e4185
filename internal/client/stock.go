package client

import (
	"context"

	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	"orderflow.dev/internal/platform/rpc"
)

// Stock is what operators ask of the inventory service.
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

// Adjust corrects a product's stock, once per adjustment_id.
func (s *Stock) Adjust(ctx context.Context, req *inventoryv1.AdjustStockRequest) (*inventoryv1.AdjustStockResponse, error) {
	return s.client.AdjustStock(ctx, req)
}

// Item is a product with its stock and the last corrections of it.
func (s *Stock) Item(ctx context.Context, sku string) (*inventoryv1.GetItemResponse, error) {
	return s.client.GetItem(ctx, &inventoryv1.GetItemRequest{Sku: sku})
}
