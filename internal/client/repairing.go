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
	Project      string
	Location     string // of the workflow
	PaymentURL   string
	InventoryURL string
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
	charges, err := NewCharges(ctx, s.PaymentURL)
	if err != nil {
		return repair.Repairing{}, err
	}
	releases, err := NewReleases(ctx, s.InventoryURL)
	if err != nil {
		return repair.Repairing{}, err
	}
	saga, err := NewSaga(ctx, workflow.Config{Project: s.Project, Location: s.Location, Workflow: "fulfil-order"})
	return repair.Repairing{
		Payments: charges, Inventory: releases, Mending: inventory.Mending{Store: store.NewInventory(stock)},
		Fulfilling: order.Fulfilling{Orders: orders, Saga: saga, Now: time.Now},
	}, err
}
