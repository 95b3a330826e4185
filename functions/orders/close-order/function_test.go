package closeorder_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	_ "orderflow.dev/functions/orders/close-order"
	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/local/cloudtest"
)

func TestMain(m *testing.M) { cloudtest.Main(m) }

const (
	released = typev1.ReservationState_RESERVATION_STATE_RELEASED
	refunded = typev1.PaymentState_PAYMENT_STATE_REFUNDED
)

func closeOrder(t *testing.T, id string, r typev1.ReservationState, p typev1.PaymentState) cloudtest.Answer {
	t.Helper()
	return cloudtest.Call(t, cloudtest.Function(t, "close-order"), &orderv1.CloseOrderRequest{OrderId: id, Seq: 2, ReservationState: r, PaymentState: p})
}

func TestCancellingOrderIsClosedOnce(t *testing.T) {
	t.Parallel()
	tap := cloudtest.NewTap(t, "orderflow.event.v1.OrderCancelled")
	o := cloudtest.Cancelling(t, "c1")
	for range 3 {
		var got orderv1.CloseOrderResponse
		a := closeOrder(t, o.ID, released, refunded)
		if a.Read(t, &got); a.Status != 200 || got.GetStatus() != orderv1.OrderStatus_ORDER_STATUS_CANCELLED {
			t.Errorf("answer %d %s, want CANCELLED", a.Status, a.Body)
		}
	}
	want := []string{"OrderCreated", "OrderCancellationStarted", "OrderCancelled"}
	if diff := cmp.Diff(want, cloudtest.Journal(t, "orders", o.ID)); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
	var e eventv1.OrderCancelled
	tap.One(o.ID, &e)
	if e.GetReason() != "out_of_stock" || e.GetCustomerId() != "c1" || !proto.Equal(e.GetTotal(), o.Total()) {
		t.Errorf("event %v does not tell what notifications need", &e)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	placed, confirmed, cancelling := cloudtest.Placed(t, "c1").ID, cloudtest.Confirmed(t, "c1").ID, cloudtest.Cancelling(t, "c1").ID
	for name, c := range map[string]struct {
		id     string
		r      typev1.ReservationState
		p      typev1.PaymentState
		status int
		reason string
	}{
		"stock is still held":      {cancelling, typev1.ReservationState_RESERVATION_STATE_HELD, refunded, 400, "no_evidence"},
		"money is still taken":     {cancelling, released, typev1.PaymentState_PAYMENT_STATE_CHARGED, 400, "no_evidence"},
		"the charge is still open": {cancelling, released, typev1.PaymentState_PAYMENT_STATE_PENDING, 400, "no_evidence"},
		"no evidence at all":       {cancelling, 0, 0, 400, "no_evidence"},
		"nobody decided to cancel": {placed, released, refunded, 400, "not_cancelling"},
		"the confirmation has won": {confirmed, released, refunded, 400, "not_cancelling"},
		"no such order":            {cloudtest.NewID(), released, refunded, 404, "order_not_found"},
		"an id that is no id":      {"ÄÖÜ", released, refunded, 404, "order_not_found"},
	} {
		if a := closeOrder(t, c.id, c.r, c.p); a.Status != c.status || cloudtest.Reason(t, a) != c.reason {
			t.Errorf("%s: answer %d %s, want %d %s", name, a.Status, a.Body, c.status, c.reason)
		}
	}
	if got := cloudtest.Journal(t, "orders", cancelling); len(got) != 2 {
		t.Errorf("a refused call wrote %v", got)
	}
}
