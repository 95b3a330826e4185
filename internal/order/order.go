// Package order is what an order is and what may happen to it. Its state is what its journal says: each use case, one
// file, appends to the journal in one write of one document.
package order

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc/codes"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/journal"
)

// Status is where an order stands.
type Status string

// An order is PLACED, then CONFIRMED, or CANCELLING and then CANCELLED.
const (
	Placed     Status = "PLACED"
	Confirmed  Status = "CONFIRMED"
	Cancelling Status = "CANCELLING"
	Cancelled  Status = "CANCELLED"
)

// Reason is why an order is cancelled.
type Reason string

// The reasons that cancel an order. Anything else is trouble, and trouble alone never cancels.
const (
	OutOfStock Reason = "out_of_stock" // refused by inventory
	Declined   Reason = "declined"     // refused by the payment provider
	ByCustomer Reason = "cancelled"    // asked for by the customer
	Expired    Reason = "expired"      // not confirmed by its expire_time
	ByOperator Reason = "operator"     // asked for by an operator
)

func (r Reason) known() bool {
	switch r {
	case OutOfStock, Declined, ByCustomer, Expired, ByOperator:
		return true
	}
	return false
}

// Address is where an order goes.
type Address struct {
	Recipient   string
	Lines       []string
	City        string
	PostalCode  string
	CountryCode string // ISO 3166-1 alpha-2
}

// Order is one order. Personal data is in Address and Note only, never in events.
type Order struct {
	ID          string
	Fingerprint []byte // of the request that made it: the same idempotency key with another request is refused
	Address     *Address
	Note        string
	Origin      string // of an order from a file: which import and line; RebuiltOrigin; empty otherwise
	Journal     journal.Journal

	NextAttempt time.Time // when the sweep looks at it again; zero once it is final
	Attempts    int       // sagas the sweep has started
}

// Created is the order's first event: what was ordered, by whom, at what price.
func (o *Order) Created() *eventv1.OrderCreated {
	created, _ := o.Journal.Entries[0].Event.(*eventv1.OrderCreated)
	return created
}

// CustomerID is whose order it is.
func (o *Order) CustomerID() string { return o.Created().GetCustomerId() }

// Total is what it costs.
func (o *Order) Total() *typev1.Money { return o.Created().GetTotal() }

// Status is where it stands, and since when. What operators do beside it, retries and refunds, changes neither.
func (o *Order) Status() (Status, time.Time) {
	for _, e := range slices.Backward(o.Journal.Entries) {
		at := e.Event.GetEventTime().AsTime()
		switch e.Event.(type) {
		case *eventv1.OrderCreated:
			return Placed, at
		case *eventv1.OrderConfirmed:
			return Confirmed, at
		case *eventv1.OrderCancellationStarted:
			return Cancelling, at
		case *eventv1.OrderCancelled:
			return Cancelled, at
		}
	}
	return Placed, time.Time{}
}

// Final says that it has ended: no saga and no sweep looks at it any more.
func (o *Order) Final() bool {
	s, _ := o.Status()
	return s == Confirmed || s == Cancelled
}

// Reason is why it is cancelling or cancelled; empty otherwise.
func (o *Order) Reason() Reason {
	for _, e := range o.Journal.Entries {
		if c, ok := e.Event.(*eventv1.OrderCancellationStarted); ok {
			return Reason(c.GetReason())
		}
	}
	return ""
}

// Store keeps orders. What is written to a journal is published before the call returns, or by the sweep.
type Store interface {
	// Create writes a new order with no read before it; ErrExists if its id is taken.
	Create(ctx context.Context, o *Order) error
	// Get reads an order; ErrNotFound if there is none.
	Get(ctx context.Context, id string) (*Order, error)
	// Update changes an order's journal and when it is looked at again, and completes a rebuilt one; nothing else of it is
	// written. change may run more than once; when it leaves the order as it was, or fails, nothing is written.
	Update(ctx context.Context, id string, change func(*Order) error) (*Order, error)
	// List is a page of a customer's orders, newest first.
	List(ctx context.Context, q ListQuery) (orders []*Order, nextPageToken string, err error)
	// Find is a page of orders of anybody.
	Find(ctx context.Context, q FindQuery) (orders []*Order, nextPageToken string, err error)
	// Due are at most limit orders whose NextAttempt has come. An error names those that could not be read; the others
	// are answered all the same.
	Due(ctx context.Context, now time.Time, limit int) ([]*Order, error)
}

// The store's refusals.
var (
	ErrNotFound = fault.New(codes.NotFound, "order_not_found", "there is no such order")
	ErrExists   = fault.New(codes.AlreadyExists, "order_exists", "the order exists")
)
