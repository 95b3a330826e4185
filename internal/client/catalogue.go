// Package client is how one context asks another: the adapters behind the interfaces that domain rooms declare.
package client

import (
	"context"

	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/rpc"
)

// InventoryConfig leads to the inventory service.
type InventoryConfig struct {
	URL string `env:"INVENTORY_URL, required"` // its root URL, which is also its audience
}

// Catalogue is order.Catalogue by gRPC.
type Catalogue struct {
	client inventoryv1.InventoryServiceClient
}

// NewCatalogue connects to the inventory service.
func NewCatalogue(ctx context.Context, cfg InventoryConfig) (*Catalogue, error) {
	conn, err := rpc.Dial(ctx, cfg.URL)
	if err != nil {
		return nil, err
	}
	return &Catalogue{inventoryv1.NewInventoryServiceClient(conn)}, nil
}

// Quote implements order.Catalogue.
func (c *Catalogue) Quote(ctx context.Context, skus []string) (map[string]order.Quote, error) {
	resp, err := c.client.QuoteItems(ctx, &inventoryv1.QuoteItemsRequest{Skus: skus})
	if err != nil {
		return nil, err
	}
	quotes := make(map[string]order.Quote, len(resp.GetQuotes()))
	for _, q := range resp.GetQuotes() {
		quotes[q.GetSku()] = order.Quote{Name: q.GetName(), UnitPrice: q.GetUnitPrice()}
	}
	return quotes, nil
}
