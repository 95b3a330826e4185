package promise_test

import (
	"time"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/promise"
)

type world = promise.World

var seededBugs = map[string][]bug{
	promise.AcknowledgedExists: {
		{name: "an order is lost", seed: func(w *world) { w.Orders = w.Orders[1:] }},
		{name: "every order is lost", seed: func(w *world) { w.Orders = nil }},
		{name: "an order is acknowledged and not written", seed: func(w *world) {
			w.Acknowledged = append(w.Acknowledged, promise.Acknowledgement{OrderID: "never"})
		}},
		{name: "an order is lost while others are on their way", under: true, seed: func(w *world) { w.Orders = w.Orders[1:] }},
	},
	promise.OneOrderPerKey: {
		{name: "a retry makes another order", seed: func(w *world) {
			w.Acknowledged = append(w.Acknowledged, promise.Acknowledgement{OrderID: idOf("confirmed"), CustomerID: customer, IdempotencyKey: "free"})
		}},
		{name: "two customers share a key", seed: func(w *world) {
			w.Acknowledged = append(w.Acknowledged, promise.Acknowledgement{OrderID: idOf("free"), CustomerID: "other", IdempotencyKey: "free"})
		}},
		{name: "an order is kept as another", seed: func(w *world) { orderAt(w, "confirmed").ID = "elsewhere" }},
		{name: "an event of another order", seed: func(w *world) { confirmation(w).OrderId = idOf("free") }},
		{name: "an order is of another customer", seed: func(w *world) { creation(w, "free").CustomerId = "other" }},
		{name: "an order is there twice", seed: func(w *world) { w.Orders = append(w.Orders, w.Orders[0]) }},
	},
	promise.EndedInTime: {
		{name: "an order never ends", under: true, after: expiry + promise.DefaultSlack + time.Second, seed: func(*world) {}},
		{name: "the undoing never ends", under: true, after: expiry + promise.DefaultSlack + time.Second, seed: func(w *world) {
			without(&w.Orders, func(o promise.Order) bool { return o.ID != idOf("undoing") })
		}},
		{name: "an order ended late", seed: func(w *world) { confirmation(w).EventTime = at(expiry + promise.DefaultSlack + time.Second) }},
		{name: "an order has no bound", seed: func(w *world) { creation(w, "confirmed").ExpireTime = nil }},
		{name: "a shorter slack", seed: func(w *world) { confirmation(w).EventTime, w.Slack = at(expiry+2*time.Second), time.Second }},
	},
	promise.CancelledIsUndone: {
		{name: "no payment tombstone", seed: func(w *world) {
			without(&w.Payments, func(p promise.Payment) bool { return p.OrderID == idOf("out-of-stock") })
		}},
		{name: "no reservation tombstone", seed: func(w *world) {
			without(&w.Reservations, func(r inventory.Reservation) bool { return r.OrderID == idOf("too-early") })
		}},
		{name: "the payment is not given back", seed: func(w *world) { paymentAt(w, "paid-back").State = payment.Charged }},
		{name: "the charge is left open", seed: func(w *world) { paymentAt(w, "expired").State = payment.Charging }},
		{name: "the payment is left pending", under: true, seed: func(w *world) { paymentAt(w, "expired").State = payment.Pending }},
		{name: "the stock is not released", seed: func(w *world) { reservationAt(w, "declined").State = inventory.Held }},
	},
	promise.TroubleNeverCancels: {
		{name: "a time-out cancels", seed: func(w *world) { cancellation(w, "paid-back").Reason = "unavailable" }},
		{name: "no reason", seed: func(w *world) { cancellation(w, "paid-back").Reason = "" }},
		{name: "out of stock, and never refused", seed: func(w *world) { cancellation(w, "paid-back").Reason = "out_of_stock" }},
		{name: "out of stock, and nobody asked inventory", seed: func(w *world) {
			without(&w.Reservations, func(r inventory.Reservation) bool { return r.OrderID == idOf("out-of-stock") })
		}},
		{name: "declined, and never declined", seed: func(w *world) { cancellation(w, "paid-back").Reason = "declined" }},
		{name: "declined while it is pending", under: true, seed: func(w *world) { paymentAt(w, "undoing").State = payment.Pending }},
		{name: "expired before its time", seed: func(w *world) { cancellation(w, "expired").EventTime = at(expiry - time.Second) }},
	},
	promise.StockAddsUp: {
		{name: "stock is lost", seed: func(w *world) { w.Stock[0].Available-- }},
		{name: "a release is applied twice", seed: func(w *world) { w.Stock[0].Held -= 2; w.Stock[0].Available += 2 }},
		{name: "oversold", seed: func(w *world) { w.Stock[2].Available, w.Stock[2].Stated = -1, 0 }},
		{name: "less than nothing is held", seed: func(w *world) { w.Stock[2].Held, w.Stock[2].Available = -1, 6 }},
		{name: "less than nothing is held while stock moves", under: true, seed: func(w *world) { w.StockMoved, w.Stock[2].Held, w.Stock[2].Available = true, -1, 6 }},
		{name: "a reservation holds nothing", under: true, seed: func(w *world) { w.Stock[0].Held -= 2; w.Stock[0].Available += 2 }},
		{name: "held of what there is no stock of", seed: func(w *world) { w.Stock = w.Stock[1:] }},
		{name: "an adjustment is made and not kept", seed: func(w *world) { w.Adjustments = w.Adjustments[1:] }},
		{name: "an adjustment is made twice", seed: func(w *world) { w.Stock[0].Adjusted += 2 }},
		{name: "an adjustment is kept and not made", under: true, seed: func(w *world) {
			w.Adjustments = append(w.Adjustments, inventory.Adjustment{ID: "a3", SKU: "pot", Delta: 1, By: "op", Note: "found"})
		}},
		{name: "nobody adjusted it", seed: func(w *world) { w.Adjustments[0].By = "" }},
		{name: "adjusted what there is no stock of", seed: func(w *world) {
			w.Adjustments = append(w.Adjustments, inventory.Adjustment{ID: "a3", SKU: "none", Delta: 1, By: "op", Note: "found"})
		}},
		{name: "a restatement forgets what is held", under: true, seed: func(w *world) { w.StockMoved, w.Stock[0].Available = true, 20 }},
	},
	promise.ReservationFollowsOrder: {
		{name: "confirmed without stock", seed: func(w *world) {
			without(&w.Reservations, func(r inventory.Reservation) bool { return r.OrderID == idOf("confirmed") })
		}},
		{name: "confirmed and released", seed: func(w *world) { reservationAt(w, "confirmed").State = inventory.Released }},
		{name: "confirmed and refused, while others are on their way", under: true, seed: func(w *world) { reservationAt(w, "confirmed").State = inventory.Refused }},
		{name: "cancelled and held", seed: func(w *world) { reservationAt(w, "declined").State = inventory.Held }},
		{name: "a line too few", seed: func(w *world) { delete(reservationAt(w, "confirmed").Quantities, "jar") }},
		{name: "a unit too many", seed: func(w *world) { reservationAt(w, "confirmed").Quantities["mug"]++ }},
		{name: "refused for what was not asked", seed: func(w *world) { reservationAt(w, "out-of-stock").Short = "pot" }},
		{name: "stock held for no order", seed: func(w *world) {
			w.Reservations = append(w.Reservations, inventory.Reservation{OrderID: "nobody", State: inventory.Released})
		}},
	},
	promise.MoneyFollowsOrder: {
		{name: "charged twice", seed: func(w *world) { w.Ledger = append(w.Ledger, w.Ledger[0]) }},
		{name: "charged twice and refunded once", seed: func(w *world) { w.Ledger = append(w.Ledger, w.Ledger[0], refundOf(w.Ledger[0])) }},
		{name: "confirmed and never charged", seed: func(w *world) { w.Ledger = w.Ledger[1:] }},
		{name: "confirmed and refunded", seed: func(w *world) { w.Ledger = append(w.Ledger, refundOf(w.Ledger[0])) }},
		{name: "cancelled and not refunded", under: true, seed: func(w *world) {
			without(&w.Ledger, func(m promise.Movement) bool { return m.OrderID == idOf("paid-back") && m.Type == "refund" })
		}},
		{name: "refunded twice", seed: func(w *world) { w.Ledger = append(w.Ledger, w.Ledger[len(w.Ledger)-1]) }},
		{name: "refunded and never charged", under: true, seed: func(w *world) {
			w.Ledger = append(w.Ledger, promise.Movement{Type: "refund", OrderID: idOf("pending"), Amount: total.MinorUnits, Currency: "GBP"})
		}},
		{name: "a movement of no known kind", seed: func(w *world) {
			w.Ledger = append(w.Ledger, promise.Movement{Type: "chargeback", OrderID: idOf("confirmed"), Amount: total.MinorUnits, Currency: "GBP"})
		}},
		{name: "a wrong amount, charged and refunded", seed: func(w *world) { w.Ledger[1].Amount, w.Ledger[2].Amount = 1, 1 }},
		{name: "a wrong currency", seed: func(w *world) { w.Ledger[0].Currency = "JPY" }},
		{name: "charged for no order", seed: func(w *world) {
			w.Ledger = append(w.Ledger, promise.Movement{Type: "charge", OrderID: "nobody", Amount: 1, Currency: "GBP"})
		}},
		{name: "charged twice while it is on its way", under: true, seed: func(w *world) {
			m := promise.Movement{Type: "charge", OrderID: idOf("pending"), Amount: total.MinorUnits, Currency: "GBP"}
			w.Ledger = append(w.Ledger, m, m)
		}},
		{name: "a tombstone did not refuse a late charge", seed: func(w *world) {
			w.Ledger = append(w.Ledger, promise.Movement{Type: "charge", OrderID: idOf("out-of-stock"), Amount: total.MinorUnits, Currency: "GBP"})
		}},
	},
	promise.PaymentMatchesOrder: {
		{name: "another amount", seed: func(w *world) { paymentAt(w, "confirmed").Amount = &typev1.Money{CurrencyCode: "GBP", MinorUnits: 1} }},
		{name: "another currency", seed: func(w *world) {
			paymentAt(w, "confirmed").Amount = &typev1.Money{CurrencyCode: "JPY", MinorUnits: 2500}
		}},
		{name: "another method", seed: func(w *world) { paymentAt(w, "confirmed").Method = "pm_other" }},
		{name: "charged of no amount", seed: func(w *world) { paymentAt(w, "free").Amount = nil }},
		{name: "announced with another amount", seed: func(w *world) { processing(w).Amount = free }},
		{name: "announced as another charge", seed: func(w *world) { processing(w).ProviderChargeId = "ch-other" }},
		{name: "announced for another order", seed: func(w *world) { processing(w).OrderId = idOf("free") }},
		{name: "confirmed while pending", under: true, seed: func(w *world) { paymentAt(w, "confirmed").State = payment.Pending }},
		{name: "confirmed without a payment", seed: func(w *world) { w.Payments = w.Payments[1:] }},
		{name: "a payment of no order", seed: func(w *world) { w.Orders = w.Orders[1:] }},
	},
}

func creation(w *world, key string) *eventv1.OrderCreated {
	return orderAt(w, key).Journal.Entries[0].Event.(*eventv1.OrderCreated)
}

func confirmation(w *world) *eventv1.OrderConfirmed {
	return orderAt(w, "confirmed").Journal.Entries[1].Event.(*eventv1.OrderConfirmed)
}

func cancellation(w *world, key string) *eventv1.OrderCancellationStarted {
	return orderAt(w, key).Journal.Entries[1].Event.(*eventv1.OrderCancellationStarted)
}

func processing(w *world) *eventv1.PaymentProcessed {
	return paymentAt(w, "confirmed").Journal.Entries[0].Event.(*eventv1.PaymentProcessed)
}

func refundOf(m promise.Movement) promise.Movement {
	m.Type = "refund"
	return m
}
