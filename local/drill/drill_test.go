package drill_test

import (
	"slices"
	"testing"
	"time"

	"orderflow.dev/e2e"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/store"
	"orderflow.dev/local/drill"
	"orderflow.dev/local/stack"
)

// A restore of every database to another second breaks promises, and a repair mends them all, but for what it tells a
// person.
func TestARestoreIsRepaired(t *testing.T) {
	s, err := stack.Start(t.Context(), drill.Stack)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	r, err := drill.Run(t.Context(), s, drill.Options{Seed: 1, Orders: 120, For: 6 * time.Second, Wait: time.Minute, Tell: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, v := range r.Found {
		found += len(v.Violations)
	}
	t.Logf("%+v; %d violations, %d repairs, %d for a person", r.Restored, found, len(r.Repaired), len(r.Person))
	if found == 0 {
		t.Error("the restore broke nothing: nothing was rehearsed")
	}
	for _, b := range r.Broken() {
		t.Error(b)
	}
	wantArchivedOrders(t, r)
}

// wantArchivedOrders: every order whose creation was archived is there, and every one that was ever confirmed is, with its
// money, unless a person was told that it went on differently.
func wantArchivedOrders(t *testing.T, r drill.Report) {
	t.Helper()
	orders, err := store.ReadOrders(t.Context(), store.Config{Project: stack.Project})
	if err != nil {
		t.Fatal(err)
	}
	created := archived(t, "OrderCreated")
	for _, id := range created {
		if _, err := orders.Get(t.Context(), id); err != nil {
			t.Errorf("order %s is archived: %v", id, err)
		}
	}
	for _, id := range archived(t, "OrderConfirmed") {
		if o, err := orders.Get(t.Context(), id); err != nil {
			t.Errorf("order %s was confirmed: %v", id, err)
		} else if status, _ := o.Status(); status != order.Confirmed && r.Person[id] == "" {
			t.Errorf("order %s was confirmed, and is %s", id, status)
		}
	}
	for _, o := range r.Repaired {
		if o.Lost && o.Err == nil && len(o.Done) > 0 && slices.Contains(created, o.OrderID) {
			t.Errorf("order %s was undone as lost, and its creation is archived: %s", o.OrderID, o.What)
		}
	}
	if r.Rebuilt() == 0 {
		t.Error("no order was rebuilt: nothing was rehearsed")
	}
}

// archived are the orders of which an event is archived.
func archived(t *testing.T, event string) (ids []string) {
	t.Helper()
	events, err := e2e.Archived(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Type() == "orderflow.event.v1."+event {
			ids = append(ids, e.Message.Attributes["ce-subject"])
		}
	}
	return ids
}
