// Package api is what orders and imports look like on the wire.
package api

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/internal/order"
)

// Order is an order as its customer sees it.
func Order(o *order.Order) *orderv1.Order {
	created := o.Created()
	_, changed := o.Status()
	return &orderv1.Order{
		Refunds: refunds(o),
		OrderId: o.ID, Status: Status(o), CancellationReason: string(o.Reason()), Lines: created.GetLines(), Total: created.GetTotal(),
		PaymentMethod: created.GetPaymentMethod(), ShippingAddress: address(o.Address), Note: o.Note,
		CreateTime: created.GetEventTime(), UpdateTime: timestamppb.New(changed), ExpireTime: created.GetExpireTime(),
	}
}

func refunds(o *order.Order) (all []*orderv1.Refund) {
	for _, r := range o.Refunds() {
		refund := &orderv1.Refund{RefundId: r.ID, Amount: r.Amount, RequestTime: timestamppb.New(r.Requested)}
		if !r.Done.IsZero() {
			refund.RefundTime = timestamppb.New(r.Done)
		}
		all = append(all, refund)
	}
	return all
}

// Status is where an order stands.
func Status(o *order.Order) orderv1.OrderStatus {
	s, _ := o.Status()
	return orderv1.OrderStatus(orderv1.OrderStatus_value["ORDER_STATUS_"+string(s)])
}

func address(a *order.Address) *orderv1.Address {
	if a == nil {
		return nil
	}
	return &orderv1.Address{Recipient: a.Recipient, Lines: a.Lines, City: a.City, PostalCode: a.PostalCode, CountryCode: a.CountryCode}
}

// Request is a customer's request to place an order.
func Request(customerID, idempotencyKey string, r *orderv1.PlaceOrderRequest) order.Request {
	req := order.Request{CustomerID: customerID, IdempotencyKey: idempotencyKey, PaymentMethod: r.GetPaymentMethod(), Note: r.GetNote()}
	for _, l := range r.GetLines() {
		req.Lines = append(req.Lines, order.Line{SKU: l.GetSku(), Quantity: l.GetQuantity()})
	}
	if a := r.GetShippingAddress(); a != nil {
		req.Address = &order.Address{Recipient: a.GetRecipient(), Lines: a.GetLines(), City: a.GetCity(), PostalCode: a.GetPostalCode(), CountryCode: a.GetCountryCode()}
	}
	return req
}
