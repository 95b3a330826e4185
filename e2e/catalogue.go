package e2e

import (
	"context"
	"fmt"
	"slices"

	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/local/stack"
)

// Catalogue is what the demo sells.
var Catalogue = []*inventoryv1.StatedItem{
	Stated(Plenty, "Blue mug", 950, 100_000),
	Stated(Scarce, "Copper lamp", 8900, 2),
	Stated("tea-darjeeling", "Darjeeling, 250 g", 1275, 5_000),
	Stated("teapot-white", "White teapot", 3450, 400),
}

// Stated is a product with its price in pence and its physical stock.
func Stated(sku, name string, pence, stock int64) *inventoryv1.StatedItem {
	return &inventoryv1.StatedItem{Sku: sku, Name: name, UnitPrice: &typev1.Money{CurrencyCode: "GBP", MinorUnits: pence}, Stock: stock}
}

// LoadCatalogue states items to a running stack, a few hundred at a time. progress, if not nil, is told how many are done.
func LoadCatalogue(ctx context.Context, e stack.Endpoints, items []*inventoryv1.StatedItem, progress func(int)) error {
	in, err := stack.Inspect(ctx, e)
	if err != nil {
		return err
	}
	done := 0
	for batch := range slices.Chunk(items, 200) {
		if _, err := in.Inventory().UpsertItems(ctx, &inventoryv1.UpsertItemsRequest{Items: batch}); err != nil {
			return fmt.Errorf("load products %s to %s: %w", batch[0].GetSku(), batch[len(batch)-1].GetSku(), err)
		}
		if done += len(batch); progress != nil {
			progress(done)
		}
	}
	return nil
}
