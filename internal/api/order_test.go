package api_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/api"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
)

var (
	at    = timestamppb.New(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	later = timestamppb.New(time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC))
)

func withJournal(events ...journal.Event) *order.Order {
	o := &order.Order{ID: "o1"}
	created := &eventv1.OrderCreated{
		OrderId: "o1", Seq: 1, EventTime: at, CustomerId: "c1", Total: &typev1.Money{CurrencyCode: "GBP", MinorUnits: 500},
		Lines: []*typev1.OrderLine{{Sku: "TEA", Quantity: 2}}, PaymentMethod: "pm_approve", ExpireTime: later,
	}
	for _, e := range append([]journal.Event{created}, events...) {
		o.Journal.Append(e, false)
	}
	return o
}

func TestOrderIsWhatItsJournalSays(t *testing.T) {
	t.Parallel()
	started := &eventv1.OrderCancellationStarted{Seq: 2, EventTime: later, Reason: "declined"}
	for name, c := range map[string]struct {
		o       *order.Order
		status  orderv1.OrderStatus
		reason  string
		changed *timestamppb.Timestamp
	}{
		"placed":     {withJournal(), orderv1.OrderStatus_ORDER_STATUS_PLACED, "", at},
		"confirmed":  {withJournal(&eventv1.OrderConfirmed{Seq: 2, EventTime: later}), orderv1.OrderStatus_ORDER_STATUS_CONFIRMED, "", later},
		"cancelling": {withJournal(started), orderv1.OrderStatus_ORDER_STATUS_CANCELLING, "declined", later},
		"cancelled":  {withJournal(started, &eventv1.OrderCancelled{Seq: 3, EventTime: later}), orderv1.OrderStatus_ORDER_STATUS_CANCELLED, "declined", later},
	} {
		created := c.o.Created()
		want := &orderv1.Order{
			OrderId: "o1", Status: c.status, CancellationReason: c.reason, Lines: created.GetLines(), Total: created.GetTotal(),
			PaymentMethod: "pm_approve", CreateTime: at, UpdateTime: c.changed, ExpireTime: later,
		}
		if diff := cmp.Diff(want, api.Order(c.o), protocmp.Transform()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestEveryStatusHasAName: a status that the proto does not know would be shown as unspecified.
func TestEveryStatusHasAName(t *testing.T) {
	t.Parallel()
	for _, s := range []order.Status{order.Placed, order.Confirmed, order.Cancelling, order.Cancelled} {
		if _, ok := orderv1.OrderStatus_value["ORDER_STATUS_"+string(s)]; !ok {
			t.Errorf("the proto has no status %s", s)
		}
	}
	if known := len(orderv1.OrderStatus_value) - 1; known != 4 {
		t.Errorf("the proto has %d statuses, the domain 4", known)
	}
}

func TestRequestLosesNothing(t *testing.T) {
	t.Parallel()
	got := api.Request("c1", "k1", &orderv1.PlaceOrderRequest{
		Lines:         []*orderv1.RequestedLine{{Sku: "TEA", Quantity: 2}, {Sku: "TEA", Quantity: 1}},
		PaymentMethod: "pm_approve", Note: "ring twice",
		ShippingAddress: &orderv1.Address{Recipient: "Alice", Lines: []string{"1 Road"}, City: "Bath", PostalCode: "BA1", CountryCode: "GB"},
	})
	want := order.Request{
		CustomerID: "c1", IdempotencyKey: "k1", Lines: []order.Line{{SKU: "TEA", Quantity: 2}, {SKU: "TEA", Quantity: 1}},
		PaymentMethod: "pm_approve", Note: "ring twice",
		Address: &order.Address{Recipient: "Alice", Lines: []string{"1 Road"}, City: "Bath", PostalCode: "BA1", CountryCode: "GB"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	if got := api.Request("c1", "k1", &orderv1.PlaceOrderRequest{}); got.Address != nil {
		t.Errorf("an address that was not given is %+v", got.Address)
	}
}
