package cloudtest

import (
	"context"
	"fmt"
	"os"

	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/platform/rpc"
)

// Selling is a Preparation for after Service("inventory"): the catalogue has ten of a product at a price in pence. It
// may be called again for another price.
func Selling(sku, name string, pence int64) Preparation {
	return func(ctx context.Context) error {
		conn, err := rpc.Dial(ctx, os.Getenv("INVENTORY_URL"))
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = inventoryv1.NewInventoryServiceClient(conn).UpsertItems(ctx, &inventoryv1.UpsertItemsRequest{Items: []*inventoryv1.StatedItem{
			{Sku: sku, Name: name, UnitPrice: &typev1.Money{CurrencyCode: "GBP", MinorUnits: pence}, Stock: 10},
		}})
		if err != nil {
			return fmt.Errorf("sell %s: %w", sku, err)
		}
		return nil
	}
}
