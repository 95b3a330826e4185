package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/importing/rows"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/store"
	"orderflow.dev/local/stack"
)

// parse reads and parses the file, and does nothing else: how fast an import could be at most.
func parse(f file) (took time.Duration, err error) {
	began := time.Now()
	src, err := os.Open(f.path)
	if err != nil {
		return 0, err
	}
	defer src.Close()
	r, err := rows.Open(src, rows.Columns{}, rows.Limits{})
	if err != nil {
		return 0, err
	}
	orders := 0
	for g, err := range r.Groups() {
		if err != nil {
			return 0, err
		}
		if err := g.Err(); err != nil {
			return 0, err
		}
		orders++
	}
	if orders != f.orders {
		return 0, fmt.Errorf("%s has %d orders, want %d", f.path, orders, f.orders)
	}
	return time.Since(began), nil
}

// copyAlone reads the file, and does nothing else.
func copyAlone(f file) (time.Duration, error) {
	began := time.Now()
	src, err := os.Open(f.path)
	if err != nil {
		return 0, err
	}
	defer src.Close()
	_, err = io.Copy(io.Discard, struct{ io.Reader }{src})
	return time.Since(began), err
}

// nobody is who is told of orders that only measure.
type nobody struct{}

func (nobody) Publish(context.Context, ...event.Event) error { return nil }

// createRate is how many such orders a second the store itself takes, in a database of their own: no file, no prices, no
// events.
func createRate(ctx context.Context, parallel int, during time.Duration) (float64, error) {
	db, err := store.Open(ctx, stack.Project, "baseline")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	orders := store.NewOrders(db, nobody{}, time.Now)
	var (
		g     errgroup.Group
		made  atomic.Int64
		began = time.Now()
	)
	for range parallel {
		g.Go(func() error {
			for time.Since(began) < during {
				if err := orders.Create(ctx, some()); err != nil {
					return err
				}
				made.Add(1)
			}
			return nil
		})
	}
	err = g.Wait()
	return float64(made.Load()) / time.Since(began).Seconds(), err
}

// some is an order such as the file's.
func some() *order.Order {
	r := order.Request{Source: source, IdempotencyKey: rand.Text()}
	o := &order.Order{ID: r.OrderID(), Fingerprint: make([]byte, 32), Origin: "baseline:1", NextAttempt: time.Now().Add(time.Hour)}
	price := &typev1.Money{CurrencyCode: "GBP", MinorUnits: 950}
	created := &eventv1.OrderCreated{
		OrderId: o.ID, Seq: 1, EventTime: timestamppb.Now(), ExpireTime: timestamppb.Now(), CustomerId: "baseline", Total: price,
		PaymentMethod: "pm_approve",
	}
	for n := range rowsPerOrder {
		created.Lines = append(created.Lines, &typev1.OrderLine{Sku: products[n%len(products)], Name: "a product of some name", Quantity: 1, UnitPrice: price})
	}
	o.Journal.Append(created, false)
	return o
}
