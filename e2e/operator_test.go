package e2e

import (
	"errors"
	"net/http"
	"testing"

	operationsv1 "orderflow.dev/gen/orderflow/operations/v1"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/local/psp"
	"orderflow.dev/local/stack"
)

// somebody is an operator of the local stack.
func somebody(t *testing.T) Operator {
	t.Helper()
	token, err := stack.Token(t.Context(), local.Endpoints, "olga", OperatorScope)
	if err != nil {
		t.Fatal(err)
	}
	return Operator{Customer{Gateway: local.Gateway, Token: token}}
}

func place(t *testing.T, c Customer, key, method string) *orderv1.Order {
	t.Helper()
	p, err := c.Place(t.Context(), key, &orderv1.PlaceOrderRequest{
		Lines: []*orderv1.RequestedLine{{Sku: Plenty, Quantity: 2}}, PaymentMethod: method,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p.Order
}

func awaitOrder(t *testing.T, c Customer, id string, done func(*orderv1.Order) bool) *orderv1.Order {
	t.Helper()
	o, err := c.Await(t.Context(), id, done)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// wantStatus checks that an answer is a refusal of a status.
func wantStatus(t *testing.T, what string, status int, err error) {
	t.Helper()
	refused, ok := errors.AsType[*Refused](err)
	if !ok || refused.Status != status {
		t.Errorf("%s: %v, want %d", what, err, status)
	}
}

func TestMoneyIsGivenBackInPartsAndTheCustomerSeesIt(t *testing.T) {
	c, op := customer(t, "refunded"), somebody(t)
	o := place(t, c, "refunds", psp.MethodApprove)
	awaitOrder(t, c, o.GetOrderId(), func(o *orderv1.Order) bool { return Final(o.GetStatus()) })
	part := &operationsv1.OperateOrderRequest{Act: operationsv1.Act_ACT_REFUND, Reason: "a broken mug", Amount: o.GetTotal()}
	part.Amount.MinorUnits = 250
	for range 2 {
		if _, err := op.Act(t.Context(), o.GetOrderId(), "part", part); err != nil {
			t.Fatal(err)
		}
	}
	rest := &operationsv1.OperateOrderRequest{Act: operationsv1.Act_ACT_REFUND, Reason: "lost in the post"}
	if _, err := op.Act(t.Context(), o.GetOrderId(), "rest", rest); err != nil {
		t.Fatal(err)
	}
	_, err := op.Act(t.Context(), o.GetOrderId(), "more", rest)
	wantStatus(t, "more than it cost", http.StatusConflict, err)
	seen := awaitOrder(t, c, o.GetOrderId(), func(o *orderv1.Order) bool {
		done := 0
		for _, r := range o.GetRefunds() {
			if r.GetRefundTime() != nil {
				done++
			}
		}
		return done == 2
	})
	if seen.GetStatus() != orderv1.OrderStatus_ORDER_STATUS_CONFIRMED || len(seen.GetRefunds()) != 2 {
		t.Errorf("the customer sees %v", seen)
	}
	charge, err := look.Charge(t.Context(), o.GetOrderId())
	if err != nil || charge.Net() != 0 {
		t.Errorf("the provider keeps %d, %v; want nothing", charge.Net(), err)
	}
}

func TestAnOperatorEndsAnOrderThatWaits(t *testing.T) {
	c, op := customer(t, "waiting"), somebody(t)
	id := place(t, c, "waits", psp.MethodNever).GetOrderId()
	for _, act := range []operationsv1.Act{operationsv1.Act_ACT_RETRY, operationsv1.Act_ACT_CANCEL} {
		if _, err := op.Act(t.Context(), id, "k", &operationsv1.OperateOrderRequest{Act: act, Reason: "the customer called"}); err != nil {
			t.Fatal(err)
		}
	}
	awaitOrder(t, c, id, func(o *orderv1.Order) bool { return o.GetStatus() == orderv1.OrderStatus_ORDER_STATUS_CANCELLED })
	story, err := op.Show(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]string{}
	for _, h := range story.GetTimeline() {
		by[h.GetEvent()] = h.GetBy()
	}
	if by["OrderRetried"] != "olga" || by["OrderCancellationStarted"] != "olga" || story.GetOrder().GetCancellationReason() != "operator" {
		t.Errorf("its story is %v, want who did it", story)
	}
	if _, err := op.Act(t.Context(), id, "", &operationsv1.OperateOrderRequest{Act: operationsv1.Act_ACT_CLOSE, Reason: "again"}); err != nil {
		t.Errorf("close what is closed: %v", err)
	}
}

func TestCustomersAreNoOperators(t *testing.T) {
	c := customer(t, "curious")
	id := place(t, c, "own", psp.MethodApprove).GetOrderId()
	curious := Operator{c}
	_, err := curious.Show(t.Context(), id)
	wantStatus(t, "show", http.StatusForbidden, err)
	_, err = curious.Find(t.Context(), nil)
	wantStatus(t, "find", http.StatusForbidden, err)
	_, err = curious.Act(t.Context(), id, "k", &operationsv1.OperateOrderRequest{Act: operationsv1.Act_ACT_REFUND, Reason: "please"})
	wantStatus(t, "refund", http.StatusForbidden, err)
	_, err = curious.AdjustStock(t.Context(), "k", &operationsv1.AdjustStockRequest{Sku: Plenty, Delta: 1, Reason: "please"})
	wantStatus(t, "adjust", http.StatusForbidden, err)
	_, err = curious.Stock(t.Context(), Plenty)
	wantStatus(t, "stock", http.StatusForbidden, err)
}
