// Package listorders answers a page of a customer's own orders, newest first.
package listorders

import (
	"context"
	"net/http"
	"strconv"

	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/internal/api"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/store"
)

type config struct {
	Store store.Config
}

func init() { function.API("list-orders", http.MethodGet, wire) }

func wire(ctx context.Context, cfg config) (function.APIHandler, error) {
	orders, err := store.ReadOrders(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	return Handler(order.Reading{Orders: orders}), nil
}

// Handler answers the page that the query names.
func Handler(reading order.Reading) function.APIHandler {
	return func(ctx context.Context, r *function.Request) (*function.Reply, error) {
		q, err := query(r)
		if err != nil {
			return nil, err
		}
		found, next, err := reading.List(ctx, q)
		if err != nil {
			return nil, err
		}
		page := &orderv1.ListOrdersResponse{NextPageToken: next}
		for _, o := range found {
			page.Orders = append(page.Orders, api.Order(o))
		}
		return &function.Reply{Body: page}, nil
	}
}

func query(r *function.Request) (order.ListQuery, error) {
	v := r.URL.Query()
	q := order.ListQuery{CustomerID: r.CustomerID, Status: order.Status(v.Get("status")), PageToken: v.Get("page_token")}
	if size := v.Get("page_size"); size != "" {
		n, err := strconv.Atoi(size)
		if err != nil || n < 1 {
			return q, fault.Invalid([]fault.Field{{Name: "page_size", Message: "must be a number from 1 to 100"}})
		}
		q.PageSize = n
	}
	return q, nil
}
