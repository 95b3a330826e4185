// Package listorders answers a page of a customer's own orders, newest first.
package listorders

import (
	"context"
	"net/http"

	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/internal/api"
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
	size, err := r.PageSize()
	v := r.URL.Query()
	return order.ListQuery{CustomerID: r.CustomerID, Status: order.Status(v.Get("status")), PageSize: size, PageToken: v.Get("page_token")}, err
}
