package promise_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/promise"
)

type past = promise.History

var subscriptions = []promise.Subscription{
	{Consumer: "start-fulfilment", Type: "OrderCreated"},
	{Consumer: "start-fulfilment", Type: "OrderCancellationStarted", ResumeOnly: true},
	{Consumer: "start-fulfilment", Type: "PaymentProcessed", ResumeOnly: true},
	{Consumer: "start-fulfilment", Type: "PaymentFailed", ResumeOnly: true},
	{Consumer: "notify-customer", Type: "OrderConfirmed"},
	{Consumer: "notify-customer", Type: "OrderCancelled"},
}

func when(d time.Duration) time.Time { return moment.Add(d) }

const ms = time.Millisecond

// lived is the world in which every ending has come about, and how: without a fault, but for some that break no promise.
func lived(t *testing.T) (promise.World, past) {
	w := ended(t)
	cancellation(&w, "paid-back").By = "op"
	for _, key := range []string{"paid-back", "too-early", "expired"} {
		orderAt(&w, key).Journal.Entries[1].Resume = true
	}
	h := past{Subscriptions: subscriptions, Excused: map[string]int{}}
	for _, o := range w.Orders {
		happened(&h, "orders", o.ID, o.Journal)
	}
	for _, p := range w.Payments {
		happened(&h, "payments", p.OrderID, p.Journal)
	}
	for _, key := range []string{"confirmed", "free", "out-of-stock", "declined", "too-early", "paid-back", "expired"} {
		h.Answers = append(h.Answers, answered(key, 201, "", -10*ms, 10*ms))
	}
	told(&h, w)
	steps(&h)
	tricky(&h)
	return w, h
}

// happened commits, publishes and delivers a journal's events as they should be.
func happened(h *past, collection, orderID string, j journal.Journal) {
	for _, e := range j.Entries {
		at := e.Event.GetEventTime().AsTime()
		name := string(e.Event.ProtoReflect().Descriptor().Name())
		id := fmt.Sprintf("%s/%s/%d", collection, orderID, e.Event.GetSeq())
		h.Committed = append(h.Committed, promise.Happened{EventID: id, Content: name, At: at})
		h.Published = append(h.Published, promise.Happened{EventID: id, Content: name, At: at.Add(ms)})
		for _, s := range subscriptions {
			if s.Type == name && (e.Resume || !s.ResumeOnly) {
				h.Deliveries = append(h.Deliveries, promise.Delivery{Consumer: s.Consumer, EventID: id, Acknowledged: true, At: at.Add(2 * ms)})
			}
		}
	}
}

func answered(key string, status int, reason string, asked, at time.Duration) promise.Answer {
	a := promise.Answer{CustomerID: customer, IdempotencyKey: key, Request: "2 mugs, 1 jar", Status: status, Reason: reason, Asked: when(asked), Answered: when(at)}
	if status == 201 {
		a.OrderID, a.Body = idOf(key), `{"order_id":"`+idOf(key)+`"}`
	}
	return a
}

func read(key, status string, asked, at time.Duration) promise.Reading {
	return promise.Reading{CustomerID: customer, OrderID: idOf(key), Status: status, Asked: when(asked), Answered: when(at)}
}

func message(key, ending string, at time.Duration) promise.Message {
	return promise.Message{ID: idOf(key) + "." + ending, OrderID: idOf(key), Ending: ending, At: when(at)}
}

// told tells every customer, an hour later.
func told(h *past, w promise.World) {
	for _, o := range w.Orders {
		h.Messages = append(h.Messages, promise.Message{ID: o.ID + "." + o.Fields.Status, OrderID: o.ID, Ending: o.Fields.Status, At: later})
	}
}

func steps(h *past) {
	h.Undone = []promise.Undone{
		{OrderID: idOf("paid-back"), Step: "refund", At: when(time.Minute + 100*ms)},
		{OrderID: idOf("paid-back"), Step: "release", At: when(time.Minute + 200*ms)},
		{OrderID: idOf("declined"), Step: "release", At: when(2 * time.Second)},
		{OrderID: idOf("expired"), Step: "release", At: when(expiry + 2*time.Second)},
	}
	h.Asked = []promise.Asked{
		{OrderID: idOf("too-early"), CustomerID: customer, At: when(0)},
		{OrderID: idOf("paid-back"), Operator: "op", At: when(time.Minute - ms)},
		{OrderID: idOf("confirmed"), CustomerID: customer, At: when(time.Minute)}, // too late
		{OrderID: idOf("expired"), CustomerID: "other", At: when(time.Minute)},    // not theirs
	}
	h.Readings = []promise.Reading{
		read("confirmed", "", -5*ms, 5*ms), // asked for before it was answered
		read("confirmed", "PLACED", 10*ms, 20*ms),
		read("confirmed", "CONFIRMED", 1500*ms, 1600*ms),
		read("confirmed", "CONFIRMED", 2*time.Second, 3*time.Second),
		read("paid-back", "CANCELLING", time.Minute, time.Minute+5*ms),
		read("paid-back", "CANCELLED", time.Minute+2*time.Second, time.Minute+3*time.Second),
		read("expired", "CANCELLED", 2*expiry, 2*expiry),
	}
	same := map[string]string{"orders/" + idOf("confirmed"): "2 events", "ledger": "charge, charge, refund"}
	h.Replay = &promise.Replay{Before: same, After: map[string]string{"orders/" + idOf("confirmed"): "2 events", "ledger": "charge, charge, refund"}}
}

// tricky is what looks like a bug and is none.
func tricky(h *past) {
	h.Answers = append(h.Answers,
		answered("confirmed", 201, "", 5*time.Second, 6*time.Second), // replayed after it was seen CONFIRMED
		answered("confirmed", 503, "", 7*time.Second, 8*time.Second),
		answered("free", 400, "unknown_sku", -time.Minute, -59*time.Second), // until the catalogue had it
		answered("expired", 0, "", -time.Second, 0),
	)
	reused := answered("confirmed", 400, "idempotency_key_reused", 0, 20*ms)
	reused.Request = "3 mugs"
	h.Answers = append(h.Answers, reused)
	h.Readings = append(h.Readings,
		read("confirmed", "PLACED", 900*ms, 2*time.Second), // slow: another saw it CONFIRMED meanwhile
		promise.Reading{CustomerID: "other", OrderID: idOf("confirmed"), Asked: later, Answered: later},
	)
	h.Levels = []promise.Level{
		{SKU: "mug", Available: 20, At: when(-time.Hour)}, {SKU: "jar", Available: 5, At: when(-time.Hour)},
		{SKU: "mug", Available: 1, At: when(300 * ms)}, {SKU: "mug", Available: 18, At: when(400 * ms)}, // short for a moment
	}
	h.Refusals = []promise.Refusal{{OrderID: idOf("out-of-stock"), SKU: "mug", Wanted: 2, Asked: when(100 * ms), Decided: when(900 * ms)}}
	h.Published = append(h.Published, h.Published[0])
	again := h.Deliveries[0]
	again.At, again.Acknowledged = later, false
	h.Deliveries = append(h.Deliveries, h.Deliveries[1], again)
	h.Messages = append(h.Messages, message("free", "CONFIRMED", 2*time.Hour)) // its sender died before it recorded the first
	h.Excused[idOf("free")+".CONFIRMED"] = 1
	garbage := promise.Letter{Consumer: "notify-customer", EventID: "garbage"}
	h.Poison, h.Parked = []promise.Letter{garbage}, []promise.Letter{garbage, garbage}
	h.Deliveries = append(h.Deliveries, promise.Delivery{Consumer: "notify-customer", EventID: "garbage", Acknowledged: true, At: later})
	giveUp(h)
}

// giveUp has the sweep start the saga of an order whose event start-fulfilment never took.
func giveUp(h *past) {
	lost := promise.Letter{Consumer: "start-fulfilment", EventID: eventOf("orders", "declined", 1)}
	h.Deliveries[deliveryAt(h, lost.Consumer, lost.EventID)].Acknowledged = false
	h.GivenUp, h.Parked = append(h.GivenUp, lost), append(h.Parked, lost)
	h.Deliveries = append(h.Deliveries, promise.Delivery{Consumer: "park-dead-letter", EventID: lost.EventID, Acknowledged: true, At: later})
}

func eventOf(collection, key string, seq int) string {
	return fmt.Sprintf("%s/%s/%d", collection, idOf(key), seq)
}

// deliveryAt and happenedAt find what a seeded bug changes.
func deliveryAt(h *past, consumer, id string) int {
	return slices.IndexFunc(h.Deliveries, func(d promise.Delivery) bool { return d.Consumer == consumer && d.EventID == id })
}

func happenedAt(all []promise.Happened, id string) *promise.Happened {
	return &all[slices.IndexFunc(all, func(e promise.Happened) bool { return e.EventID == id })]
}
