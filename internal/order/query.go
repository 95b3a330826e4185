package order

import (
	"context"
	"strings"
	"time"

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
	v := statusAndPage(q.Status, &q.PageSize)
	if err := fault.Invalid(v); err != nil {
		return nil, "", err
	}
	return r.Orders.List(ctx, q)
}

// statusAndPage checks what all lists are asked for, and fills in the usual page size.
func statusAndPage(status Status, size *int) (v violations) {
	switch status {
	case "", Placed, Confirmed, Cancelling, Cancelled:
	default:
		v.add("status", "is %q: it may be PLACED, CONFIRMED, CANCELLING or CANCELLED", status)
	}
	if *size == 0 {
		*size = 20
	}
	if *size < 0 || *size > MaxPage {
		v.add("page_size", "is %d: it may be 1 to %d", *size, MaxPage)
	}
	return v
}

// FindQuery asks for a page of anybody's orders. What is empty does not matter.
type FindQuery struct {
	CustomerID string
	Status     Status
	Reason     Reason        // of its cancellation
	Origin     string        // what an order from a file says of its origin begins with this: its import
	From, To   time.Time     // placed from From on and before To
	Unended    bool          // not final
	Stuck      time.Duration // not final, and nothing has happened to it for so long
	PageSize   int           // 1 to MaxPage
	PageToken  string        // of the page before; empty: the first
	Now        time.Time
}

// Selects says whether an order is one of those.
func (q FindQuery) Selects(o *Order) bool {
	status, since := o.Status()
	created := o.Created().GetEventTime().AsTime()
	switch {
	case q.CustomerID != "" && o.CustomerID() != q.CustomerID,
		q.Status != "" && status != q.Status,
		q.Reason != "" && o.Reason() != q.Reason,
		!strings.HasPrefix(o.Origin, q.Origin),
		!q.From.IsZero() && created.Before(q.From),
		!q.To.IsZero() && !created.Before(q.To),
		q.Unended && o.Final(),
		q.Stuck > 0 && (o.Final() || q.Now.Sub(since) < q.Stuck):
		return false
	}
	return true
}

// Find is a page of anybody's orders, for operators. A page may be empty although more follow: it looks at so many orders
// only.
func (r Reading) Find(ctx context.Context, q FindQuery) ([]*Order, string, error) {
	v := statusAndPage(q.Status, &q.PageSize)
	if q.Reason != "" && !q.Reason.known() {
		v.add("reason", "is %q: it may be out_of_stock, declined, cancelled, expired or operator", q.Reason)
	}
	if q.Stuck < 0 {
		v.add("stuck", "is %s: it must be a time such as 10m", q.Stuck)
	}
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		v.add("to", "must be after from")
	}
	if err := fault.Invalid(v); err != nil {
		return nil, "", err
	}
	return r.Orders.Find(ctx, q)
}
