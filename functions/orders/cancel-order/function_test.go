package cancelorder_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	_ "orderflow.dev/functions/orders/cancel-order"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/local/cloudtest"
)

func TestMain(m *testing.M) { cloudtest.Main(m) }

func cancel(t *testing.T, id, reason string) cloudtest.Answer {
	t.Helper()
	return cloudtest.Call(t, cloudtest.Function(t, "cancel-order"), &orderv1.CancelOrderRequest{OrderId: id, Seq: 1, Reason: reason})
}

func wantStatus(t *testing.T, what string, a cloudtest.Answer, want orderv1.OrderStatus) {
	t.Helper()
	var got orderv1.CancelOrderResponse
	if a.Read(t, &got); a.Status != 200 || got.GetStatus() != want {
		t.Errorf("%s: answer %d %s, want %v", what, a.Status, a.Body, want)
	}
}

func TestPlacedOrderBeginsToBeCancelledOnce(t *testing.T) {
	t.Parallel()
	tap := cloudtest.NewTap(t, "orderflow.event.v1.OrderCancellationStarted")
	id := cloudtest.Placed(t, "c1").ID
	for _, reason := range []string{"out_of_stock", "out_of_stock", "declined"} { // the first reason stays
		wantStatus(t, reason, cancel(t, id, reason), orderv1.OrderStatus_ORDER_STATUS_CANCELLING)
	}
	if diff := cmp.Diff([]string{"OrderCreated", "OrderCancellationStarted"}, cloudtest.Journal(t, "orders", id)); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
	published := tap.About(id)
	if len(published) != 1 {
		t.Fatalf("published %d times, want once", len(published))
	}
	if v, ok := published[0].Attributes["ce-resume"]; ok {
		t.Errorf("ce-resume is %q: the caller is the saga, another must not be started", v)
	}
}

func TestConfirmedOrderStaysConfirmedAndTheSagaIsTold(t *testing.T) {
	t.Parallel()
	id := cloudtest.Confirmed(t, "c1").ID
	wantStatus(t, "too late", cancel(t, id, "expired"), orderv1.OrderStatus_ORDER_STATUS_CONFIRMED)
	if diff := cmp.Diff([]string{"OrderCreated", "OrderConfirmed"}, cloudtest.Journal(t, "orders", id)); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	placed := cloudtest.Placed(t, "c1").ID
	for name, c := range map[string]struct {
		id, cause string
		status    int
		reason    string
	}{
		"a reason of nobody's": {placed, "mood", 400, "unknown_reason"},
		"no reason":            {placed, "", 400, "unknown_reason"},
		"no such order":        {cloudtest.NewID(), "expired", 404, "order_not_found"},
		"an id that is a path": {"../orders", "expired", 404, "order_not_found"},
	} {
		if a := cancel(t, c.id, c.cause); a.Status != c.status || cloudtest.Reason(t, a) != c.reason {
			t.Errorf("%s: answer %d %s, want %d %s", name, a.Status, a.Body, c.status, c.reason)
		}
	}
	if got := cloudtest.Journal(t, "orders", placed); len(got) != 1 {
		t.Errorf("a refused call wrote %v", got)
	}
}
