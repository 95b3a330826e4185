package showorder_test

import (
	"net/http"
	"testing"

	_ "orderflow.dev/functions/operations/show-order"
	operationsv1 "orderflow.dev/gen/orderflow/operations/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/store"
	"orderflow.dev/local/cloudtest"
)

func TestMain(m *testing.M) { cloudtest.Main(m, cloudtest.Issuer) }

func show(t *testing.T, id string, scopes ...string) cloudtest.Answer {
	t.Helper()
	return cloudtest.Send(t, http.MethodGet, cloudtest.Function(t, "show-order")+"?id="+id, cloudtest.Bearer(t, "olga", scopes...), "")
}

func TestTheWholeStoryWithoutPersonalData(t *testing.T) {
	t.Parallel()
	o := cloudtest.Placed(t, "c1", func(o *order.Order) {
		o.Note, o.Address = "ring twice", &order.Address{Recipient: "Ada"}
	})
	payments, err := store.OpenPayments(t.Context(), store.Config{Project: cloudtest.Project()})
	if err != nil {
		t.Fatal(err)
	}
	amount := &typev1.Money{CurrencyCode: "GBP", MinorUnits: 500}
	if err := payments.Create(t.Context(), &payment.Payment{OrderID: o.ID, State: payment.Pending, Amount: amount}); err != nil {
		t.Fatal(err)
	}
	reservation := []*inventory.Reservation{{OrderID: o.ID, State: inventory.Held, Quantities: map[string]int32{"TEA": 2}}}
	if err := store.NewInventory(cloudtest.Database(t, "inventory")).Save(t.Context(), reservation, nil); err != nil {
		t.Fatal(err)
	}
	var s operationsv1.OrderStory
	a := show(t, o.ID, "operator")
	if a.Read(t, &s); a.Status != 200 || s.GetCustomerId() != "c1" || s.GetPayment().GetState() != payment.Pending ||
		s.GetReservation().GetState() != inventory.Held || len(s.GetTimeline()) != 1 || s.GetTimeline()[0].GetEvent() != "OrderCreated" {
		t.Errorf("answer %d %s, want order, payment, stock and history", a.Status, a.Body)
	}
	if s.GetOrder().GetNote() != "" || s.GetOrder().GetShippingAddress() != nil || s.GetNextAttemptTime() == nil {
		t.Errorf("answer %s, want no personal data, and when the sweep looks", a.Body)
	}
}

func TestAnOrderWithNothingYet(t *testing.T) {
	t.Parallel()
	var s operationsv1.OrderStory
	a := show(t, cloudtest.Placed(t, "c1").ID, "operator")
	if a.Read(t, &s); a.Status != 200 || s.GetPayment() != nil || s.GetReservation() != nil {
		t.Errorf("answer %d %s", a.Status, a.Body)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	id := cloudtest.Placed(t, cloudtest.CustomerID("olga")).ID
	if a := show(t, id); a.Status != 403 || cloudtest.Reason(t, a) != "missing_scope" {
		t.Errorf("its own customer: answer %d %s, want 403", a.Status, a.Body)
	}
	for _, id := range []string{"nobody", "", "../x"} {
		if a := show(t, id, "operator"); a.Status != 404 {
			t.Errorf("%q: answer %d %s, want 404", id, a.Status, a.Body)
		}
	}
}
