package promise

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"orderflow.dev/internal/inventory"
)

// Names of the promises, as docs/promises.md has them.
const (
	AcknowledgedExists      = "acknowledged-exists"
	OneOrderPerKey          = "one-order-per-key"
	MoneyFollowsOrder       = "money-follows-order"
	RefundedAsRequested     = "refunded-as-requested"
	PaymentMatchesOrder     = "payment-matches-order"
	StockAddsUp             = "stock-adds-up"
	ReservationFollowsOrder = "reservation-follows-order"
	EndedInTime             = "ended-in-time"
	CancelledIsUndone       = "cancelled-is-undone"
	TroubleNeverCancels     = "trouble-never-cancels"
	JournalIsLegal          = "journal-is-legal"
	FieldsMatchJournal      = "fields-match-journal"
	EventsArePublished      = "events-are-published"
	DeadLettersListed       = "dead-letters-listed"

	SameKeySameAnswer    = "same-key-same-answer"
	RefusedOnlyWhenShort = "refused-only-when-short"
	ReadsSeeAnswers      = "reads-see-answers"
	EventsFollowCommits  = "events-follow-commits"
	ToldOnce             = "told-once"
	PoisonIsParked       = "poison-is-parked"
	UndoneOnce           = "undone-once"
	CancellationWasAsked = "cancellation-was-asked"
	ReplayChangesNothing = "replay-changes-nothing"
)

// Verdict is how one promise stands.
type Verdict struct {
	Promise    string
	Checked    int    // how many things it was held against
	What       string // which things: orders, products, journals
	Violations []Violation
	Note       string // what the check could not see
}

// Violation is one thing that breaks a promise.
type Violation struct {
	OrderID string // empty if it is no order's: a product's, say
	Why     string
}

// Check holds every promise against a world, at a time. quiet says that nothing is on its way, so that what is not
// done yet will never be.
func Check(w World, now time.Time, quiet bool) []Verdict {
	c := newCheck(w, now, quiet)
	return []Verdict{
		c.run(AcknowledgedExists, "acknowledgements", acknowledgedExists),
		c.run(OneOrderPerKey, "orders", oneOrderPerKey),
		c.run(MoneyFollowsOrder, "orders", moneyFollowsOrder),
		c.run(RefundedAsRequested, "refunds", refundedAsRequested),
		c.run(PaymentMatchesOrder, "payments", paymentMatchesOrder),
		c.run(StockAddsUp, "products", stockAddsUp),
		c.run(ReservationFollowsOrder, "orders", reservationFollowsOrder),
		c.run(EndedInTime, "orders", endedInTime),
		c.run(CancelledIsUndone, "cancelled orders", cancelledIsUndone),
		c.run(TroubleNeverCancels, "cancelled orders", troubleNeverCancels),
		c.run(JournalIsLegal, "journals", journalIsLegal),
		c.run(FieldsMatchJournal, "documents", fieldsMatchJournal),
		c.run(EventsArePublished, "journals", eventsArePublished),
		c.run(DeadLettersListed, "dead letters", deadLettersListed),
	}
}

// check is a world with its indexes.
type check struct {
	World
	now   time.Time
	quiet bool

	orders       map[string]*Order
	payments     map[string]*Payment
	reservations map[string]*inventory.Reservation
	money        map[string]money
}

func newCheck(w World, now time.Time, quiet bool) *check {
	w.Slack = cmp.Or(w.Slack, DefaultSlack)
	c := &check{
		World: w, now: now, quiet: quiet, orders: map[string]*Order{}, payments: map[string]*Payment{},
		reservations: map[string]*inventory.Reservation{}, money: map[string]money{},
	}
	for i := range w.Orders {
		c.orders[w.Orders[i].ID] = &w.Orders[i]
	}
	for i := range w.Payments {
		c.payments[w.Payments[i].OrderID] = &w.Payments[i]
	}
	for i := range w.Reservations {
		c.reservations[w.Reservations[i].OrderID] = &w.Reservations[i]
	}
	for _, m := range w.Ledger {
		c.money[m.OrderID] = c.money[m.OrderID].add(m)
	}
	return c
}

// run collects a promise's violations, by order.
func (c *check) run(name, what string, promise func(*check, *Verdict)) Verdict {
	v := Verdict{Promise: name, What: what}
	promise(c, &v)
	slices.SortStableFunc(v.Violations, func(a, b Violation) int { return cmp.Compare(a.OrderID, b.OrderID) })
	return v
}

func (v *Verdict) fail(orderID, format string, args ...any) {
	v.Violations = append(v.Violations, Violation{OrderID: orderID, Why: fmt.Sprintf(format, args...)})
}

// failIf fails, if bad.
func (v *Verdict) failIf(bad bool, orderID, format string, args ...any) {
	if bad {
		v.fail(orderID, format, args...)
	}
}

// deadLettersListed breaks nothing: how much poison was sent is not in the stores.
func deadLettersListed(c *check, v *Verdict) {
	v.Checked = len(c.DeadLetters)
	v.Note = "listed only: how many were sent is not in the stores"
}
