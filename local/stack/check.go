package stack

import (
	"context"
	"fmt"
	"slices"

	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	"orderflow.dev/internal/order"
	"orderflow.dev/local/psp"
)

// Agreement is whether stock and money agree with the orders, over everything the stack has.
type Agreement struct {
	Orders       map[string]int // by how they stand: CONFIRMED, CANCELLED out_of_stock, …
	Unfinished   []string       // ids of orders that have not ended
	ConfirmedSum int64          // minor units, without what operators gave back
	GivenBack    int64          // of confirmed orders, by operators
	Charged      int64          // by the provider's ledger, minor units
	Refunded     int64
	Double       []string // orders the provider charged more than once
	StockHeld    int64    // units, over all products
	StockSold    int64    // units in confirmed orders
	Wrong        []string // products whose held stock is not what confirmed orders have, or that are oversold
}

// Violations are the sentences that say what does not agree; none is good.
func (a Agreement) Violations() []string {
	var out []string
	add := func(bad bool, format string, args ...any) {
		if bad {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	add(len(a.Unfinished) > 0, "%d orders have not ended, the first is %s", len(a.Unfinished), first(a.Unfinished))
	add(a.Charged-a.Refunded != a.ConfirmedSum, "the provider keeps %d, confirmed orders are worth %d", a.Charged-a.Refunded, a.ConfirmedSum)
	add(len(a.Double) > 0, "%d orders were charged more than once, the first is %s", len(a.Double), first(a.Double))
	add(len(a.Wrong) > 0, "%d products do not agree: %s", len(a.Wrong), first(a.Wrong))
	return out
}

func first(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}

// Agree compares orders, stock and the provider's ledger. It means something only while nothing is on its way.
func (in *Inspector) Agree(ctx context.Context) (Agreement, error) {
	a := Agreement{Orders: map[string]int{}}
	sold := map[string]int64{}
	err := in.EachOrder(ctx, func(o *order.Order) { a.count(o, sold) })
	if err != nil {
		return a, err
	}
	charges := map[string]int{}
	moved, err := in.Movements(ctx)
	if err != nil {
		return a, err
	}
	for _, m := range moved {
		if m.Type == psp.MovementRefund {
			a.Refunded += m.Amount
			continue
		}
		a.Charged += m.Amount
		if charges[m.OrderID]++; charges[m.OrderID] == 2 {
			a.Double = append(a.Double, m.OrderID)
		}
	}
	return a, in.compareStock(ctx, &a, sold)
}

func (a *Agreement) count(o *order.Order, sold map[string]int64) {
	status, _ := o.Status()
	name := string(status)
	if r := o.Reason(); r != "" {
		name += " " + string(r)
	}
	a.Orders[name]++
	if !o.Final() || refunding(o) {
		a.Unfinished = append(a.Unfinished, o.ID)
	}
	if status != order.Confirmed {
		return
	}
	a.ConfirmedSum += o.Total().GetMinorUnits()
	for _, r := range o.Refunds() {
		a.ConfirmedSum -= r.Amount.GetMinorUnits()
		a.GivenBack += r.Amount.GetMinorUnits()
	}
	for _, l := range o.Created().GetLines() {
		sold[l.GetSku()] += int64(l.GetQuantity())
		a.StockSold += int64(l.GetQuantity())
	}
}

// refunding says that a refund by an operator is on its way.
func refunding(o *order.Order) bool {
	return slices.ContainsFunc(o.Refunds(), func(r order.Refund) bool { return r.Done.IsZero() })
}

func (in *Inspector) compareStock(ctx context.Context, a *Agreement, sold map[string]int64) error {
	token := ""
	for {
		page, err := in.inventory.ListItems(ctx, &inventoryv1.ListItemsRequest{PageSize: 500, PageToken: token})
		if err != nil {
			return err
		}
		for _, it := range page.GetItems() {
			a.StockHeld += it.GetHeld()
			if it.GetHeld() != sold[it.GetSku()] || it.GetAvailable() < 0 {
				a.Wrong = append(a.Wrong, fmt.Sprintf("%s has %d held and %d available, confirmed orders have %d", it.GetSku(), it.GetHeld(), it.GetAvailable(), sold[it.GetSku()]))
			}
		}
		if token = page.GetNextPageToken(); token == "" {
			return nil
		}
	}
}

// Count is how many orders there are.
func (a Agreement) Count() int {
	n := 0
	for _, c := range a.Orders {
		n += c
	}
	return n
}
