package stack

import (
	"context"
	"fmt"
	"path"

	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/promise"
	"orderflow.dev/internal/store"
)

// World gathers everything that promises are checked on. Orders may be on their way meanwhile: it reads in the order
// that promise.World asks for.
func (in *Inspector) World(ctx context.Context) (promise.World, error) {
	w, err := in.world(ctx)
	if err != nil {
		return w, fmt.Errorf("gather what promises are checked on: %w", err)
	}
	return w, nil
}

func (in *Inspector) world(ctx context.Context) (promise.World, error) {
	acknowledged, err := acknowledgements(in.endpoints.LogFile)
	if err != nil {
		return promise.World{}, err
	}
	inventory, err := store.Open(ctx, Project, "inventory")
	if err != nil {
		return promise.World{}, err
	}
	defer inventory.Close()
	platform, err := store.Open(ctx, Project, "platform")
	if err != nil {
		return promise.World{}, err
	}
	defer platform.Close()
	w, err := Stores{Orders: in.orders, Payments: in.payments, Inventory: inventory, Platform: platform}.World(ctx)
	w.Acknowledged = acknowledged
	if err == nil {
		w.Ledger, err = in.Movements(ctx)
	}
	return w, err
}

// Stores are the databases that hold what was promised.
type Stores struct {
	Orders, Payments, Inventory, Platform store.Database
}

// World is what they say; acknowledgements and the provider's ledger are not in them.
func (s Stores) World(ctx context.Context) (promise.World, error) {
	g := gathering{Stores: s}
	for _, step := range []func(context.Context) error{g.orders, g.payments, g.stock, g.deadLetters} {
		if err := step(ctx); err != nil {
			return promise.World{}, err
		}
	}
	return g.world, nil
}

type gathering struct {
	Stores
	world promise.World
}

// unreadable keeps a document that cannot be read from hiding the others.
func (g *gathering) unreadable(d store.Document, err error) {
	u := promise.Unreadable{Path: d.Path, OrderID: path.Base(d.Path), Why: err.Error()}
	g.world.Unreadable = append(g.world.Unreadable, u)
}

func (g *gathering) orders(ctx context.Context) error {
	return store.ScanDocuments(ctx, g.Orders, "orders", func(d store.Document) {
		o, err := store.ReadOrder(d)
		if err != nil {
			g.unreadable(d, err)
			return
		}
		f := store.ReadQueryFields(d)
		g.world.Orders = append(g.world.Orders, promise.Order{
			ID: o.ID, Journal: o.Journal, Sweep: sweepOf(f),
			Fields: promise.OrderFields{
				Status: f.Status, CustomerID: f.CustomerID, CreateTime: f.CreateTime, NextAttempt: f.NextAttempt, InSweep: f.InSweep,
			},
		})
	})
}

func (g *gathering) payments(ctx context.Context) error {
	return store.ScanDocuments(ctx, g.Payments, "payments", func(d store.Document) {
		p, err := store.ReadPayment(d)
		if err != nil {
			g.unreadable(d, err)
			return
		}
		g.world.Payments = append(g.world.Payments, promise.Payment{Payment: *p, Sweep: sweepOf(store.ReadQueryFields(d))})
	})
}

func sweepOf(f store.QueryFields) promise.Sweep {
	return promise.Sweep{InShard: f.InJournalSweep, Since: f.Unpublished}
}

// stockTries is how often stock and reservations are read for a picture in which nothing moved.
const stockTries = 5

// stock reads stock, reservations and adjustments, and stock again: stock changes in the same commit as its reservation or
// adjustment, so stock that stood still says that those between did too.
func (g *gathering) stock(ctx context.Context) error {
	before, err := readStock(ctx, g.Inventory)
	if err != nil {
		return err
	}
	known := len(g.world.Unreadable)
	for range stockTries {
		g.world.Unreadable, g.world.Reservations, g.world.Adjustments = g.world.Unreadable[:known], nil, nil
		if err := g.reservations(ctx); err != nil {
			return err
		}
		if err := g.adjustments(ctx); err != nil {
			return err
		}
		after, err := readStock(ctx, g.Inventory)
		if err != nil {
			return err
		}
		g.world.Stock, g.world.StockMoved = after, !sameStock(before, after)
		if !g.world.StockMoved {
			return nil
		}
		before = after
	}
	return nil
}

func readStock(ctx context.Context, db store.Database) (stock []inventory.Stock, err error) {
	err = store.ScanDocuments(ctx, db, "stock", func(d store.Document) { stock = append(stock, *store.ReadStock(d)) })
	return stock, err
}

// sameStock compares versions too: a product that was held and released meanwhile has moved.
func sameStock(a, b []inventory.Stock) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func (g *gathering) reservations(ctx context.Context) error {
	return store.ScanDocuments(ctx, g.Inventory, "reservations", func(d store.Document) {
		r, err := store.ReadReservation(d)
		if err != nil {
			if r != nil {
				d.Path = "reservations/" + r.OrderID // its id is not an order's as it is
			}
			g.unreadable(d, err)
			return
		}
		g.world.Reservations = append(g.world.Reservations, *r)
	})
}

func (g *gathering) adjustments(ctx context.Context) error {
	return store.ScanDocuments(ctx, g.Inventory, "adjustments", func(d store.Document) {
		g.world.Adjustments = append(g.world.Adjustments, store.ReadAdjustment(d))
	})
}

func (g *gathering) deadLetters(ctx context.Context) error {
	return store.ScanDocuments(ctx, g.Platform, "dead_letters", func(d store.Document) {
		l := store.ReadDeadLetter(d)
		if !l.Open() { // somebody replayed or discarded it
			return
		}
		g.world.DeadLetters = append(g.world.DeadLetters, promise.DeadLetter{OrderID: l.OrderID, Function: l.Function, Reason: l.Reason})
	})
}
