package cloudtest

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/store"
)

// NewID is an id as orders have: nobody else's.
func NewID() string { return strings.ToLower(rand.Text()) }

// Placed is an order of a customer that was just placed: two of one product, £5 in all. change may make it another
// before it is written.
func Placed(t testing.TB, customerID string, change ...func(*order.Order)) *order.Order {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond) // what Firestore keeps of a time
	o := &order.Order{ID: NewID(), Fingerprint: []byte("fingerprint"), NextAttempt: now.Add(time.Hour)}
	o.Journal.Append(&eventv1.OrderCreated{
		OrderId: o.ID, Seq: 1, EventTime: timestamppb.New(now), CustomerId: customerID,
		Lines: []*typev1.OrderLine{{
			Sku: "TEA", Name: "Tea", Quantity: 2, UnitPrice: &typev1.Money{CurrencyCode: "GBP", MinorUnits: 250},
		}},
		Total: &typev1.Money{CurrencyCode: "GBP", MinorUnits: 500}, PaymentMethod: "pm_approve",
		ExpireTime: timestamppb.New(now.Add(time.Hour)),
	}, false)
	for _, c := range change {
		c(o)
	}
	if err := Orders(t).Create(t.Context(), o); err != nil {
		t.Fatalf("write order %s: %v", o.ID, err)
	}
	return o
}

// Confirmed is an order of a customer that was confirmed.
func Confirmed(t testing.TB, customerID string) *order.Order {
	t.Helper()
	o, err := order.Confirming{Orders: Orders(t), Now: time.Now}.Confirm(t.Context(), Placed(t, customerID).ID, order.Evidence{
		Seq:         1,
		Reservation: typev1.ReservationState_RESERVATION_STATE_HELD, Payment: typev1.PaymentState_PAYMENT_STATE_CHARGED,
	})
	if err != nil {
		t.Fatalf("confirm an order: %v", err)
	}
	return o
}

// Cancelling is an order of a customer that was found to be out of stock, by a saga that is undoing it.
func Cancelling(t testing.TB, customerID string) *order.Order {
	t.Helper()
	o, err := order.Cancellation{Orders: Orders(t), Now: time.Now}.Cancel(t.Context(), Placed(t, customerID).ID, order.OutOfStock, 1, true)
	if err != nil {
		t.Fatalf("cancel an order: %v", err)
	}
	return o
}

// Orders is the project's orders, as their writers open them.
func Orders(t testing.TB) *store.Orders {
	t.Helper()
	orders, err := store.OpenOrders(t.Context(), store.Config{Project: project})
	if err != nil {
		t.Fatal(err)
	}
	return orders
}

// Database is one of the project's databases.
func Database(t testing.TB, name string) *store.Firestore {
	t.Helper()
	db, err := store.Open(t.Context(), project, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Journal is the types of an aggregate's events, in order, without their package. collection is "orders" or "payments".
func Journal(t testing.TB, collection, id string) []string {
	t.Helper()
	j, err := store.JournalOf(t.Context(), Database(t, collection), collection, id)
	if err != nil {
		t.Fatalf("journal of %s/%s: %v", collection, id, err)
	}
	var types []string
	for _, e := range j.Entries {
		types = append(types, string(e.Event.ProtoReflect().Descriptor().Name()))
	}
	return types
}
