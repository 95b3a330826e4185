// Package workflows_test runs the workflow that ships, with every step made to answer in every way.
package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orderflow.dev/internal/order"
	"orderflow.dev/local/workflows"
	"orderflow.dev/local/workflows/workflowstest"
)

var (
	placed = order.Fulfilment{
		OrderID: "o1", Seq: 1, Quantities: map[string]int32{"a": 2}, Amount: &order.Amount{CurrencyCode: "GBP", MinorUnits: 100},
		PaymentMethod: "pm", Traceparent: "00-t-s-01", RequestID: "r",
	}
	expired = order.Fulfilment{OrderID: "o1", Seq: 2, CancelReason: "expired", Traceparent: "00-t-s-01", RequestID: "r"}
)

// run executes the saga once in a world, and fails the test if that leaves something that must never be.
func run(t testing.TB, w *world, argument order.Fulfilment) workflowstest.Result {
	t.Helper()
	r := workflowstest.Run(t, "fulfil-order.yaml", argument, w,
		workflowstest.Env(map[string]string{
			"INVENTORY_URL": "https://inventory.run.app", "PAYMENT_URL": "https://payment.run.app",
			"CONFIRM_ORDER_URL": "https://functions.run.app/confirm", "CANCEL_ORDER_URL": "https://functions.run.app/cancel",
			"CLOSE_ORDER_URL": "https://functions.run.app/close",
		}),
		workflowstest.Options(func(o *workflows.Options) {
			o.Token = func(_ context.Context, audience string) (string, error) { return "for " + audience, nil }
		}))
	if p := w.problem(); p != "" {
		t.Errorf("%s", p)
	}
	return r
}

// called are the steps that an execution called.
func called(r workflowstest.Result) []string {
	var steps []string
	for _, c := range r.Calls {
		steps = append(steps, stepOf(c.URL))
	}
	return steps
}

// entry is a way into the saga.
type entry struct {
	name     string
	argument order.Fulfilment
	world    func() *world
	steps    []string // that can go wrong
	start    []string
	declined bool
}

var entries = []entry{
	{"placed", placed, newWorld, forward, forward, false},
	{"expired when paid", expired, paidWorld, undo, undo, false},
	{"expired when only placed", expired, newWorld, undo, undo, false},
	{"declined", placed, func() *world {
		w := newWorld()
		w.charge = "DECLINED"
		return w
	}, undo, forward, true},
}

// TestEveryStepGoingWrongInEveryWay: the calls, the compensations and their order, the end and the time it takes are as
// they must be; and what trouble leaves unfinished another execution finishes, whether the order is still wanted or not.
func TestEveryStepGoingWrongInEveryWay(t *testing.T) {
	t.Parallel()
	cases := 0
	for _, e := range entries {
		for _, step := range e.steps {
			for _, f := range faults() {
				for _, n := range f.times() {
					cases++
					t.Run(fmt.Sprintf("%s/%s/%s/%d", e.name, step, f.name, n), func(t *testing.T) { oneFault(t, e, step, f, n) })
				}
			}
		}
	}
	if cases < 1500 {
		t.Errorf("only %d cases", cases)
	}
}

func oneFault(t *testing.T, e entry, step string, f fault, n int) {
	t.Parallel()
	w := e.world()
	w.step, w.fault, w.remaining = step, f, n
	r := run(t, w, e.argument)
	s := saga{step: step, fault: f, left: n, declined: e.declined, reason: e.argument.CancelReason}
	state := s.run(e.start)
	if diff := cmp.Diff(s.calls, called(r)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	for _, c := range r.Calls {
		if got := c.Body.(map[string]any)["reason"]; stepOf(c.URL) == "cancel" && got != s.reason {
			t.Errorf("cancelled as %v, want %s", got, s.reason)
		}
	}
	if r.Execution.State != state {
		t.Fatalf("%s, want %s: %v", r.Execution.State, state, r.Error)
	}
	if r.Elapsed != s.elapsed {
		t.Errorf("it took %v, want %v", r.Elapsed, s.elapsed)
	}
	if state == workflows.Succeeded {
		settled(t, w)
		return
	}
	if f.tag != "" && !slices.Contains(r.Error.Tags(), f.tag) {
		t.Errorf("failed by %v, want %s", r.Error, f.tag)
	}
	finish(t, w)
}

// settled fails the test unless the order has ended and nothing is taken for one that is not confirmed.
func settled(t testing.TB, w *world) {
	t.Helper()
	if w.order != "CONFIRMED" && w.order != "CANCELLED" {
		t.Errorf("it succeeded and left %s", w)
	}
	if w.order != "CONFIRMED" && w.takesAnything() {
		t.Errorf("taken without a confirmed order: %s", w)
	}
}

// finish runs the saga again once nothing goes wrong any more, as the sweep does: an order that is placed may be
// confirmed, or expire.
func finish(t testing.TB, w *world) {
	t.Helper()
	for _, argument := range []order.Fulfilment{placed, expired} {
		again := w.healed()
		if r := run(t, again, argument); r.Error != nil {
			t.Errorf("seq %d after %s: %v", argument.Seq, w, r.Error)
		}
		settled(t, again)
		if won := w.order == "CONFIRMED"; won && again.order != "CONFIRMED" {
			t.Errorf("a confirmed order became %s", again)
		}
		if argument.CancelReason != "" && w.order != "CONFIRMED" && again.order != "CANCELLED" {
			t.Errorf("an order that expired became %s", again)
		}
	}
}

// TestWhateverGoesWrongNothingIsTakenForNothing: executions follow each other while steps go wrong in turn, for any
// argument; at the end of trouble one more settles the order.
func TestWhateverGoesWrongNothingIsTakenForNothing(t *testing.T) {
	t.Parallel()
	all := faults()
	steps := slices.Concat(forward, undo)
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld()
		w.charge = rapid.SampledFrom([]string{"CHARGED", "DECLINED"}).Draw(rt, "charge")
		for range rapid.IntRange(1, 4).Draw(rt, "executions") {
			w.step = rapid.SampledFrom(steps).Draw(rt, "step")
			w.fault = rapid.SampledFrom(all).Draw(rt, "fault")
			w.remaining = rapid.IntRange(0, 6).Draw(rt, "times")
			run(t, w, rapid.SampledFrom([]order.Fulfilment{placed, expired}).Draw(rt, "argument"))
			if p := w.problem(); p != "" {
				rt.Fatal(p)
			}
		}
		finish(t, w)
	})
}

func TestEndingsWithoutFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change   func(*world)
		argument order.Fulfilment
		calls    []string
		want     string
	}{
		"confirmed": {func(*world) {}, placed, forward, "order CONFIRMED, reservation HELD, payment CHARGED"},
		"a pending payment ends it": {func(w *world) { w.charge = "PENDING" }, placed, forward,
			"order PLACED, reservation HELD, payment PENDING"},
		"a pending payment is called off": {func(w *world) { w.reservation, w.payment = "HELD", "PENDING" }, expired, undo,
			"order CANCELLED, reservation RELEASED, payment VOIDED"},
		"a cancellation came first": {func(w *world) { w.order = "CANCELLING" }, placed, slices.Concat(forward, undo),
			"order CANCELLED, reservation RELEASED, payment REFUNDED"},
		"stock was released before": {func(w *world) { w.order, w.reservation = "CANCELLING", "RELEASED" }, placed,
			slices.Concat(forward[:1], undo), "order CANCELLED, reservation RELEASED, payment VOIDED"},
		"a confirmation won": {func(w *world) { w.order, w.reservation, w.payment = "CONFIRMED", "HELD", "CHARGED" }, expired,
			undo[:1], "order CONFIRMED, reservation HELD, payment CHARGED"},
		"cancelled before": {func(w *world) { w.order, w.reservation, w.payment = "CANCELLED", "RELEASED", "VOIDED" }, expired,
			undo, "order CANCELLED, reservation RELEASED, payment VOIDED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			tt.change(w)
			r := run(t, w, tt.argument)
			if r.Error != nil {
				t.Error(r.Error.Context)
			}
			if diff := cmp.Diff(tt.calls, called(r)); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if w.String() != tt.want {
				t.Errorf("%s, want %s", w, tt.want)
			}
		})
	}
}

func TestTheHappyPathCostsFiveSteps(t *testing.T) {
	t.Parallel()
	r := run(t, newWorld(), placed)
	if n := r.Billed.Internal + r.Billed.External; n > 5 || r.Billed.External > 0 {
		t.Errorf("%d billed steps, %d of them external, want at most 5 and 0", n, r.Billed.External)
	}
}

// TestStepsGetWhatTheyNeed and prove who they are, to whom they talk.
func TestStepsGetWhatTheyNeed(t *testing.T) {
	t.Parallel()
	var got []string
	for _, r := range []workflowstest.Result{run(t, newWorld(), placed), run(t, paidWorld(), expired)} {
		for _, c := range r.Calls {
			body, err := json.Marshal(c.Body) // keys in order
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%s %s [%s] %s", c.Method, c.URL, c.Header.Get("Authorization"), body))
			if c.Header.Get("Traceparent") != "00-t-s-01" || c.Header.Get("X-Request-Id") != "r" {
				t.Errorf("%s does not carry trace and request: %v", c.URL, c.Header)
			}
		}
	}
	const (
		inventory = "https://inventory.run.app/orderflow.inventory.v1.InventoryService/"
		payment   = "https://payment.run.app/orderflow.payment.v1.PaymentService/"
		functions = "https://functions.run.app/"
	)
	want := []string{
		"POST " + inventory + `ReserveStock [Bearer for https://inventory.run.app] {"order_id":"o1","quantities":{"a":2}}`,
		"POST " + payment + `ChargePayment [Bearer for https://payment.run.app] ` +
			`{"amount":{"currency_code":"GBP","minor_units":"100"},"order_id":"o1","payment_method":"pm"}`,
		"POST " + functions + `confirm [Bearer for https://functions.run.app/confirm] ` +
			`{"order_id":"o1","payment_state":"PAYMENT_STATE_CHARGED","reservation_state":"RESERVATION_STATE_HELD","seq":1}`,
		"POST " + functions + `cancel [Bearer for https://functions.run.app/cancel] {"order_id":"o1","reason":"expired","seq":2}`,
		"POST " + payment + `RefundPayment [Bearer for https://payment.run.app] {"order_id":"o1"}`,
		"POST " + inventory + `ReleaseStock [Bearer for https://inventory.run.app] {"order_id":"o1"}`,
		"POST " + functions + `close [Bearer for https://functions.run.app/close] ` +
			`{"order_id":"o1","payment_state":"PAYMENT_STATE_REFUNDED","reservation_state":"RESERVATION_STATE_RELEASED","seq":2}`,
	}
	if diff := cmp.Diff(strings.Join(want, "\n"), strings.Join(got, "\n")); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
