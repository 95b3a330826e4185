package order

import (
	"context"
	"errors"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
)

// Quote is a product's name and price.
type Quote struct {
	Name      string
	UnitPrice *typev1.Money
}

// Catalogue prices products. SKUs it does not have are missing from the answer.
type Catalogue interface {
	Quote(ctx context.Context, skus []string) (map[string]Quote, error)
}

// Placing takes orders.
type Placing struct {
	Orders    Store
	Catalogue Catalogue
	Now       func() time.Time
	Expiry    time.Duration // an order not confirmed by then is cancelled
	Patience  time.Duration // how long a saga may take before the sweep starts another
}

// Place makes an order, or finds the one that the same customer made with the same key: then replayed is true and
// the order is as it was when it was placed. Of a key that another request has used the order is answered as well as
// the refusal.
//
// The id is made from customer and key, so the write that makes the order is also the check for a replay.
func (p Placing) Place(ctx context.Context, r Request) (o *Order, replayed bool, err error) {
	if err := r.normalise(); err != nil {
		return nil, false, err
	}
	created, err := p.price(ctx, &r)
	if err != nil {
		// A replay must get its first answer even if the catalogue has changed or is away; and while it is not known
		// whether this is one, a refusal could be the wrong answer.
		o, rerr := p.replay(ctx, &r)
		if errors.Is(rerr, ErrNotFound) {
			return nil, false, err
		}
		return o, rerr == nil, rerr
	}
	o = &Order{ID: r.OrderID(), Fingerprint: r.fingerprint(), Address: r.Address, Note: r.Note, Origin: r.Origin}
	o.Journal.Append(created, false)
	o.NextAttempt = created.GetEventTime().AsTime().Add(p.Patience)
	err = p.Orders.Create(ctx, o)
	if errors.Is(err, ErrExists) {
		o, err = p.replay(ctx, &r)
		return o, true, err
	}
	return o, false, err
}

func (p Placing) price(ctx context.Context, r *Request) (*eventv1.OrderCreated, error) {
	quotes, err := p.Catalogue.Quote(ctx, r.skus())
	if err != nil {
		return nil, err
	}
	lines, total, err := priced(r.Lines, quotes)
	if err != nil {
		return nil, err
	}
	now := p.Now()
	created := &eventv1.OrderCreated{
		OrderId: r.OrderID(), Seq: 1, EventTime: timestamppb.New(now), CustomerId: r.CustomerID, Lines: lines, Total: total,
		PaymentMethod: r.PaymentMethod, ExpireTime: timestamppb.New(now.Add(p.Expiry)),
	}
	return created, sagaFits(created)
}

// maxTotal keeps every sum far from overflow: 10^15 minor units.
const maxTotal = 1_000_000_000_000_000

func priced(lines []Line, quotes map[string]Quote) ([]*typev1.OrderLine, *typev1.Money, error) {
	var (
		bad   []fault.Field
		out   = make([]*typev1.OrderLine, 0, len(lines))
		total = &typev1.Money{}
	)
	for _, l := range lines {
		q, ok := quotes[l.SKU]
		if !ok {
			bad = append(bad, fault.Field{Name: "lines.sku", Message: "the catalogue has no " + l.SKU})
			continue
		}
		if l.UnitPrice != nil {
			q.UnitPrice = l.UnitPrice
		}
		if total.CurrencyCode == "" {
			total.CurrencyCode = q.UnitPrice.GetCurrencyCode()
		}
		if total.CurrencyCode != q.UnitPrice.GetCurrencyCode() {
			bad = append(bad, fault.Field{Name: "lines.sku", Message: l.SKU + " is sold in " + q.UnitPrice.GetCurrencyCode() + ", the lines before it in " + total.CurrencyCode})
			continue
		}
		if price := q.UnitPrice.GetMinorUnits(); price > maxTotal/int64(l.Quantity) || total.MinorUnits > maxTotal-price*int64(l.Quantity) {
			return nil, nil, fault.New(codes.InvalidArgument, "order_too_large", "the order's total is over the largest amount taken")
		}
		total.MinorUnits += q.UnitPrice.GetMinorUnits() * int64(l.Quantity)
		out = append(out, &typev1.OrderLine{Sku: l.SKU, Name: q.Name, Quantity: l.Quantity, UnitPrice: q.UnitPrice})
	}
	if len(bad) > 0 {
		return nil, nil, &fault.Error{Code: codes.InvalidArgument, Reason: "unknown_sku", Message: "some products cannot be ordered", Fields: bad}
	}
	return out, total, nil
}

var errKeyReused = fault.New(codes.InvalidArgument, "idempotency_key_reused",
	"this Idempotency-Key was used for another order: use a new key for a new order")

// replay is the order that an earlier request with this key made, as it was then; as it is, if it was another request.
func (p Placing) replay(ctx context.Context, r *Request) (*Order, error) {
	o, err := p.Orders.Get(ctx, r.OrderID())
	if err == nil && o.Rebuilt() && r.made(o) {
		o, err = p.Orders.Update(ctx, o.ID, r.complete)
	}
	if err != nil {
		return nil, err
	}
	if !r.made(o) {
		return o, errKeyReused
	}
	o.Journal.Entries = slices.Clip(o.Journal.Entries[:1])
	return o, nil
}
