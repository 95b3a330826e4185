package api

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	operationsv1 "orderflow.dev/gen/orderflow/operations/v1"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	paymentv1 "orderflow.dev/gen/orderflow/payment/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/payment"
)

// Operated is an order as operators see it: without what only its customer and who ships it need to know.
func Operated(o *order.Order) *orderv1.Order {
	v := Order(o)
	v.ShippingAddress, v.Note = nil, ""
	return v
}

// Found is an order in an operator's list.
func Found(o *order.Order) *operationsv1.FoundOrder {
	_, changed := o.Status()
	f := &operationsv1.FoundOrder{
		OrderId: o.ID, CustomerId: o.CustomerID(), Status: Status(o), CancellationReason: string(o.Reason()), Total: o.Total(),
		CreateTime: o.Created().GetEventTime(), UpdateTime: timestamppb.New(changed), Origin: o.Origin,
	}
	if !o.NextAttempt.IsZero() {
		f.NextAttemptTime = timestamppb.New(o.NextAttempt)
	}
	return f
}

// Payment is an order's payment on the wire.
func Payment(p *payment.Payment) *paymentv1.Payment {
	return &paymentv1.Payment{
		OrderId: p.OrderID, State: p.State, Amount: p.Amount, ProviderChargeId: p.ChargeID, CreateTime: timestamppb.New(p.CreateTime),
		Refunded: p.Refunded(),
	}
}

// Story is everything that is known of an order. p and r are nil if there is none.
func Story(o *order.Order, p *payment.Payment, r *inventory.Reservation) *operationsv1.OrderStory {
	s := &operationsv1.OrderStory{Order: Operated(o), CustomerId: o.CustomerID(), Origin: o.Origin, Attempts: int32(o.Attempts)}
	if !o.NextAttempt.IsZero() {
		s.NextAttemptTime = timestamppb.New(o.NextAttempt)
	}
	s.Timeline = happenings("orders", o.Journal)
	if p != nil {
		s.Payment = Payment(p)
		s.Timeline = append(s.Timeline, happenings("payments", p.Journal)...)
	}
	if r != nil {
		s.Reservation = &inventoryv1.Reservation{OrderId: r.OrderID, State: r.State}
	}
	slices.SortStableFunc(s.Timeline, func(a, b *operationsv1.Happening) int { return a.Time.AsTime().Compare(b.Time.AsTime()) })
	return s
}

func happenings(collection string, j journal.Journal) (all []*operationsv1.Happening) {
	for _, e := range j.Entries {
		all = append(all, Happening(collection, e))
	}
	return all
}

// Happening is an entry of a journal for people. collection is whose: orders, payments.
func Happening(collection string, e journal.Entry) *operationsv1.Happening {
	h := &operationsv1.Happening{
		Time: e.Event.GetEventTime(), Entry: fmt.Sprintf("%s/%d", collection, e.Event.GetSeq()),
		Event: string(e.Event.ProtoReflect().Descriptor().Name()), Detail: detail(e.Event), Resume: e.Resume,
	}
	if act, ok := e.Event.(interface {
		GetBy() string
		GetNote() string
	}); ok {
		h.By, h.Note = act.GetBy(), act.GetNote()
	}
	return h
}

// detail is what an event says, in short.
func detail(e journal.Event) string {
	switch e := e.(type) {
	case *eventv1.OrderCreated:
		return fmt.Sprintf("%d lines, %s %s", len(e.GetLines()), price(e.GetTotal()), e.GetPaymentMethod())
	case *eventv1.OrderCancellationStarted:
		return e.GetReason()
	case *eventv1.OrderCancelled:
		return e.GetReason()
	case *eventv1.OrderRefundRequested:
		return price(e.GetAmount()) + " " + e.GetRefundId()
	case *eventv1.OrderRefunded:
		return price(e.GetAmount()) + " " + e.GetRefundId()
	case *eventv1.PaymentProcessed:
		return price(e.GetAmount()) + " " + e.GetProviderChargeId()
	case *eventv1.PaymentFailed:
		return e.GetReason()
	case *eventv1.PaymentRefunded:
		return strings.TrimSpace(price(e.GetAmount()) + " " + e.GetRefundId())
	}
	return ""
}

// price writes an amount of a two-decimal currency.
func price(m *typev1.Money) string {
	return fmt.Sprintf("%s %d.%02d", m.GetCurrencyCode(), m.GetMinorUnits()/100, m.GetMinorUnits()%100)
}
