package promise_test

import (
	"slices"
	"time"

	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/promise"
)

// pastBug is a seeded one in how a good world came about.
type pastBug struct {
	name string
	seed func(*world, *past)
}

var seededPasts = map[string][]pastBug{
	promise.SameKeySameAnswer: {
		{"a replay answers other bytes", func(_ *world, h *past) { replay(h, "confirmed").Body = "{}" }},
		{"a replay makes another order", func(_ *world, h *past) { replay(h, "confirmed").OrderID = idOf("free") }},
		{"another request is answered 201", func(_ *world, h *past) { replay(h, "confirmed").Request = "3 mugs" }},
		{"two keys, one order", func(_ *world, h *past) {
			a := answerOf(h, "free")
			a.OrderID, a.Body = idOf("confirmed"), answerOf(h, "confirmed").Body
		}},
		{"two customers, one key, one order", func(_ *world, h *past) { replay(h, "confirmed").CustomerID = "other" }},
		{"its own request is refused as another's", func(_ *world, h *past) {
			h.Answers = append(h.Answers, answered("confirmed", 400, "idempotency_key_reused", time.Second, 2*time.Second))
		}},
		{"a new key is refused as reused", func(_ *world, h *past) {
			h.Answers = append(h.Answers, answered("new", 400, "idempotency_key_reused", 0, ms), answered("new", 503, "", ms, 2*ms))
		}},
		{"the only request of a key is refused as another's", func(_ *world, h *past) {
			without(&h.Answers, func(a promise.Answer) bool { return a.IdempotencyKey == "free" })
			h.Answers = append(h.Answers, answered("free", 503, "", 0, ms), answered("free", 400, "idempotency_key_reused", ms, 2*ms))
		}},
		{"a key that made no order is refused as reused", func(_ *world, h *past) {
			a := answered("new", 400, "unknown_sku", 0, ms)
			a.Request = "3 hats"
			h.Answers = append(h.Answers, a, answered("new", 400, "idempotency_key_reused", 2*ms, 3*ms))
		}},
		{"a replay is priced again and refused", func(_ *world, h *past) {
			h.Answers = append(h.Answers, answered("confirmed", 400, "unknown_sku", time.Second, 2*time.Second))
		}},
		{"a replay is answered 200", func(_ *world, h *past) {
			h.Answers = append(h.Answers, answered("confirmed", 200, "", 10*ms, 2*time.Second))
		}},
	},
	promise.RefusedOnlyWhenShort: {
		{"enough was always free", func(_ *world, h *past) { h.Levels[2].Available = 2 }},
		{"it was short before it asked", func(_ *world, h *past) { h.Refusals[0].Asked = when(400 * ms) }},
		{"it was short after it was refused", func(_ *world, h *past) { h.Refusals[0].Decided = when(299 * ms) }},
		{"it was another product that was short", func(_ *world, h *past) { h.Refusals[0].SKU, h.Refusals[0].Wanted = "jar", 1 }},
		{"it is refused more than it wants", func(_ *world, h *past) { h.Refusals[0].Wanted = 200 }},
		{"a refused order holds stock", func(_ *world, h *past) {
			h.Refusals = append(h.Refusals, h.Refusals[0])
			h.Refusals[1].OrderID = idOf("confirmed")
		}},
		{"a refused order is reserved after all", func(w *world, _ *past) { reservationAt(w, "out-of-stock").State = inventory.Released }},
		{"nobody saw the refusal", func(_ *world, h *past) { h.Refusals = nil }},
		{"it is refused before it asked", func(_ *world, h *past) { h.Refusals[0].Asked, h.Refusals[0].Decided = when(350*ms), when(310*ms) }},
		{"levels come in any order", func(_ *world, h *past) {
			h.Levels[2].Available = 2
			h.Levels = append(h.Levels, promise.Level{SKU: "mug", At: when(-2 * time.Hour)})
		}},
	},
	promise.ReadsSeeAnswers: {
		{"an order is not there after its 201", func(_ *world, h *past) { h.Readings[1].Status = "" }},
		{"an order is not there at the moment of its 201", func(_ *world, h *past) {
			h.Readings = append(h.Readings, read("free", "", 10*ms, 20*ms))
		}},
		{"an order is gone after it was seen", func(_ *world, h *past) {
			h.Answers = nil // nobody was told of it
			h.Readings = append(h.Readings, read("confirmed", "", time.Hour, time.Hour))
		}},
		{"an order goes back", func(_ *world, h *past) { h.Readings[3].Status = "PLACED" }},
		{"a cancellation is taken back", func(_ *world, h *past) { h.Readings[5].Status = "PLACED" }},
		{"an order goes back for a moment", func(_ *world, h *past) {
			h.Readings = append(h.Readings, read("confirmed", "PLACED", 1700*ms, 1800*ms))
		}},
		{"confirmed after it was cancelling", func(_ *world, h *past) { h.Readings[5].Status = "CONFIRMED" }},
		{"two endings at the same time", func(_ *world, h *past) {
			h.Readings = append(h.Readings, read("confirmed", "CANCELLED", 1500*ms, 1600*ms))
		}},
		{"an ending that is not the stored one", func(_ *world, h *past) { h.Readings[6].Status = "CONFIRMED" }},
		{"a status that is none", func(_ *world, h *past) { h.Readings[2].Status = "SHIPPED" }},
		{"another customer sees it", func(_ *world, h *past) { h.Readings[len(h.Readings)-1].Status = "CONFIRMED" }},
		{"another customer is answered with it", func(_ *world, h *past) { answerOf(h, "free").CustomerID = "other" }},
		{"an order is seen that is not there", func(_ *world, h *past) { h.Readings[6].OrderID = "never" }},
		{"an order that cannot be read goes back", func(w *world, h *past) {
			w.Orders = w.Orders[1:]
			w.Unreadable = []promise.Unreadable{{Path: "orders/" + idOf("confirmed")}}
			h.Readings[3].Status = "CANCELLING"
		}},
	},
	promise.UndoneOnce: {
		{"released twice", func(_ *world, h *past) { h.Undone = append(h.Undone, h.Undone[1]) }},
		{"refunded twice, long after", func(_ *world, h *past) {
			h.Undone = append(h.Undone, promise.Undone{OrderID: idOf("paid-back"), Step: "refund", At: later})
		}},
		{"a confirmed order is refunded", func(_ *world, h *past) { h.Undone[0].OrderID = idOf("confirmed") }},
		{"stock of no order is released", func(_ *world, h *past) { h.Undone[1].OrderID = "never" }},
		{"a step that is none", func(_ *world, h *past) { h.Undone[1].Step = "confirm" }},
		{"undone before it was decided", func(_ *world, h *past) { h.Undone[0].At = when(time.Second) }},
		{"the second undone before it was decided", func(_ *world, h *past) {
			h.Undone = append(h.Undone, promise.Undone{OrderID: idOf("paid-back"), Step: "release", At: when(0)})
		}},
	},
	promise.CancellationWasAsked: {
		{"nobody asked", func(_ *world, h *past) { h.Asked = nil }},
		{"another customer asked", func(_ *world, h *past) { h.Asked[0].CustomerID = "other" }},
		{"it was asked of another order", func(_ *world, h *past) { h.Asked[1].OrderID = idOf("free") }},
		{"by an operator who did not ask", func(w *world, _ *past) { cancellation(w, "paid-back").By = "another" }},
		{"by no operator", func(w *world, _ *past) { cancellation(w, "paid-back").By = "" }},
		{"by an operator whom the customer asked", func(_ *world, h *past) { h.Asked[1].Operator, h.Asked[1].CustomerID = "", customer }},
		{"trouble says that the customer asked", func(w *world, _ *past) { cancellation(w, "declined").Reason = "cancelled" }},
		{"it cancels another customer's order", func(w *world, _ *past) { cancellation(w, "expired").Reason = "cancelled" }},
	},
	promise.ReplayChangesNothing: {
		{"a document is another", func(_ *world, h *past) { h.Replay.After["orders/"+idOf("confirmed")] = "3 events" }},
		{"money moved", func(_ *world, h *past) { h.Replay.After["ledger"] += ", charge" }},
		{"a document is gone", func(_ *world, h *past) { delete(h.Replay.After, "ledger") }},
		{"a document is new", func(_ *world, h *past) { h.Replay.After["orders/new"] = "" }},
		{"everything is gone", func(_ *world, h *past) { h.Replay.After = nil }},
		{"nothing was looked at", func(_ *world, h *past) { h.Replay = &promise.Replay{} }},
	},
}

func answerOf(h *past, key string) *promise.Answer {
	return &h.Answers[slices.IndexFunc(h.Answers, func(a promise.Answer) bool { return a.IdempotencyKey == key })]
}

// replay is the last 201 of a key: its second.
func replay(h *past, key string) *promise.Answer {
	for i := len(h.Answers) - 1; ; i-- {
		if a := &h.Answers[i]; a.IdempotencyKey == key && a.Status == 201 {
			return a
		}
	}
}
