// Package findorders finds anybody's orders, for operators.
package findorders

import (
	"context"
	"net/http"
	"net/url"
	"time"

	operationsv1 "orderflow.dev/gen/orderflow/operations/v1"
	"orderflow.dev/internal/api"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/store"
)

type config struct {
	Store store.Config
}

func init() { function.API("find-orders", http.MethodGet, wire, "operator") }

func wire(ctx context.Context, cfg config) (function.APIHandler, error) {
	orders, err := store.ReadOrders(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	return Handler(order.Reading{Orders: orders}, time.Now), nil
}

// Handler answers the page that the query names.
func Handler(reading order.Reading, now func() time.Time) function.APIHandler {
	return func(ctx context.Context, r *function.Request) (*function.Reply, error) {
		telemetry.Annotate(ctx, "operator", r.Subject)
		q, err := query(r, now())
		if err != nil {
			return nil, err
		}
		found, next, err := reading.Find(ctx, q)
		if err != nil {
			return nil, err
		}
		page := &operationsv1.FindOrdersResponse{NextPageToken: next}
		for _, o := range found {
			page.Orders = append(page.Orders, api.Found(o))
		}
		return &function.Reply{Body: page}, nil
	}
}

// query reads customer, status, reason, origin, from, to, unended, stuck, page_size and page_token, all optional.
func query(r *function.Request, now time.Time) (order.FindQuery, error) {
	size, err := r.PageSize()
	if err != nil {
		return order.FindQuery{}, err
	}
	v := r.URL.Query()
	q := order.FindQuery{
		CustomerID: v.Get("customer"), Status: order.Status(v.Get("status")), Reason: order.Reason(v.Get("reason")),
		Origin: v.Get("origin"), Unended: v.Get("unended") == "true", PageSize: size, PageToken: v.Get("page_token"), Now: now,
	}
	var bad []fault.Field
	q.From = moment(v, "from", &bad)
	q.To = moment(v, "to", &bad)
	if s := v.Get("stuck"); s != "" {
		if q.Stuck, err = time.ParseDuration(s); err != nil {
			bad = append(bad, fault.Field{Name: "stuck", Message: "must be a time such as 10m"})
		}
	}
	return q, fault.Invalid(bad)
}

func moment(v url.Values, name string, bad *[]fault.Field) (at time.Time) {
	if v.Get(name) == "" {
		return at
	}
	at, err := time.Parse(time.RFC3339, v.Get(name))
	if err != nil {
		*bad = append(*bad, fault.Field{Name: name, Message: "must be a time such as 2026-01-31T12:00:00Z"})
	}
	return at
}
