package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
)

// found follows the pages of a search to its end.
func found(t *testing.T, orders *store.Orders, q order.FindQuery) (ids []string, pages int) {
	t.Helper()
	for {
		page, next, err := orders.Find(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) > q.PageSize {
			t.Errorf("a page of %d orders, want %d at most", len(page), q.PageSize)
		}
		for _, o := range page {
			ids = append(ids, o.ID)
		}
		if pages++; next == "" || pages > 50 {
			return ids, pages
		}
		q.PageToken = next
	}
}

// TestFindMissesNothing: by each of its ways, however many orders it passes and however small its pages.
func TestFindMissesNothing(t *testing.T) {
	t.Parallel()
	db := &memory.Database{}
	orders := store.NewOrders(db, &publisher{}, clock)
	var all, mine, unended []string
	for i := range 1300 {
		id, customer := fmt.Sprintf("%04dx", i), fmt.Sprint("c", i%2)
		o := &order.Order{ID: id}
		o.Journal.Append(&eventv1.OrderCreated{OrderId: id, Seq: 1, EventTime: timestamppb.New(moment), CustomerId: customer}, false)
		if i%3 == 0 {
			o.NextAttempt = moment.Add(time.Duration(i%5) * time.Minute)
			unended = append(unended, id)
		}
		if err := orders.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		all = append(all, id)
		if customer == "c1" {
			mine = append(mine, id)
		}
	}
	for name, c := range map[string]struct {
		q    order.FindQuery
		want []string
	}{
		"all":                {order.FindQuery{}, all},
		"a customer's":       {order.FindQuery{CustomerID: "c1"}, mine},
		"those in the sweep": {order.FindQuery{Unended: true}, unended},
		"none":               {order.FindQuery{Status: order.Cancelled}, nil},
	} {
		for _, size := range []int{100, 77} {
			c.q.PageSize = size
			got, pages := found(t, orders, c.q)
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("%s by %d: found %d orders, want %d", name, size, len(got), len(c.want))
			}
			if name == "none" && pages != 2 {
				t.Errorf("%d pages of nothing, want 2: each looks at 1000 orders at most", pages)
			}
		}
	}
}

func TestFindRefusesTokensOfOtherSearches(t *testing.T) {
	t.Parallel()
	orders := store.NewOrders(&memory.Database{}, &publisher{}, clock)
	for _, token := range []string{"x", "e30", "eyJ3IjoiaWQiLCJpIjoiLi4vYSJ9", "eyJ3IjoiY3VzdG9tZXIifQ", "eyJ3Ijoic3dlZXAiLCJzIjo5fQ"} {
		for _, q := range []order.FindQuery{{}, {Unended: true}} {
			q.PageToken, q.PageSize = token, 1
			if _, _, err := orders.Find(t.Context(), q); fault.Reason(err) != "invalid_request" {
				t.Errorf("%s: %v, want it refused", token, err)
			}
		}
	}
}
