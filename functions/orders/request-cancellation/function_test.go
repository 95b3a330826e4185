package requestcancellation_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	_ "orderflow.dev/functions/orders/request-cancellation"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/local/cloudtest"
)

func TestMain(m *testing.M) { cloudtest.Main(m, cloudtest.Issuer) }

func request(t *testing.T, person, id string) cloudtest.Answer {
	t.Helper()
	return cloudtest.Send(t, http.MethodPost, cloudtest.Function(t, "request-cancellation")+"?id="+id, cloudtest.Bearer(t, person), "{}")
}

func TestCustomerCancelsHerPlacedOrderAndASagaIsToUndoIt(t *testing.T) {
	t.Parallel()
	tap := cloudtest.NewTap(t, "orderflow.event.v1.OrderCancellationStarted")
	id := cloudtest.Placed(t, cloudtest.CustomerID("alice")).ID
	for range 2 {
		var o orderv1.Order
		a := request(t, "alice", id)
		if a.Read(t, &o); a.Status != 200 || o.GetStatus() != orderv1.OrderStatus_ORDER_STATUS_CANCELLING || o.GetCancellationReason() != "cancelled" {
			t.Errorf("answer %d %s, want a cancelling order", a.Status, a.Body)
		}
	}
	if diff := cmp.Diff([]string{"OrderCreated", "OrderCancellationStarted"}, cloudtest.Journal(t, "orders", id)); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
	published := tap.About(id)
	if len(published) != 1 || published[0].Attributes["ce-resume"] != "true" {
		t.Errorf("published %v, want one event that starts a saga", published)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	alice := cloudtest.CustomerID("alice")
	placed := cloudtest.Placed(t, alice).ID
	for name, c := range map[string]struct {
		person, id string
		status     int
		reason     string
	}{
		"a confirmed order": {"alice", cloudtest.Confirmed(t, alice).ID, 409, "already_confirmed"},
		"another's order":   {"mallory", placed, 404, "order_not_found"},
		"nobody's order":    {"alice", cloudtest.NewID(), 404, "order_not_found"},
	} {
		a := request(t, c.person, c.id)
		if a.Status != c.status || cloudtest.Reason(t, a) != c.reason {
			t.Errorf("%s: answer %d %s, want %d %s", name, a.Status, a.Body, c.status, c.reason)
		}
	}
	if got := cloudtest.Journal(t, "orders", placed); len(got) != 1 {
		t.Errorf("a refused request wrote %v", got)
	}
	if a := cloudtest.Send(t, http.MethodPost, cloudtest.Function(t, "request-cancellation")+"?id="+placed, nil, "{}"); a.Status != 401 {
		t.Errorf("nobody: answer %d %s, want 401", a.Status, a.Body)
	}
}
