package promise_test

import (
	"time"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/promise"
)

// seededRefunds are bugs in giving money back by hand.
var seededRefunds = []bug{
	{name: "a refund is paid twice", seed: func(w *world) { w.Ledger = append(w.Ledger, part(w, 0)) }},
	{name: "a refund is never paid", seed: func(w *world) { dropPart(w, 1) }},
	{name: "a refund is never paid, and it is long ago", under: true, after: promise.DefaultSlack + time.Minute, seed: func(*world) {}},
	{name: "a refund nobody asked for", seed: func(w *world) {
		m := part(w, 0)
		m.RefundKey, m.Amount = idOf("parts")+"/r9", 1
		w.Ledger = append(w.Ledger, m)
	}},
	{name: "a refund of another's order", seed: func(w *world) {
		m := part(w, 0)
		m.OrderID = idOf("confirmed")
		w.Ledger = append(w.Ledger, m)
	}},
	{name: "a refund of another amount", seed: func(w *world) { *partAt(w, 0) = withAmount(part(w, 0), 999, "GBP") }},
	{name: "a refund in another currency", seed: func(w *world) { *partAt(w, 0) = withAmount(part(w, 0), 1000, "JPY") }},
	{name: "refunds of more than it cost", seed: func(w *world) { requested(w, 1).Amount.MinorUnits = 1501 }},
	{name: "a refund is asked for twice", seed: func(w *world) { requested(w, 3).RefundId = "r0" }},
	{name: "a refund of nothing", seed: func(w *world) { requested(w, 3).Amount = &typev1.Money{CurrencyCode: "GBP"} }},
	{name: "a refund is said to be done and is not", under: true, seed: func(w *world) { dropPart(w, 0) }},
	{name: "a refund is announced twice", seed: func(w *world) { done(w, 4).RefundId = "r0" }},
	{name: "a refund is announced and the payment does not know it", under: true, seed: func(w *world) {
		p := paymentAt(w, "parts")
		p.Journal.Entries, p.Journal.Published = p.Journal.Entries[:2], 2
	}},
	{name: "the payment knows another amount", seed: func(w *world) {
		paymentAt(w, "parts").Journal.Entries[1].Event.(*eventv1.PaymentRefunded).Amount = &typev1.Money{CurrencyCode: "GBP", MinorUnits: 1}
	}},
	{name: "a part of a cancelled order", seed: func(w *world) {
		id := idOf("paid-back")
		w.Ledger = append(w.Ledger, promise.Movement{Type: "refund", OrderID: id, RefundKey: id + "/r0", Amount: 1, Currency: "GBP"})
	}},
}

func init() {
	seededBugs[promise.RefundedAsRequested] = seededRefunds
	seededBugs[promise.MoneyFollowsOrder] = append(seededBugs[promise.MoneyFollowsOrder],
		bug{name: "a part nobody asked for", seed: func(w *world) {
			m := part(w, 0)
			m.RefundKey = idOf("parts") + "/r9"
			w.Ledger = append(w.Ledger, m)
		}},
		bug{name: "all of it and its parts", seed: func(w *world) {
			m := part(w, 0)
			m.RefundKey, m.Amount = "", total.MinorUnits
			w.Ledger = append(w.Ledger, m)
		}})
	seededBugs[promise.JournalIsLegal] = append(seededBugs[promise.JournalIsLegal],
		bug{name: "retried after its end", seed: func(w *world) {
			o := orderAt(w, "confirmed")
			o.Journal.Append(&eventv1.OrderRetried{OrderId: o.ID, Seq: 3, EventTime: at(time.Minute)}, true)
			o.Journal.Published = 3
		}},
		bug{name: "a refund of a cancelled order is asked for", seed: func(w *world) {
			o := orderAt(w, "paid-back")
			o.Journal.Append(&eventv1.OrderRefundRequested{OrderId: o.ID, Seq: 4, EventTime: at(time.Minute), CustomerId: customer, RefundId: "r", Amount: total}, false)
			o.Journal.Published = 4
		}},
		bug{name: "a part of a payment that was given back as a whole", seed: func(w *world) {
			p := paymentAt(w, "paid-back")
			p.Journal.Append(&eventv1.PaymentRefunded{OrderId: p.OrderID, Seq: 3, EventTime: at(time.Minute), Amount: total, RefundId: "r"}, false)
			p.Journal.Published = 3
		}})
}

// partAt is the n-th refund by hand of the ledger.
func partAt(w *world, n int) *promise.Movement {
	for i := range w.Ledger {
		if w.Ledger[i].RefundKey != "" {
			if n--; n < 0 {
				return &w.Ledger[i]
			}
		}
	}
	return nil
}

func part(w *world, n int) promise.Movement { return *partAt(w, n) }

func dropPart(w *world, n int) {
	dropped := part(w, n)
	without(&w.Ledger, func(m promise.Movement) bool { return m == dropped })
}

func withAmount(m promise.Movement, n int64, currency string) promise.Movement {
	m.Amount, m.Currency = n, currency
	return m
}

// requested and done are events of the order with two refunds, from its third on.
func requested(w *world, n int) *eventv1.OrderRefundRequested {
	return orderAt(w, "parts").Journal.Entries[n+1].Event.(*eventv1.OrderRefundRequested)
}

func done(w *world, n int) *eventv1.OrderRefunded {
	return orderAt(w, "parts").Journal.Entries[n+1].Event.(*eventv1.OrderRefunded)
}
