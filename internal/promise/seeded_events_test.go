package promise_test

import (
	"time"

	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/promise"
)

func init() {
	seededPasts[promise.EventsFollowCommits] = []pastBug{
		{"published before its commit", func(_ *world, h *past) { confirming(h).At = when(time.Second - ms) }},
		{"published again and before its commit", func(_ *world, h *past) {
			early := *confirming(h)
			early.At = when(0)
			h.Published = append(h.Published, early)
		}},
		{"published as another event", func(_ *world, h *past) { confirming(h).Content = "OrderCancelled" }},
		{"published and never committed", func(_ *world, h *past) {
			h.Published = append(h.Published, promise.Happened{EventID: eventOf("orders", "confirmed", 3), At: later})
		}},
		{"never published", func(_ *world, h *past) { // nobody subscribes to it
			without(&h.Published, func(e promise.Happened) bool { return e.EventID == eventOf("payments", "paid-back", 2) })
		}},
		{"in a journal and never committed", func(_ *world, h *past) {
			without(&h.Committed, func(e promise.Happened) bool { return e.EventID == eventOf("payments", "confirmed", 1) })
		}},
		{"committed and lost", func(w *world, _ *past) {
			entries(w, "confirmed", func(e []journal.Entry) []journal.Entry { return e[:1] })
		}},
		{"committed and never written", func(_ *world, h *past) {
			h.Committed = append(h.Committed, promise.Happened{EventID: eventOf("payments", "free", 2), At: later})
		}},
		{"committed again as another event", func(_ *world, h *past) {
			h.Committed = append(h.Committed, promise.Happened{EventID: eventOf("orders", "confirmed", 2), Content: "OrderCancellationStarted", At: later})
		}},
		{"never delivered", func(_ *world, h *past) { undeliver(h, "notify-customer", eventOf("orders", "expired", 3)) }},
		{"never acknowledged", func(_ *world, h *past) {
			h.Deliveries[deliveryAt(h, "notify-customer", eventOf("orders", "expired", 3))].Acknowledged = false
		}},
		{"taken by one of two consumers", func(_ *world, h *past) {
			h.Subscriptions = append(h.Subscriptions, promise.Subscription{Consumer: "ship", Type: "OrderConfirmed"})
		}},
		{"a resumption is filtered out", func(_ *world, h *past) { undeliver(h, "start-fulfilment", eventOf("orders", "paid-back", 2)) }},
		{"given up on for another consumer", func(_ *world, h *past) {
			h.GivenUp[0].Consumer, h.Parked[2].Consumer = "notify-customer", "notify-customer"
		}},
		{"an event that nobody wrote", func(_ *world, h *past) {
			h.Deliveries = append(h.Deliveries, promise.Delivery{Consumer: "notify-customer", EventID: "orders/never/1", Acknowledged: true, At: later})
		}},
		{"delivered before its commit", func(_ *world, h *past) {
			h.Deliveries[deliveryAt(h, "notify-customer", eventOf("orders", "confirmed", 2))].At = when(0)
		}},
		{"delivered to who did not subscribe", func(_ *world, h *past) {
			h.Deliveries = append(h.Deliveries, promise.Delivery{Consumer: "start-fulfilment", EventID: eventOf("orders", "declined", 2), At: later})
		}},
	}
	seededPasts[promise.ToldOnce] = []pastBug{
		{"nobody is told", func(_ *world, h *past) { h.Messages = h.Messages[1:] }},
		{"told twice", func(_ *world, h *past) { h.Messages = append(h.Messages, h.Messages[0]) }},
		{"told thrice, excused once", func(_ *world, h *past) { h.Messages = append(h.Messages, message("free", "CONFIRMED", 3*time.Hour)) }},
		{"told twice, another is excused", func(_ *world, h *past) {
			h.Excused = map[string]int{idOf("confirmed") + ".CONFIRMED": 1}
		}},
		{"told of another ending", func(_ *world, h *past) { h.Messages[0].Ending = "CANCELLED" }},
		{"told of both endings", func(_ *world, h *past) { h.Messages = append(h.Messages, message("confirmed", "CANCELLED", time.Hour)) }},
		{"told of no order", func(_ *world, h *past) { h.Messages = append(h.Messages, message("never", "CANCELLED", time.Hour)) }},
		{"told of an order that has not ended", func(w *world, _ *past) {
			entries(w, "confirmed", func(e []journal.Entry) []journal.Entry { return e[:1] })
		}},
		{"told that it is on its way", func(w *world, h *past) {
			entries(w, "confirmed", func(e []journal.Entry) []journal.Entry { return e[:1] })
			h.Messages[0].Ending = "PLACED"
		}},
		{"told twice under two ids", func(_ *world, h *past) { h.Messages[len(h.Messages)-1].ID = "other" }},
		{"two orders share an id", func(_ *world, h *past) { h.Messages[2].ID = h.Messages[0].ID }},
		{"told before it is decided", func(_ *world, h *past) { h.Messages[0].At = when(0) }},
	}
	seededPasts[promise.PoisonIsParked] = []pastBug{
		{"poison is lost", func(_ *world, h *past) { h.Parked = h.Parked[2:] }},
		{"poison is parked for another consumer", func(_ *world, h *past) { h.Poison[0].Consumer = "start-fulfilment" }},
		{"poison is parked as another event", func(_ *world, h *past) { h.Parked[0].EventID, h.Parked[1].EventID = "other", "other" }},
		{"a good event is parked", func(_ *world, h *past) {
			h.Parked = append(h.Parked, promise.Letter{Consumer: "notify-customer", EventID: eventOf("orders", "confirmed", 2)})
		}},
		{"given up on and lost", func(_ *world, h *past) { h.Parked = h.Parked[:2] }},
		{"parked before it was given up on", func(_ *world, h *past) { h.GivenUp = nil }},
	}
}

// confirming is the first publication of the confirmation, a second after the order.
func confirming(h *past) *promise.Happened {
	return happenedAt(h.Published, eventOf("orders", "confirmed", 2))
}

func undeliver(h *past, consumer, id string) {
	without(&h.Deliveries, func(d promise.Delivery) bool { return d.Consumer == consumer && d.EventID == id })
}
