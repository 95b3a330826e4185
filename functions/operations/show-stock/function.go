// Package showstock answers a product's stock and who corrected it, for operators.
package showstock

import (
	"context"
	"net/http"

	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	"orderflow.dev/internal/client"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/platform/telemetry"
)

type config struct {
	Inventory client.InventoryConfig
}

func init() { function.API("show-stock", http.MethodGet, wire, "operator") }

func wire(ctx context.Context, cfg config) (function.APIHandler, error) {
	stock, err := client.NewStock(ctx, cfg.Inventory)
	if err != nil {
		return nil, err
	}
	return Handler(stock.Item), nil
}

// Handler answers the product that the query's sku names.
func Handler(item func(ctx context.Context, sku string) (*inventoryv1.GetItemResponse, error)) function.APIHandler {
	return func(ctx context.Context, r *function.Request) (*function.Reply, error) {
		sku := r.URL.Query().Get("sku")
		if sku == "" {
			return nil, fault.Invalid([]fault.Field{{Name: "sku", Message: "is missing"}})
		}
		telemetry.Annotate(ctx, "operator", r.Subject)
		telemetry.Annotate(ctx, "sku", sku)
		it, err := item(ctx, sku)
		if err != nil {
			return nil, err
		}
		return &function.Reply{Body: it}, nil
	}
}
