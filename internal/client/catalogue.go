// Package client is how one context asks another: the adapters behind the interfaces that domain rooms declare.
package client

import (
	"context"

	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/rpc"
)

// InventoryConfig leads to the inventory service.
type InventoryConfig struct {
	URL string `env:"INVENTORY_URL, required"` // its root URL, which is also its audience
}

// Catalogue is order.Catalogue and importing.Items by gRPC.
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

// Upsert implements importing.Items.
func (c *Catalogue) Upsert(ctx context.Context, generation int64, items []importing.Item) (map[string]importing.Statement, error) {
	req := &inventoryv1.UpsertItemsRequest{Generation: generation}
	for _, it := range items {
		req.Items = append(req.Items, &inventoryv1.StatedItem{
			Sku: it.SKU, Name: it.Name, Stock: it.Stock, Line: it.Line,
			UnitPrice: &typev1.Money{CurrencyCode: it.Currency, MinorUnits: it.UnitPrice},
		})
	}
	resp, err := c.client.UpsertItems(ctx, req)
	if err != nil {
		return nil, err
	}
	others := make(map[string]importing.Statement, len(resp.GetIgnored()))
	for _, i := range resp.GetIgnored() {
		others[i.GetSku()] = importing.Statement{Generation: i.GetGeneration(), Line: i.GetLine()}
	}
	return others, nil
}
