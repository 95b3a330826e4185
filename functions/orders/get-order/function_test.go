package getorder_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	_ "orderflow.dev/functions/orders/get-order"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/internal/order"
	"orderflow.dev/local/cloudtest"
)

func TestMain(m *testing.M) { cloudtest.Main(m, cloudtest.Issuer) }

func get(t *testing.T, person, id string) cloudtest.Answer {
	t.Helper()
	return cloudtest.Send(t, http.MethodGet, cloudtest.Function(t, "get-order")+"?id="+id, cloudtest.Bearer(t, person), "")
}

func TestCustomerSeesHerOrderAsItStands(t *testing.T) {
	t.Parallel()
	alice := cloudtest.CustomerID("alice")
	placed := cloudtest.Placed(t, alice, func(o *order.Order) {
		o.Note = "ring twice"
		o.Address = &order.Address{Recipient: "Alice", Lines: []string{"1 Road"}, City: "Bath", PostalCode: "BA1", CountryCode: "GB"}
	})
	a := get(t, "alice", placed.ID)
	created := placed.Created()
	want := &orderv1.Order{
		OrderId: placed.ID, Status: orderv1.OrderStatus_ORDER_STATUS_PLACED, Lines: created.GetLines(), Total: created.GetTotal(),
		PaymentMethod: "pm_approve", Note: "ring twice", CreateTime: created.GetEventTime(), UpdateTime: created.GetEventTime(), ExpireTime: created.GetExpireTime(),
		ShippingAddress: &orderv1.Address{Recipient: "Alice", Lines: []string{"1 Road"}, City: "Bath", PostalCode: "BA1", CountryCode: "GB"},
	}
	var got orderv1.Order
	a.Read(t, &got)
	if diff := cmp.Diff(want, &got, protocmp.Transform()); a.Status != 200 || diff != "" {
		t.Errorf("status %d, order (-want +got):\n%s", a.Status, diff)
	}
	for name, c := range map[string]struct {
		id     string
		status orderv1.OrderStatus
		reason string
	}{
		"confirmed":  {cloudtest.Confirmed(t, alice).ID, orderv1.OrderStatus_ORDER_STATUS_CONFIRMED, ""},
		"cancelling": {cloudtest.Cancelling(t, alice).ID, orderv1.OrderStatus_ORDER_STATUS_CANCELLING, "out_of_stock"},
	} {
		var o orderv1.Order
		if get(t, "alice", c.id).Read(t, &o); o.GetStatus() != c.status || o.GetCancellationReason() != c.reason {
			t.Errorf("%s: %v", name, &o)
		}
	}
}

func TestOrderOfAnotherIsNotFoundAsIfThereWereNone(t *testing.T) {
	t.Parallel()
	id := cloudtest.Placed(t, cloudtest.CustomerID("alice")).ID
	for name, c := range map[string]struct{ person, id string }{
		"another's": {"mallory", id}, "nobody's": {"alice", cloudtest.NewID()}, "no id": {"alice", ""},
		"a path": {"alice", "..%2Forders%2F" + id}, "upper case": {"alice", "ABC"}, "far too long": {"alice", cloudtest.NewID() + cloudtest.NewID() + cloudtest.NewID()},
	} {
		a := get(t, c.person, c.id)
		if a.Status != 404 || cloudtest.Reason(t, a) != "order_not_found" {
			t.Errorf("%s: answer %d %s, want 404", name, a.Status, a.Body)
		}
	}
}

func TestStrangerIsAskedForAToken(t *testing.T) {
	t.Parallel()
	a := cloudtest.Send(t, http.MethodGet, cloudtest.Function(t, "get-order")+"?id=a", nil, "")
	if a.Status != 401 || cloudtest.Reason(t, a) != "missing_token" {
		t.Errorf("answer %d %s, want 401", a.Status, a.Body)
	}
}
