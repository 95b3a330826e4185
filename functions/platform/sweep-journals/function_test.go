package sweepjournals_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	_ "orderflow.dev/functions/platform/sweep-journals"
	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/store"
	"orderflow.dev/local/cloudtest"
)

func TestMain(m *testing.M) { cloudtest.Main(m, cloudtest.Setenv("JOURNAL_GRACE", "0s")) }

// crashed is a publisher of a process that dies between its commit and its publish.
type crashed struct{}

func (crashed) Publish(context.Context, ...event.Event) error { return errors.New("crashed") }

// The tests of a sweep share what it sweeps, so none is parallel.
func sweep(t *testing.T) {
	t.Helper()
	if a := cloudtest.Send(t, http.MethodPost, cloudtest.Function(t, "sweep-journals"), nil, ""); a.Status != 204 {
		t.Fatalf("answer %d %s", a.Status, a.Body)
	}
}

func TestEventsThatACrashKeptBackArePublishedOnceAndInOrder(t *testing.T) {
	created, started := cloudtest.NewTap(t, "orderflow.event.v1.OrderCreated"), cloudtest.NewTap(t, "orderflow.event.v1.OrderCancellationStarted")
	orders := store.NewOrders(cloudtest.Database(t, "orders"), crashed{}, time.Now)
	o := &order.Order{ID: cloudtest.NewID(), NextAttempt: time.Now().Add(time.Hour)}
	now := timestamppb.Now()
	o.Journal.Append(&eventv1.OrderCreated{OrderId: o.ID, Seq: 1, EventTime: now, CustomerId: "c1", ExpireTime: now}, false)
	if err := orders.Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if _, err := (order.Cancellation{Orders: orders, Now: time.Now}).CancelByCustomer(t.Context(), "c1", o.ID); err != nil {
		t.Fatal(err)
	}
	if n := len(created.About(o.ID)); n != 0 {
		t.Fatalf("%d events were published by a crashed process", n)
	}
	for range 2 { // the second finds nothing left
		sweep(t)
		first, second := created.About(o.ID), started.About(o.ID)
		if len(first) != 1 || len(second) != 1 {
			t.Fatalf("published %d and %d times, want once each", len(first), len(second))
		}
		if first[0].Attributes["ce-id"] != "orders/"+o.ID+"/1" || second[0].Attributes["ce-id"] != "orders/"+o.ID+"/2" || second[0].Attributes["ce-resume"] != "true" {
			t.Errorf("published %v and %v, want them as their writers would have", first[0].Attributes, second[0].Attributes)
		}
	}
	if got, err := orders.Get(t.Context(), o.ID); err != nil || got.Journal.Published != 2 {
		t.Errorf("mark %d, error %v, want 2", got.Journal.Published, err)
	}
}

func TestPaymentsAreSweptToo(t *testing.T) {
	tap := cloudtest.NewTap(t, "orderflow.event.v1.PaymentProcessed")
	p := &payment.Payment{OrderID: cloudtest.NewID(), State: payment.Charged, CreateTime: time.Now()}
	p.Journal.Append(&eventv1.PaymentProcessed{OrderId: p.OrderID, Seq: 1, EventTime: timestamppb.Now()}, false)
	if err := store.NewPayments(cloudtest.Database(t, "payments"), crashed{}, time.Now).Create(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	sweep(t)
	sweep(t)
	if published := tap.About(p.OrderID); len(published) != 1 || published[0].Attributes["ce-source"] != "//orderflow.dev/payments" {
		t.Errorf("published %v, want it once", published)
	}
}

// TestJournalThatCannotBeReadIsToldAndKeepsNobodyWaiting leaves nothing behind for the next run.
func TestJournalThatCannotBeReadIsToldAndKeepsNobodyWaiting(t *testing.T) {
	db := cloudtest.Database(t, "orders")
	bad := "orders/" + cloudtest.NewID()
	at, err := db.Commit(t.Context(), store.Write{Path: bad, Fields: store.Fields{
		"journal": []byte("\xff"), "published": int64(0), "unpublished_shard": int64(0), "unpublished_time": time.Unix(0, 0),
	}})
	if err != nil {
		t.Fatal(err)
	}
	tap := cloudtest.NewTap(t, "orderflow.event.v1.PaymentProcessed")
	p := &payment.Payment{OrderID: cloudtest.NewID(), State: payment.Charged, CreateTime: time.Now()}
	p.Journal.Append(&eventv1.PaymentProcessed{OrderId: p.OrderID, Seq: 1, EventTime: timestamppb.Now()}, false)
	if err := store.NewPayments(cloudtest.Database(t, "payments"), crashed{}, time.Now).Create(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if a := cloudtest.Send(t, http.MethodPost, cloudtest.Function(t, "sweep-journals"), nil, ""); a.Status != 500 {
		t.Errorf("answer %d, want 500: a person must look", a.Status)
	}
	if n := len(tap.About(p.OrderID)); n != 1 {
		t.Errorf("the other journal was published %d times, want once", n)
	}
	_, err = db.Commit(t.Context(), store.Write{Path: bad, As: at, Fields: store.Fields{"unpublished_shard": store.Delete, "unpublished_time": store.Delete}})
	if err != nil {
		t.Fatal(err)
	}
}
