package store

import (
	"context"
	"time"

	"orderflow.dev/internal/platform/event"
)

// Config is what opening a database takes.
type Config struct {
	Project string `env:"GOOGLE_CLOUD_PROJECT, required"`
}

// OpenOrders opens the orders database for writers, who also publish.
func OpenOrders(ctx context.Context, cfg Config) (*Orders, error) {
	db, publisher, err := openJournaled(ctx, cfg, "orders")
	if err != nil {
		return nil, err
	}
	return NewOrders(db, publisher, time.Now), nil
}

// ReadOrders opens the orders database for readers: they need no right to publish.
func ReadOrders(ctx context.Context, cfg Config) (*Orders, error) {
	db, err := Open(ctx, cfg.Project, "orders")
	if err != nil {
		return nil, err
	}
	return NewOrders(db, nil, time.Now), nil
}

// OpenPayments opens the payments database for writers, who also publish.
func OpenPayments(ctx context.Context, cfg Config) (*Payments, error) {
	db, publisher, err := openJournaled(ctx, cfg, "payments")
	if err != nil {
		return nil, err
	}
	return NewPayments(db, publisher, time.Now), nil
}

// ReadPayments opens the payments database for readers: they need no right to publish.
func ReadPayments(ctx context.Context, cfg Config) (*Payments, error) {
	db, err := Open(ctx, cfg.Project, "payments")
	if err != nil {
		return nil, err
	}
	return NewPayments(db, nil, time.Now), nil
}

// ReadInventory opens the inventory database for readers of stock and reservations.
func ReadInventory(ctx context.Context, cfg Config) (*Inventory, error) {
	db, err := Open(ctx, cfg.Project, "inventory")
	if err != nil {
		return nil, err
	}
	return NewInventory(db), nil
}

// ReadImports opens the imports database for readers.
func ReadImports(ctx context.Context, cfg Config) (*Imports, error) {
	db, err := Open(ctx, cfg.Project, "imports")
	if err != nil {
		return nil, err
	}
	return NewImports(db), nil
}

func openJournaled(ctx context.Context, cfg Config, database string) (*Firestore, *event.Publisher, error) {
	db, err := Open(ctx, cfg.Project, database)
	if err != nil {
		return nil, nil, err
	}
	publisher, err := event.NewPublisher(ctx, cfg.Project)
	return db, publisher, err
}
