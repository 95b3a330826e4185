package order_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

func TestOrderIsPlacedAtTheCataloguesPricesInOneCommitWithoutARead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ops []string
	w.db.Before = func(op string, writes []store.Write) error {
		ops = append(ops, fmt.Sprint(op, " ", len(writes)))
		return nil
	}
	r := request("key")
	r.Lines = []order.Line{{SKU: "CUP", Quantity: 1}, {SKU: "TEA", Quantity: 2}, {SKU: "CUP", Quantity: 3}}
	r.Note, r.Address = "ring twice", address(func(*order.Address) {})
	o, replayed, err := w.placing().Place(t.Context(), r)
	if err != nil || replayed {
		t.Fatalf("replayed %v, %v", replayed, err)
	}
	same(t, "operations", []string{"commit 1"}, ops)
	same(t, "event", &eventv1.OrderCreated{
		OrderId: r.OrderID(), Seq: 1, EventTime: timestamppb.New(moment), CustomerId: customer, PaymentMethod: "pm_approve",
		Lines: []*typev1.OrderLine{{Sku: "CUP", Name: "Cup", Quantity: 4, UnitPrice: gbp(1000)}, {Sku: "TEA", Name: "Tea", Quantity: 2, UnitPrice: gbp(250)}},
		Total: gbp(4500), ExpireTime: timestamppb.New(moment.Add(expiry)),
	}, w.get(o.ID).Created())
	stored := w.get(o.ID)
	if stored.Note != r.Note || stored.Address.City != "Bath" || !stored.NextAttempt.Equal(moment.Add(patience)) {
		t.Errorf("stored %+v", stored)
	}
	if s := fmt.Sprint(stored.Created()); strings.Contains(s, "Ada") || strings.Contains(s, "ring") {
		t.Errorf("the event has personal data: %s", s)
	}
}

func TestOrderThatCannotBePricedIsRefusedWithAllItsProducts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lines  []order.Line
		code   codes.Code
		reason string
		names  string // in the fields' messages, in order
	}{
		"unknown":            {[]order.Line{{SKU: "X", Quantity: 1}, {SKU: "TEA", Quantity: 1}, {SKU: "Y", Quantity: 1}}, codes.InvalidArgument, "unknown_sku", "X Y"},
		"another currency":   {[]order.Line{{SKU: "TEA", Quantity: 1}, {SKU: "SPOON", Quantity: 1}, {SKU: "X", Quantity: 1}}, codes.InvalidArgument, "unknown_sku", "SPOON X"},
		"as dear as can be":  {[]order.Line{{SKU: "GOLD", Quantity: 10_000}}, codes.OK, "", ""},
		"a penny over":       {[]order.Line{{SKU: "GOLD", Quantity: 10_000}, {SKU: "PENNY", Quantity: 1}}, codes.InvalidArgument, "order_too_large", ""},
		"a line over":        {[]order.Line{{SKU: "PLATINUM", Quantity: 10_000}}, codes.InvalidArgument, "order_too_large", ""},
		"far beyond 64 bits": {[]order.Line{{SKU: "STAR", Quantity: 10_000}, {SKU: "TEA", Quantity: 1}}, codes.InvalidArgument, "order_too_large", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for sku, price := range map[string]int64{"GOLD": order.MaxTotal / 10_000, "PLATINUM": order.MaxTotal/10_000 + 1, "STAR": 1 << 62, "PENNY": 1} {
				w.catalogue.quotes[sku] = order.Quote{UnitPrice: gbp(price)}
			}
			r := request("key")
			r.Lines = c.lines
			_, _, err := w.placing().Place(t.Context(), r)
			if fault.Code(err) != c.code || fault.Reason(err) != c.reason {
				t.Fatalf("error %v, want %s %s", err, c.code, c.reason)
			}
			if err == nil {
				return
			}
			if _, err := w.orders.Get(t.Context(), r.OrderID()); !errors.Is(err, order.ErrNotFound) {
				t.Errorf("a refused order was written: %v", err)
			}
			fields := fault.Of(err).Fields
			if names := strings.Fields(c.names); len(fields) != len(names) {
				t.Errorf("fields %v, want %v", fields, names)
			} else {
				for i, n := range names {
					if !strings.Contains(fields[i].Message, n) {
						t.Errorf("field %v does not name %s", fields[i], n)
					}
				}
			}
		})
	}
}

func TestSameKeyFindsTheFirstAnswerWhateverHappenedSince(t *testing.T) {
	t.Parallel()
	for name, since := range map[string]func(*world, string){
		"nothing":     func(*world, string) {},
		"time passed": func(w *world, _ string) { w.pass(24 * time.Hour) },
		"the price changed": func(w *world, _ string) {
			w.catalogue.quotes["TEA"] = order.Quote{Name: "Gold tea", UnitPrice: gbp(999)}
		},
		"the product is gone":    func(w *world, _ string) { delete(w.catalogue.quotes, "TEA") },
		"the catalogue is away":  func(w *world, _ string) { w.catalogue.err = memory.ErrUnavailable },
		"the price is too large": func(w *world, _ string) { w.catalogue.quotes["TEA"] = order.Quote{UnitPrice: gbp(order.MaxTotal)} },
		"it was confirmed": func(w *world, id string) {
			if _, err := w.confirming().Confirm(w.t.Context(), id, order.Evidence{Seq: 1, Reservation: held, Payment: charged}); err != nil {
				w.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			first := w.place("key")
			since(w, first.ID)
			again := request("key")
			again.Lines = []order.Line{{SKU: "TEA", Quantity: 1}, {SKU: "TEA", Quantity: 1}} // the same, told differently
			o, replayed, err := w.placing().Place(t.Context(), again)
			if err != nil || !replayed {
				t.Fatalf("replayed %v, %v", replayed, err)
			}
			if status, _ := o.Status(); status != order.Placed || len(o.Journal.Entries) != 1 {
				t.Errorf("the replay is %s with %d events", status, len(o.Journal.Entries))
			}
			same(t, "event", first.Created(), o.Created())

			other := request("key")
			other.Note = "another order"
			if _, _, err := w.placing().Place(t.Context(), other); fault.Reason(err) != "idempotency_key_reused" {
				t.Errorf("another request with the same key answers %v", err)
			}
		})
	}
}

func TestLostAnswerIsFoundAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.db.After = func(op string, _ []store.Write) error {
		if op == "commit" {
			return memory.ErrDeadline
		}
		return nil
	}
	if _, _, err := w.placing().Place(t.Context(), request("key")); !errors.Is(err, memory.ErrDeadline) {
		t.Fatalf("error %v", err)
	}
	w.db.After = nil
	if _, replayed, err := w.placing().Place(t.Context(), request("key")); err != nil || !replayed {
		t.Errorf("replayed %v, %v", replayed, err)
	}
}

// While it is not known whether the order exists, a refusal could be the wrong answer to a retry.
func TestOrderIsNotRefusedWhileItMayExist(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.place("key")
	delete(w.catalogue.quotes, "TEA")
	w.db.Before = func(string, []store.Write) error { return memory.ErrUnavailable }
	if _, _, err := w.placing().Place(t.Context(), request("key")); fault.Code(err) != codes.Unavailable {
		t.Errorf("error %v, want Unavailable", err)
	}
}

func TestCatalogueThatIsAwayRefusesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.catalogue.err = memory.ErrUnavailable
	if _, _, err := w.placing().Place(t.Context(), request("key")); !errors.Is(err, memory.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
}

// Orders are taken up to what a saga carries, to the byte, and no further.
func TestOrderIsTakenExactlyIfItsSagaFits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := request("key")
	r.Lines = nil
	for i := range 400 {
		sku := fmt.Sprintf("%064d", i)
		w.catalogue.quotes[sku] = order.Quote{UnitPrice: gbp(1)}
		r.Lines = append(r.Lines, order.Line{SKU: sku, Quantity: 10})
	}
	size := func(lines []order.Line) int {
		f := order.Fulfilment{OrderID: r.OrderID(), Seq: 1, PaymentMethod: r.PaymentMethod, Quantities: map[string]int32{}, Amount: &order.Amount{CurrencyCode: "GBP"}}
		for _, l := range lines {
			f.Quantities[l.SKU] = l.Quantity
			f.Amount.MinorUnits += int64(l.Quantity)
		}
		body, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		return len(body)
	}
	n := 1
	for size(r.Lines[:n+1]) <= order.MaxFulfilment {
		n++
	}
	for r.PaymentMethod = "p"; size(r.Lines[:n]) < order.MaxFulfilment; r.PaymentMethod += "m" {
		if len(r.PaymentMethod) == 64 {
			t.Fatal("the lines leave too much room")
		}
	}
	for change, want := range map[string]string{"": "", "m": "order_too_large"} {
		r := r
		r.Lines, r.PaymentMethod, r.IdempotencyKey = r.Lines[:n], r.PaymentMethod+change, "key"+change
		if _, _, err := w.placing().Place(t.Context(), r); fault.Reason(err) != want {
			t.Errorf("%d bytes: error %v, want %q", size(r.Lines)+len(change), err, want)
		}
	}
}

func TestPlacingStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, _, err := newWorld(t).placing().Place(ctx, request("key")); fault.Code(err) != codes.Canceled {
		t.Errorf("error %v", err)
	}
}
