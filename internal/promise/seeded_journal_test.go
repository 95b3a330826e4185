package promise_test

import (
	"slices"
	"time"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/promise"
)

func init() {
	seededBugs[promise.JournalIsLegal] = []bug{
		{name: "a gap", seed: func(w *world) { confirmation(w).Seq = 3 }},
		{name: "a seq twice", seed: func(w *world) { confirmation(w).Seq = 1 }},
		{name: "it begins in the middle", seed: func(w *world) { entries(w, "confirmed", func(e []journal.Entry) []journal.Entry { return e[1:] }) }},
		{name: "it is empty", seed: func(w *world) { entries(w, "confirmed", func([]journal.Entry) []journal.Entry { return nil }) }},
		{name: "closed without a decision", seed: func(w *world) {
			entries(w, "declined", func(e []journal.Entry) []journal.Entry { return slices.Delete(e, 1, 2) })
		}},
		{name: "confirmed and then cancelled", seed: func(w *world) {
			entries(w, "confirmed", func(e []journal.Entry) []journal.Entry {
				return append(e, journal.Entry{Event: &eventv1.OrderCancellationStarted{OrderId: idOf("confirmed"), Seq: 3, EventTime: at(0), Reason: "cancelled"}})
			})
		}},
		{name: "confirmed twice", seed: func(w *world) {
			entries(w, "confirmed", func(e []journal.Entry) []journal.Entry { return append(e, e[1]) })
		}},
		{name: "reasons differ", seed: func(w *world) { cancellation(w, "declined").Reason = "expired" }},
		{name: "an event without a time", seed: func(w *world) { confirmation(w).EventTime = nil }},
		{name: "confirmed at another price", seed: func(w *world) { confirmation(w).Total = free }},
		{name: "confirmed to another customer", seed: func(w *world) { confirmation(w).CustomerId = "other" }},
		{name: "a payment's gap", seed: func(w *world) {
			p := paymentAt(w, "paid-back")
			p.Journal.Entries = slices.Clone(p.Journal.Entries[1:])
		}},
		{name: "refunded and never charged", seed: func(w *world) {
			paymentAt(w, "paid-back").Journal = published(&eventv1.PaymentRefunded{OrderId: idOf("paid-back"), Seq: 1, EventTime: at(0), Amount: total})
		}},
		{name: "charged and then declined", seed: func(w *world) {
			p := paymentAt(w, "confirmed")
			p.Journal.Entries = append(p.Journal.Entries, journal.Entry{Event: failed("confirmed", "declined")})
		}},
		{name: "a document that cannot be read", seed: func(w *world) {
			w.Unreadable = []promise.Unreadable{{Path: "orders/x", OrderID: "x", Why: "garbage"}}
		}},
	}
	seededBugs[promise.FieldsMatchJournal] = []bug{
		{name: "another status", seed: func(w *world) { orderAt(w, "confirmed").Fields.Status = "PLACED" }},
		{name: "another customer", seed: func(w *world) { orderAt(w, "confirmed").Fields.CustomerID = "other" }},
		{name: "another create time", seed: func(w *world) { orderAt(w, "confirmed").Fields.CreateTime = moment.Add(time.Second) }},
		{name: "ended and still in the sweep", seed: func(w *world) { orderAt(w, "confirmed").Fields.InSweep = true }},
		{name: "ended and still due", seed: func(w *world) { orderAt(w, "declined").Fields.NextAttempt = later }},
		{name: "unfinished and out of the sweep", under: true, seed: func(w *world) { orderAt(w, "pending").Fields.InSweep = false }},
		{name: "unfinished and never due", under: true, seed: func(w *world) { orderAt(w, "undoing").Fields.NextAttempt = time.Time{} }},
		{name: "charged without a word", seed: func(w *world) { paymentAt(w, "confirmed").Journal = journal.Journal{} }},
		{name: "refunded without a word", seed: func(w *world) { paymentAt(w, "confirmed").State = payment.Refunded }},
		{name: "a state that is none", seed: func(w *world) { paymentAt(w, "confirmed").State = 0 }},
	}
	seededBugs[promise.EventsArePublished] = []bug{
		{name: "the last event is not published", seed: func(w *world) { unpublish(w, promise.Sweep{InShard: true, Since: later}) }},
		{name: "out of the sweep's sight", under: true, seed: func(w *world) { unpublish(w, promise.Sweep{}) }},
		{name: "no time to sweep it by", under: true, seed: func(w *world) { unpublish(w, promise.Sweep{InShard: true}) }},
		{name: "overdue", under: true, after: 10 * time.Minute, seed: func(*world) {}},
		{name: "a mark beyond the end", seed: func(w *world) { orderAt(w, "confirmed").Journal.Published = 3 }},
		{name: "still in the sweep after all is published", seed: func(w *world) { orderAt(w, "confirmed").Sweep.InShard = true }},
		{name: "a payment's event is not published", seed: func(w *world) {
			p := paymentAt(w, "declined")
			p.Journal.Published, p.Sweep = 0, promise.Sweep{InShard: true, Since: later}
		}},
	}
}

// entries replaces an order's journal: all of it published, so that nothing else is wrong.
func entries(w *world, key string, change func([]journal.Entry) []journal.Entry) {
	o := orderAt(w, key)
	o.Journal.Entries = change(slices.Clone(o.Journal.Entries))
	o.Journal.Published = int64(len(o.Journal.Entries))
}

func unpublish(w *world, s promise.Sweep) {
	o := orderAt(w, "confirmed")
	o.Journal.Published, o.Sweep = 1, s
}
