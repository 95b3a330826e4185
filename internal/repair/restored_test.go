package repair_test

import (
	"time"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/store"
	"orderflow.dev/local/psp"
)

// restored is one way in which databases and provider can stand beside each other after a restore.
type restored struct {
	status      order.Status // empty: the order is lost
	reason      order.Reason
	payment     string // a state, tombstone, or empty: it is missing
	provider    string // nothing, open, charged, refunded, declined, voided
	reservation inventory.State
	scarce      bool // there is no more stock than what is held
	free        bool
}

var (
	statuses  = []order.Status{"", order.Placed, order.Cancelling, order.Confirmed, order.Cancelled}
	reasons   = []order.Reason{order.ByCustomer, order.Declined, order.OutOfStock, order.Expired}
	states    = []string{"", "CHARGING", "PENDING", "CHARGED", "DECLINED", "VOIDED", "tombstone", "REFUNDED"}
	providers = []string{"nothing", "open", "charged", "refunded", "declined", "voided"}
	stocks    = []inventory.State{0, inventory.Held, inventory.Refused, inventory.Released}
)

// each calls f with every combination there is.
func each(f func(restored)) {
	for _, status := range statuses {
		of := reasons
		if status != order.Cancelling && status != order.Cancelled {
			of = []order.Reason{""}
		}
		for _, reason := range of {
			for _, pay := range states {
				for _, provider := range providers {
					for _, stock := range stocks {
						for _, scarce := range []bool{false, true} {
							f(restored{status, reason, pay, provider, stock, scarce, false})
						}
					}
					for _, stock := range stocks {
						if provider == "nothing" { // nobody asks it about what is free
							f(restored{status, reason, pay, provider, stock, false, true})
						}
					}
				}
			}
		}
	}
}

// build writes it, as it was restored.
func (r restored) build(w *world) {
	method := map[string]string{"open": psp.MethodPending, "declined": psp.MethodDecline}[r.provider]
	if method == "" {
		method = psp.MethodApprove
	}
	charge := r.provide(w, method)
	for _, err := range []error{r.writeOrder(w, method), r.writePayment(w, method, charge), r.writeStock(w)} {
		if err != nil {
			w.t.Fatalf("%+v: %v", r, err)
		}
	}
}

// provide brings the provider to where it stands, and answers its charge's id.
func (r restored) provide(w *world, method string) string {
	switch r.provider {
	case "nothing":
		return ""
	case "voided":
		c, _ := w.bank.Ledger.Void(id)
		return c.ID
	}
	c, err := w.bank.Ledger.Charge(psp.ChargeRequest{IdempotencyKey: id, Amount: w.total.GetMinorUnits(), Currency: "GBP", PaymentMethod: method})
	if err == nil && r.provider == "refunded" {
		_, err = w.bank.Ledger.Refund(id, w.total.GetMinorUnits())
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return c.ID
}

func (r restored) writeOrder(w *world, method string) error {
	if r.status == "" {
		return nil
	}
	events := []journal.Event{w.placed(method)}
	started := time.Second
	if r.reason == order.Expired {
		started = expiry + time.Second
	}
	if r.reason != "" {
		events = append(events, &eventv1.OrderCancellationStarted{OrderId: id, Seq: 2, EventTime: at(started), Reason: string(r.reason)})
	}
	o := &order.Order{ID: id, NextAttempt: moment}
	switch r.status {
	case order.Confirmed:
		events = append(events, &eventv1.OrderConfirmed{OrderId: id, Seq: 2, EventTime: at(time.Second), CustomerId: "c1", Total: w.total})
	case order.Cancelled:
		events = append(events, &eventv1.OrderCancelled{OrderId: id, Seq: 3, EventTime: at(started + time.Second), CustomerId: "c1", Total: w.total, Reason: string(r.reason)})
	}
	o.Journal = journalOf(events...)
	if o.Final() {
		o.NextAttempt = time.Time{}
	}
	return w.kept().Create(w.t.Context(), o)
}

func (r restored) writePayment(w *world, method, charge string) error {
	if r.payment == "" {
		return nil
	}
	p := &payment.Payment{OrderID: id, Amount: w.total, Method: method, ChargeID: charge, CreateTime: moment}
	processed := &eventv1.PaymentProcessed{OrderId: id, Seq: 1, EventTime: at(time.Second), Amount: w.total, ProviderChargeId: charge}
	failed := &eventv1.PaymentFailed{OrderId: id, Seq: 1, EventTime: at(time.Second), Amount: w.total, Reason: "declined"}
	switch r.payment {
	case "CHARGING":
		p.State = payment.Charging
	case "PENDING":
		p.State = payment.Pending
	case "CHARGED":
		p.State, p.Journal = payment.Charged, journalOf(processed)
	case "REFUNDED":
		p.State = payment.Refunded
		p.Journal = journalOf(processed, &eventv1.PaymentRefunded{OrderId: id, Seq: 2, EventTime: at(time.Minute), Amount: w.total})
	case "DECLINED":
		p.State, p.Journal = payment.Declined, journalOf(failed)
	case "VOIDED":
		failed.Reason = "voided"
		p.State, p.Journal = payment.Voided, journalOf(failed)
	case "tombstone":
		p.State, p.Amount, p.Method, p.ChargeID = payment.Voided, nil, "", ""
	}
	return store.NewPayments(w.payments, w, w.clock).Create(w.t.Context(), p)
}

func (r restored) writeStock(w *world) error {
	var kept []*inventory.Reservation
	if r.reservation != 0 {
		one := &inventory.Reservation{OrderID: id, State: r.reservation, Quantities: lines}
		if r.reservation == inventory.Refused {
			one.Short = "mug"
		}
		kept = append(kept, one)
	}
	var stock []*inventory.Stock
	for sku, n := range lines {
		s := &inventory.Stock{SKU: sku, Stated: 10}
		if r.reservation == inventory.Held {
			s.Held = int64(n)
		}
		if r.scarce {
			s.Stated = s.Held
		}
		s.Available = s.Stated - s.Held
		stock = append(stock, s)
	}
	return store.NewInventory(w.inventory).Save(w.t.Context(), kept, stock)
}
