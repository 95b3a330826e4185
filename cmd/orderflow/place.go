package main

import (
	"context"
	"errors"
	"fmt"

	"orderflow.dev/internal/catchup"
	"orderflow.dev/internal/client"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/promise"
	"orderflow.dev/internal/repair"
	"orderflow.dev/internal/store"
	"orderflow.dev/local/stack"
)

// place is what a check looks at and a repair works on: the running stack, or a project.
type place interface {
	World(ctx context.Context) (promise.World, error)
	Timeline(ctx context.Context, orderID string) ([]stack.Happening, error)
	Repairing(ctx context.Context) (repair.Repairing, error)
	// CatchUp brings this place's orders up to its archive, or says how it would; see catchup.Run.
	CatchUp(ctx context.Context, o catchup.Options) (outcomes []catchup.Outcome, read int, err error)
}

func openPlace(ctx context.Context, at client.Site) (place, error) {
	if at.Project != "" {
		return openProject(ctx, at)
	}
	e, err := stack.Running()
	if err != nil {
		return nil, fmt.Errorf("%w; or name a Google Cloud project: --project", err)
	}
	return stack.Inspect(ctx, e)
}

// project is a Google Cloud project.
type project struct {
	stack.Stores
	at      client.Site
	charges *client.Charges
}

func openProject(ctx context.Context, at client.Site) (*project, error) {
	if at.PaymentURL == "" || at.InventoryURL == "" {
		return nil, errors.New("a project's services are needed, too: give --payment-url and --inventory-url " +
			"(gcloud run services describe payment --region REGION --format 'value(status.url)')")
	}
	p := &project{at: at}
	for name, db := range map[string]*store.Database{
		"orders": &p.Orders, "payments": &p.Payments, "inventory": &p.Inventory, "platform": &p.Platform,
	} {
		opened, err := store.Open(ctx, at.Project, name)
		if err != nil {
			return nil, err
		}
		*db = opened
	}
	var err error
	p.charges, err = client.NewCharges(ctx, at.PaymentURL)
	return p, err
}

// World implements place. Which orders were acknowledged is not known of a project.
func (p *project) World(ctx context.Context) (promise.World, error) {
	w, err := p.Stores.World(ctx)
	if err != nil {
		return w, fmt.Errorf("gather what promises are checked on: %w", err)
	}
	w.Ledger, err = p.ledger(ctx)
	return w, err
}

func (p *project) ledger(ctx context.Context) (all []promise.Movement, err error) {
	for window := (payment.Window{Size: 1000}); ; {
		page, next, err := p.charges.Movements(ctx, window)
		if err != nil {
			return nil, fmt.Errorf("ask the payment service for the provider's ledger: %w", err)
		}
		for _, m := range page {
			all = append(all, promise.Movement{
				Type: m.Type, OrderID: m.OrderID, RefundKey: m.Refund, Amount: m.Amount.GetMinorUnits(), Currency: m.Amount.GetCurrencyCode(),
			})
		}
		if next == "" {
			return all, nil
		}
		window.After = next
	}
}

// Repairing implements place.
func (p *project) Repairing(ctx context.Context) (repair.Repairing, error) {
	return client.NewRepairing(ctx, p.at)
}

// CatchUp implements place.
func (p *project) CatchUp(ctx context.Context, o catchup.Options) ([]catchup.Outcome, int, error) {
	o.Project = p.at.Project
	return catchup.Run(ctx, o)
}
