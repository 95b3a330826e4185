package order_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
)

// rebuild makes an order again from its events alone, as after its document was lost.
func (w *world) rebuild(o *order.Order) {
	w.t.Helper()
	fresh := newWorld(w.t)
	w.db, w.orders = fresh.db, fresh.orders
	if err := w.orders.CatchUp(w.t.Context(), o.ID, func(there *order.Order) *order.Order {
		if there != nil {
			w.t.Fatalf("order %s is there", o.ID)
		}
		return &order.Order{ID: o.ID, Origin: order.RebuiltOrigin, Journal: o.Journal, NextAttempt: w.clock()}
	}); err != nil {
		w.t.Fatal(err)
	}
}

// A client that sends its request again after the order was lost and rebuilt gets that order, with its first answer.
func TestTheSameKeyFindsARebuiltOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := request("key")
	first.Note, first.Address = "ring twice", address(func(*order.Address) {})
	first.Lines = []order.Line{{SKU: "CUP", Quantity: 1}, {SKU: "TEA", Quantity: 2}}
	o, _, err := w.placing().Place(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	w.rebuild(o)
	if kept := w.get(o.ID); !kept.Rebuilt() || kept.Note != "" || kept.Address != nil {
		t.Fatalf("rebuilt as %+v", kept)
	}
	for name, away := range map[string]bool{"as the catalogue is": false, "without a catalogue": true} {
		if away {
			w.catalogue.quotes = nil
		}
		again := first
		again.Lines = []order.Line{{SKU: "CUP", Quantity: 1}, {SKU: "TEA", Quantity: 1}, {SKU: "TEA", Quantity: 1}}
		got, replayed, err := w.placing().Place(t.Context(), again)
		if err != nil || !replayed {
			t.Fatalf("%s: replayed %v, %v", name, replayed, err)
		}
		same(t, "event", o.Created(), got.Created())
		same(t, "address", first.Address, got.Address)
		// What no event told, the request did: the order is whole again, and no other request takes its place.
		kept := w.get(o.ID)
		if same(t, "address", first.Address, kept.Address); kept.Rebuilt() || kept.Note != first.Note || kept.Origin != "" {
			t.Errorf("%s: kept as %+v", name, kept)
		}
		other := first
		other.Address = nil
		if _, _, err := w.placing().Place(t.Context(), other); fault.Reason(err) != "idempotency_key_reused" {
			t.Errorf("%s: with another address: %v", name, err)
		}
	}
	if len(w.events) != 1 {
		t.Errorf("%d events were published, want the first alone", len(w.events))
	}
}

func TestAnotherRequestIsToldFromARebuiltOrder(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*order.Request){
		"quantity": func(r *order.Request) { r.Lines[0].Quantity++ },
		"product":  func(r *order.Request) { r.Lines[0].SKU = "CUP" },
		"a line":   func(r *order.Request) { r.Lines = append(r.Lines, order.Line{SKU: "CUP", Quantity: 1}) },
		"payment":  func(r *order.Request) { r.PaymentMethod = "pm_decline" },
		"price":    func(r *order.Request) { r.Lines[0].UnitPrice = gbp(1) },
		"customer": func(r *order.Request) { r.CustomerID = "another" },
	} {
		w := newWorld(t)
		first := request("key")
		first.Source = "acme" // whose keys do not name the customer
		o, _, err := w.placing().Place(t.Context(), first)
		if err != nil {
			t.Fatal(err)
		}
		w.rebuild(o)
		other := request("key")
		other.Source = "acme"
		change(&other)
		if _, _, err := w.placing().Place(t.Context(), other); fault.Reason(err) != "idempotency_key_reused" {
			t.Errorf("another %s: %v", name, err)
		}
	}
}

// An event follows where the table of states has it, and nowhere else.
func TestEventsFollowByTheTableOfStates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	created := w.in(order.Placed).Created()
	id := created.GetOrderId()
	event := map[byte]func(seq int64) journal.Event{
		'P': func(seq int64) journal.Event {
			again := proto.CloneOf(created)
			again.Seq = seq
			return again
		},
		'C': func(seq int64) journal.Event { return &eventv1.OrderConfirmed{OrderId: id, Seq: seq} },
		'S': func(seq int64) journal.Event { return &eventv1.OrderCancellationStarted{OrderId: id, Seq: seq} },
		'X': func(seq int64) journal.Event { return &eventv1.OrderCancelled{OrderId: id, Seq: seq} },
		'T': func(seq int64) journal.Event { return &eventv1.OrderRetried{OrderId: id, Seq: seq} },
		'R': func(seq int64) journal.Event {
			return &eventv1.OrderRefundRequested{OrderId: id, Seq: seq, RefundId: "r"}
		},
		'D': func(seq int64) journal.Event { return &eventv1.OrderRefunded{OrderId: id, Seq: seq, RefundId: "r"} },
		'M': func(seq int64) journal.Event { return &eventv1.PaymentProcessed{OrderId: id, Seq: seq} },
		'-': func(seq int64) journal.Event { return &eventv1.OrderConfirmed{OrderId: id, Seq: seq + 1} },
		'?': func(seq int64) journal.Event { return &eventv1.OrderConfirmed{OrderId: "another", Seq: seq} },
		'0': func(seq int64) journal.Event { return &eventv1.OrderCreated{OrderId: id, Seq: seq} },
	}
	for past, want := range map[string]string{
		"": "P", "P": "CST", "PT": "CST", "PC": "R", "PS": "XT", "PST": "XT", "PSX": "", "PCR": "D", "PCRD": "",
	} {
		o := &order.Order{ID: id}
		for n := range past {
			e := event[past[n]](int64(n + 1))
			if !o.Follows(e) {
				t.Fatalf("%s: event %d may not follow", past, n+1)
			}
			o.Journal.Append(e, false)
		}
		for kind, next := range event {
			if may := o.Follows(next(o.Journal.Next())); may != strings.ContainsRune(want, rune(kind)) {
				t.Errorf("after %q, may %c follow? %v", past, kind, may)
			}
		}
	}
}
