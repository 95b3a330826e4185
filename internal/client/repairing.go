package client

import (
	"context"
	"time"

	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/workflow"
	"orderflow.dev/internal/repair"
	"orderflow.dev/internal/store"
)

// Site is where a repair works.
type Site struct {
	Project   string
	Workflow  workflow.Config
	Payment   PaymentConfig
	Inventory InventoryConfig
}

// NewRepairing connects to the parts of a project that repairs work through.
func NewRepairing(ctx context.Context, s Site) (repair.Repairing, error) {
	orders, err := store.ReadOrders(ctx, store.Config{Project: s.Project})
	if err != nil {
		return repair.Repairing{}, err
	}
	stock, err := store.Open(ctx, s.Project, "inventory")
	if err != nil {
		return repair.Repairing{}, err
	}
	payments, err := NewPayments(ctx, s.Payment)
	if err != nil {
		return repair.Repairing{}, err
	}
	releaser, err := NewStock(ctx, s.Inventory)
	if err != nil {
		return repair.Repairing{}, err
	}
	saga, err := NewSaga(ctx, s.Workflow)
	return repair.Repairing{
		Payments: payments, Inventory: releaser, Mending: inventory.Mending{Store: store.NewInventory(stock)},
		Fulfilling: order.Fulfilling{Orders: orders, Saga: saga, Now: time.Now},
	}, err
}
