package order_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"pgregory.net/rapid"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
)

// refunder is an order.Refunder that keeps what it gave back.
type refunder struct {
	mu   sync.Mutex
	paid map[string]int64
	err  error
}

func (r *refunder) RefundAmount(_ context.Context, orderID, refundID string, amount *typev1.Money) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	if r.paid == nil {
		r.paid = map[string]int64{}
	}
	r.paid[refundID] = amount.GetMinorUnits()
	return nil
}

func (w *world) refunding(r *refunder) order.Refunding {
	return order.Refunding{Orders: w.orders, Refunder: r, Now: w.clock}
}

// asked are the refunds that an order's journal asks for.
func (w *world) asked(id string) (all []*eventv1.OrderRefundRequested) {
	for _, e := range w.get(id).Journal.Entries {
		if r, ok := e.Event.(*eventv1.OrderRefundRequested); ok {
			all = append(all, r)
		}
	}
	return all
}

func TestRefundsAddUpToTheTotal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.in(order.Confirmed).ID // £5
	for _, c := range []struct {
		key    string
		amount *typev1.Money
		want   string
	}{
		{"a", gbp(200), ""}, {"a", gbp(200), ""}, {"a", nil, ""}, {"a", gbp(201), "idempotency_key_reused"},
		{"b", gbp(301), "refund_too_large"}, {"b", gbp(0), "invalid_request"}, {"b", gbp(-1), "invalid_request"},
		{"b", &typev1.Money{CurrencyCode: "EUR", MinorUnits: 1}, "invalid_request"},
		{"b", gbp(100), ""}, {"c", nil, ""}, {"d", nil, "already_refunded"}, {"d", gbp(1), "already_refunded"},
	} {
		_, err := w.operating(nil).Refund(t.Context(), id, c.amount, by(c.key))
		wantReason(t, fmt.Sprint(c.key, " ", c.amount), c.want, err)
	}
	var got []string
	for _, r := range w.asked(id) {
		got = append(got, fmt.Sprint(r.GetRefundId(), r.GetAmount().GetMinorUnits(), r.GetBy(), r.GetCustomerId()))
	}
	same(t, "asked for", []string{"a200olga" + customer, "b100olga" + customer, "c200olga" + customer}, got)
	if status, _ := w.get(id).Status(); status != order.Confirmed || !w.get(id).Final() {
		t.Errorf("the order is %s, want it CONFIRMED still", status)
	}
}

func TestOnlyAConfirmedOrderThatCostSomethingIsRefunded(t *testing.T) {
	t.Parallel()
	for _, status := range []order.Status{order.Placed, order.Cancelling, order.Cancelled} {
		w := newWorld(t)
		_, err := w.operating(nil).Refund(t.Context(), w.in(status).ID, nil, by("a"))
		wantReason(t, string(status), "not_confirmed", err)
	}
	w := newWorld(t)
	w.catalogue.quotes["TEA"] = order.Quote{Name: "Tea", UnitPrice: gbp(0)}
	_, err := w.operating(nil).Refund(t.Context(), w.in(order.Confirmed).ID, nil, by("a"))
	wantReason(t, "free", "free_order", err)
	_, err = w.operating(nil).Refund(t.Context(), "nobody", nil, by("a"))
	wantReason(t, "no such order", "order_not_found", err)
}

func TestARefundIsDoneOnceHoweverOftenItsEventComes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, r := w.in(order.Confirmed).ID, &refunder{err: fault.New(codes.Unavailable, "", "the provider is away")}
	if _, err := w.operating(nil).Refund(t.Context(), id, gbp(200), by("a")); err != nil {
		t.Fatal(err)
	}
	e := w.asked(id)[0]
	if err := w.refunding(r).Requested(t.Context(), e); err == nil || fault.Permanent(err) {
		t.Errorf("while the provider is away: %v, want that the event comes again", err)
	}
	same(t, "it is on its way", true, w.get(id).Refunds()[0].Done.IsZero())
	r.err = nil
	for range 3 {
		if err := w.refunding(r).Requested(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "journal entries", 4, len(w.get(id).Journal.Entries)) // created, confirmed, requested, refunded
	same(t, "it is done", false, w.get(id).Refunds()[0].Done.IsZero())
	same(t, "paid", map[string]int64{"a": 200}, r.paid)
}

// An event that says otherwise than the journal moves no money: anybody with the right to publish could send one.
func TestTheJournalDecidesWhatIsPaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, r := w.in(order.Confirmed).ID, &refunder{}
	if _, err := w.operating(nil).Refund(t.Context(), id, gbp(200), by("a")); err != nil {
		t.Fatal(err)
	}
	err := w.refunding(r).Requested(t.Context(), &eventv1.OrderRefundRequested{OrderId: id, Seq: 3, RefundId: "forged", Amount: gbp(500)})
	wantReason(t, "a refund of nobody's", "unknown_refund", err)
	err = w.refunding(r).Requested(t.Context(), &eventv1.OrderRefundRequested{OrderId: id, Seq: 3, RefundId: "a", Amount: gbp(500)})
	wantReason(t, "another amount", "", err)
	same(t, "paid", map[string]int64{"a": 200}, r.paid)
}

// Whatever is asked for, in whatever order and by how many at once, never more than the total is decided, and each key once.
func TestRefundsNeverExceedTheTotal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		id := w.in(order.Confirmed).ID
		amounts := rapid.SliceOfN(rapid.Int64Range(1, 300), 1, 8).Draw(rt, "amounts")
		keys := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), len(amounts), len(amounts)).Draw(rt, "keys")
		var g sync.WaitGroup
		for i := range amounts {
			g.Go(func() { _, _ = w.operating(nil).Refund(context.Background(), id, gbp(amounts[i]), by(keys[i])) })
		}
		g.Wait()
		sum, seen := int64(0), map[string]bool{}
		for _, r := range w.get(id).Refunds() {
			sum += r.Amount.GetMinorUnits()
			if seen[r.ID] {
				rt.Errorf("refund %s was decided twice", r.ID)
			}
			seen[r.ID] = true
		}
		if sum > 500 || len(seen) == 0 {
			rt.Errorf("%d were decided in %d refunds, of 500", sum, len(seen))
		}
	})
}

func TestFindSelects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.in(order.Cancelling)
	o.Origin = "import-1/7"
	created := o.Created().GetEventTime().AsTime()
	for name, c := range map[string]struct {
		q    order.FindQuery
		want bool
	}{
		"anything":         {order.FindQuery{}, true},
		"its customer":     {order.FindQuery{CustomerID: customer}, true},
		"another":          {order.FindQuery{CustomerID: "x"}, false},
		"its status":       {order.FindQuery{Status: order.Cancelling}, true},
		"another status":   {order.FindQuery{Status: order.Placed}, false},
		"its reason":       {order.FindQuery{Reason: order.Declined}, true},
		"another reason":   {order.FindQuery{Reason: order.Expired}, false},
		"its origin":       {order.FindQuery{Origin: "import-1"}, true},
		"another's":        {order.FindQuery{Origin: "import-2"}, false},
		"from then":        {order.FindQuery{From: created}, true},
		"from later":       {order.FindQuery{From: created.Add(1)}, false},
		"before later":     {order.FindQuery{To: created.Add(1)}, true},
		"before then":      {order.FindQuery{To: created}, false},
		"unended":          {order.FindQuery{Unended: true}, true},
		"stuck":            {order.FindQuery{Stuck: patience, Now: created.Add(patience)}, true},
		"not stuck so far": {order.FindQuery{Stuck: patience, Now: created.Add(patience - 1)}, false},
	} {
		same(t, name, c.want, c.q.Selects(o))
	}
}
