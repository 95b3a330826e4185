package order_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
)

func TestCustomerSeesOnlyTheirOwnOrders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.place("key")
	r := order.Reading{Orders: w.orders}
	if got, err := r.Get(t.Context(), customer, o.ID); err != nil || got.ID != o.ID {
		t.Errorf("their own: %+v, %v", got, err)
	}
	if got, err := r.Get(t.Context(), "somebody else", o.ID); !errors.Is(err, order.ErrNotFound) || got != nil {
		t.Errorf("another's: %+v, %v", got, err)
	}
	if found, _, err := r.List(t.Context(), order.ListQuery{CustomerID: "somebody else"}); err != nil || len(found) > 0 {
		t.Errorf("another's list: %v, %v", found, err)
	}
}

func TestListRefusesWhatItDoesNotKnowByName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 25 {
		w.place(fmt.Sprint(i))
		w.pass(time.Second)
	}
	r := order.Reading{Orders: w.orders}
	for _, c := range []struct {
		q    order.ListQuery
		size int
		bad  []string
	}{
		{order.ListQuery{}, 20, nil},
		{order.ListQuery{PageSize: 1}, 1, nil},
		{order.ListQuery{PageSize: 100}, 25, nil},
		{order.ListQuery{PageSize: 101}, 0, []string{"page_size"}},
		{order.ListQuery{PageSize: -1}, 0, []string{"page_size"}},
		{order.ListQuery{Status: order.Placed}, 20, nil},
		{order.ListQuery{Status: order.Cancelled}, 0, nil},
		{order.ListQuery{Status: "placed", PageSize: 1000}, 0, []string{"status", "page_size"}},
	} {
		c.q.CustomerID = customer
		found, next, err := r.List(t.Context(), c.q)
		if len(found) != c.size || (next != "") != (c.size > 0 && c.size < 25) {
			t.Errorf("%+v: %d orders, next page %q, %v", c.q, len(found), next, err)
		}
		same(t, fmt.Sprintf("bad fields of %+v", c.q), c.bad, fieldNames(orNil(err)))
		if c.bad != nil && fault.Code(err) != codes.InvalidArgument {
			t.Errorf("%+v: %v", c.q, err)
		}
	}
}

// orNil is an error that can be looked into.
func orNil(err error) error {
	if err == nil {
		return &fault.Error{}
	}
	return err
}
