package confirmorder_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	_ "orderflow.dev/functions/orders/confirm-order"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/local/cloudtest"
)

func TestMain(m *testing.M) { cloudtest.Main(m) }

const (
	held    = typev1.ReservationState_RESERVATION_STATE_HELD
	refused = typev1.ReservationState_RESERVATION_STATE_REFUSED
	charged = typev1.PaymentState_PAYMENT_STATE_CHARGED
	pending = typev1.PaymentState_PAYMENT_STATE_PENDING
)

func confirm(t *testing.T, id string, r typev1.ReservationState, p typev1.PaymentState) cloudtest.Answer {
	t.Helper()
	return cloudtest.Call(t, cloudtest.Function(t, "confirm-order"), &orderv1.ConfirmOrderRequest{OrderId: id, Seq: 1, ReservationState: r, PaymentState: p})
}

func wantStatus(t *testing.T, what string, a cloudtest.Answer, want orderv1.OrderStatus) {
	t.Helper()
	var got orderv1.ConfirmOrderResponse
	if a.Read(t, &got); a.Status != 200 || got.GetStatus() != want {
		t.Errorf("%s: answer %d %s, want %v", what, a.Status, a.Body, want)
	}
}

func wantJournal(t *testing.T, id string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, cloudtest.Journal(t, "orders", id)); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
}

func TestHeldAndChargedOrderIsConfirmedOnce(t *testing.T) {
	t.Parallel()
	tap := cloudtest.NewTap(t, "orderflow.event.v1.OrderConfirmed")
	id := cloudtest.Placed(t, "c1").ID
	for range 3 {
		wantStatus(t, "confirm", confirm(t, id, held, charged), orderv1.OrderStatus_ORDER_STATUS_CONFIRMED)
	}
	wantJournal(t, id, "OrderCreated", "OrderConfirmed")
	if n := len(tap.About(id)); n != 1 {
		t.Errorf("published %d times, want once", n)
	}
}

func TestPendingPaymentLeavesTheOrderPlaced(t *testing.T) {
	t.Parallel()
	id := cloudtest.Placed(t, "c1").ID
	for range 2 {
		wantStatus(t, "pending", confirm(t, id, held, pending), orderv1.OrderStatus_ORDER_STATUS_PLACED)
	}
	wantJournal(t, id, "OrderCreated")
	wantStatus(t, "then charged", confirm(t, id, held, charged), orderv1.OrderStatus_ORDER_STATUS_CONFIRMED)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	placed, cancelling := cloudtest.Placed(t, "c1").ID, cloudtest.Cancelling(t, "c1").ID
	for name, c := range map[string]struct {
		id     string
		r      typev1.ReservationState
		p      typev1.PaymentState
		status int
		reason string
	}{
		"not held":             {placed, refused, charged, 400, "no_evidence"},
		"no word on stock":     {placed, 0, charged, 400, "no_evidence"},
		"no word on payment":   {placed, held, 0, 400, "no_evidence"},
		"declined":             {placed, held, typev1.PaymentState_PAYMENT_STATE_DECLINED, 400, "no_evidence"},
		"a cancellation won":   {cancelling, held, charged, 400, "cancelled"},
		"no such order":        {cloudtest.NewID(), held, charged, 404, "order_not_found"},
		"no id":                {"", held, charged, 404, "order_not_found"},
		"an id that is a path": {"a/b/c", held, charged, 404, "order_not_found"},
	} {
		a := confirm(t, c.id, c.r, c.p)
		if cloudtest.Reason(t, a) != c.reason || a.Status != c.status {
			t.Errorf("%s: answer %d %s, want %d %s", name, a.Status, a.Body, c.status, c.reason)
		}
	}
	wantJournal(t, placed, "OrderCreated")
}
