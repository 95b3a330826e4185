package promise

import (
	"fmt"
	"strings"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/payment"
)

// orderMachine is the design's table: where an order stands, what may happen to it, and where it stands then.
var orderMachine = map[order.Status]map[string]order.Status{
	"":               {"OrderCreated": order.Placed},
	order.Placed:     {"OrderConfirmed": order.Confirmed, "OrderCancellationStarted": order.Cancelling, "OrderRetried": order.Placed},
	order.Cancelling: {"OrderCancelled": order.Cancelled, "OrderRetried": order.Cancelling},
	order.Confirmed:  {"OrderRefundRequested": order.Confirmed, "OrderRefunded": order.Confirmed},
}

func final(s order.Status) bool { return s == order.Confirmed || s == order.Cancelled }

// walk follows a journal through the table as far as it is legal.
func walk(j journal.Journal) (status order.Status, err error) {
	for i, e := range j.Entries {
		next, ok := orderMachine[status][nameOf(e.Event)]
		if !ok {
			return status, fmt.Errorf("its event %d, %s, cannot happen to an order that is %q", i+1, nameOf(e.Event), status)
		}
		status = next
	}
	return status, nil
}

func statusOf(j journal.Journal) order.Status {
	status, _ := walk(j)
	return status
}

func nameOf(e journal.Event) string { return string(e.ProtoReflect().Descriptor().Name()) }

// reasonsOf are the reasons that an order's cancellation gives, first when it starts and then when it ends.
func reasonsOf(j journal.Journal) (reasons []string) {
	for _, e := range j.Entries {
		if r, ok := e.Event.(interface{ GetReason() string }); ok {
			reasons = append(reasons, r.GetReason())
		}
	}
	return reasons
}

// paymentJournals are the histories that a payment in a state can have.
var paymentJournals = map[payment.State][]string{
	payment.Charging: {""},
	payment.Pending:  {""},
	payment.Charged:  {"PaymentProcessed ", "PaymentProcessed PaymentRefunded(parts) "},
	payment.Refunded: {"PaymentProcessed PaymentRefunded "},
	payment.Declined: {"PaymentFailed(declined) "},
	payment.Voided:   {"", "PaymentFailed(voided) "}, // never asked for, or called off with the provider
}

// history is a payment's journal as paymentJournals writes it.
func history(j journal.Journal) (s string) {
	for _, e := range j.Entries {
		word := nameOf(e.Event)
		switch e := e.Event.(type) {
		case *eventv1.PaymentFailed:
			word += "(" + e.GetReason() + ")"
		case *eventv1.PaymentRefunded:
			if e.GetRefundId() != "" {
				word += "(parts)"
			}
		}
		if word += " "; word != "PaymentRefunded(parts) " || !strings.HasSuffix(s, word) { // however many parts
			s += word
		}
	}
	return s
}
