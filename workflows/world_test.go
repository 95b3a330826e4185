package workflows_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// world stands for the functions and services that the saga calls, and for what they keep of one order. Like them it is
// idempotent: what is asked again is answered again.
type world struct {
	order, reservation, payment string // states, empty if there is none

	charge    string   // what a charge becomes: CHARGED, PENDING or DECLINED
	moves     []string // changes of state, in order
	wrong     []string // what must never be asked
	step      string   // that goes wrong
	fault     fault    // how
	remaining int      // how often, negative for ever
}

// newWorld has an order that was placed and nothing else.
func newWorld() *world { return &world{order: "PLACED", charge: "CHARGED"} }

// paidWorld has an order that is held and charged.
func paidWorld() *world {
	w := newWorld()
	w.reservation, w.payment = "HELD", "CHARGED"
	return w
}

// healed is a copy of the world in which nothing goes wrong any more.
func (w *world) healed() *world {
	c := *w
	c.moves, c.wrong, c.remaining = slices.Clone(w.moves), slices.Clone(w.wrong), 0
	return &c
}

// ServeHTTP answers a step, or lets it go wrong.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	step := stepOf(r.URL.Path)
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body["order_id"] != "o1" {
		w.wrong = append(w.wrong, fmt.Sprintf("%s with the body %v (%v)", step, body, err))
	}
	if step != w.step || w.remaining == 0 {
		code, answer := w.do(step, body)
		reply(rw, code, answer)
		return
	}
	w.remaining--
	if w.fault.after {
		w.do(step, body)
	}
	w.fault.fail(rw, r)
}

// stepOf names what a path calls: reserve, charge, confirm, cancel, refund, release or close.
func stepOf(path string) string {
	name := path[strings.LastIndex(path, "/")+1:]
	return strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(name, "Stock"), "Payment"))
}

func reply(rw http.ResponseWriter, code int, body any) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(code)
	_ = json.NewEncoder(rw).Encode(body) // a recorder takes everything
}

// do is what a step does when it does its work.
func (w *world) do(step string, body map[string]any) (code int, answer any) {
	work := map[string]func(map[string]any) string{
		"reserve": w.reserve, "charge": w.chargeOnce, "confirm": w.confirm, "cancel": w.cancel,
		"refund": w.refund, "release": w.release, "close": w.close,
	}[step]
	if work == nil {
		return 404, map[string]any{"code": "unimplemented"}
	}
	if reason := work(body); reason != "" {
		return 400, refusal(reason)
	}
	return 200, map[string]any{
		"status":      "ORDER_STATUS_" + w.order,
		"reservation": map[string]any{"state": "RESERVATION_STATE_" + w.reservation},
		"payment":     map[string]any{"state": "PAYMENT_STATE_" + w.payment},
	}
}

func refusal(reason string) map[string]any {
	return map[string]any{"code": "failed_precondition", "message": "no", "reason": reason}
}

// become moves one of the states on, noting the move.
func (w *world) become(state *string, to string) {
	if *state != to {
		*state = to
		w.moves = append(w.moves, to)
	}
}

func (w *world) reserve(map[string]any) (reason string) {
	if w.reservation == "RELEASED" {
		return "cancelled"
	}
	w.become(&w.reservation, "HELD")
	return ""
}

func (w *world) chargeOnce(map[string]any) (reason string) {
	w.must(w.reservation != "", "charge before a reservation")
	switch w.payment {
	case "":
		w.become(&w.payment, w.charge)
	case "REFUNDED", "VOIDED":
		return "cancelled"
	}
	if w.payment == "DECLINED" {
		return "declined"
	}
	return ""
}

func (w *world) confirm(evidence map[string]any) (reason string) {
	w.must(evidence["reservation_state"] == "RESERVATION_STATE_HELD", "confirm without a reservation")
	switch {
	case w.order == "CANCELLING" || w.order == "CANCELLED":
		return "cancelled"
	case evidence["payment_state"] == "PAYMENT_STATE_CHARGED":
		w.become(&w.order, "CONFIRMED")
	}
	return ""
}

func (w *world) cancel(body map[string]any) (reason string) {
	reasons := []any{"out_of_stock", "declined", "cancelled", "expired"}
	w.must(slices.Contains(reasons, body["reason"]), "cancel for a reason that is none")
	if w.order == "PLACED" {
		w.become(&w.order, "CANCELLING")
	}
	return ""
}

func (w *world) refund(map[string]any) (reason string) {
	w.must(w.order == "CANCELLING" || w.order == "CANCELLED", "refund before the cancellation was decided")
	switch w.payment {
	case "CHARGED":
		w.become(&w.payment, "REFUNDED")
	case "", "PENDING":
		w.become(&w.payment, "VOIDED")
	}
	return ""
}

func (w *world) release(map[string]any) (reason string) {
	w.must(w.payment != "CHARGED" && w.payment != "PENDING", "release before the refund")
	w.become(&w.reservation, "RELEASED")
	return ""
}

func (w *world) close(evidence map[string]any) (reason string) {
	payments := []any{"PAYMENT_STATE_REFUNDED", "PAYMENT_STATE_VOIDED", "PAYMENT_STATE_DECLINED"}
	undone := evidence["reservation_state"] == "RESERVATION_STATE_RELEASED" && slices.Contains(payments, evidence["payment_state"])
	w.must(undone, "close without evidence that all is undone")
	w.become(&w.order, "CANCELLED")
	return ""
}

func (w *world) must(ok bool, what string) {
	if !ok {
		w.wrong = append(w.wrong, what)
	}
}

// problem says what about the world must never be, at whatever time; empty if it is sound.
func (w *world) problem() string {
	counts := map[string]int{}
	for _, m := range w.moves {
		counts[m]++
	}
	for _, m := range slices.Sorted(maps.Keys(counts)) {
		if counts[m] > 1 {
			return fmt.Sprintf("%s %d times: %v", m, counts[m], w.moves)
		}
	}
	if len(w.wrong) > 0 {
		return strings.Join(w.wrong, "; ")
	}
	if w.order == "CANCELLED" && w.takesAnything() {
		return "cancelled and not undone: " + w.String()
	}
	if w.order == "CONFIRMED" && (w.reservation != "HELD" || w.payment != "CHARGED") {
		return "confirmed and not held and charged: " + w.String()
	}
	return ""
}

// takesAnything reports whether stock or money is taken.
func (w *world) takesAnything() bool {
	return w.reservation == "HELD" || w.payment == "CHARGED" || w.payment == "PENDING"
}

// String is the states.
func (w *world) String() string {
	return fmt.Sprintf("order %s, reservation %s, payment %s", w.order, w.reservation, w.payment)
}
