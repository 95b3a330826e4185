// Package adjuststock corrects what is physically there of a product, as an operator found it.
package adjuststock

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	operationsv1 "orderflow.dev/gen/orderflow/operations/v1"
	"orderflow.dev/internal/client"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/platform/telemetry"
)

type config struct {
	Inventory client.InventoryConfig
}

func init() { function.API("adjust-stock", http.MethodPost, wire, "operator") }

func wire(ctx context.Context, cfg config) (function.APIHandler, error) {
	stock, err := client.NewStock(ctx, cfg.Inventory)
	if err != nil {
		return nil, err
	}
	return Handler(stock.Adjust), nil
}

// Handler adjusts the stock of the product that the body names, in the name of the token's subject.
func Handler(adjust func(context.Context, *inventoryv1.AdjustStockRequest) (*inventoryv1.AdjustStockResponse, error)) function.APIHandler {
	return func(ctx context.Context, r *function.Request) (*function.Reply, error) {
		var req operationsv1.AdjustStockRequest
		if err := r.Decode(&req); err != nil {
			return nil, err
		}
		telemetry.Annotate(ctx, "operator", r.Subject)
		telemetry.Annotate(ctx, "sku", req.GetSku())
		resp, err := adjust(ctx, &inventoryv1.AdjustStockRequest{
			AdjustmentId: r.Header.Get("Idempotency-Key"), Sku: req.GetSku(), Delta: req.GetDelta(), By: r.Subject, Note: req.GetReason(),
		})
		if err != nil {
			return nil, inCallersNames(err)
		}
		return &function.Reply{Body: resp}, nil
	}
}

// callersName are the names by which the caller knows what inventory calls otherwise.
var callersName = map[string]string{"adjustment_id": "Idempotency-Key", "note": "reason"}

func inCallersNames(err error) error {
	f := *fault.Of(err)
	f.Fields = slices.Clone(f.Fields)
	for i, field := range f.Fields {
		f.Fields[i].Name = cmp.Or(callersName[field.Name], field.Name)
	}
	return &f
}
