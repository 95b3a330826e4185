package order

import (
	"context"

	"orderflow.dev/internal/fault"
)

// MaxPage is the largest page of a list.
const MaxPage = 100

// ListQuery asks for a page of a customer's orders.
type ListQuery struct {
	CustomerID string
	Status     Status // empty: all
	PageSize   int    // 1 to MaxPage
	PageToken  string // of the page before; empty: the first
}

// Reading answers customers' questions.
type Reading struct {
	Orders Store
}

// Get is a customer's own order; another's is not found.
func (r Reading) Get(ctx context.Context, customerID, id string) (*Order, error) {
	o, err := r.Orders.Get(ctx, id)
	if err == nil && o.CustomerID() != customerID {
		return nil, ErrNotFound
	}
	return o, err
}

// List is a page of a customer's orders, newest first; orders placed meanwhile do not shift it.
func (r Reading) List(ctx context.Context, q ListQuery) ([]*Order, string, error) {
	var v violations
	switch q.Status {
	case "", Placed, Confirmed, Cancelling, Cancelled:
	default:
		v.add("status", "is %q: it may be PLACED, CONFIRMED, CANCELLING or CANCELLED", q.Status)
	}
	if q.PageSize == 0 {
		q.PageSize = 20
	}
	if q.PageSize < 0 || q.PageSize > MaxPage {
		v.add("page_size", "is %d: it may be 1 to %d", q.PageSize, MaxPage)
	}
	if err := fault.Invalid(v); err != nil {
		return nil, "", err
	}
	return r.Orders.List(ctx, q)
}
