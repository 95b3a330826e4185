package catchup

import (
	"slices"

	"orderflow.dev/internal/order"
	"orderflow.dev/internal/promise"
	"orderflow.dev/internal/repair"
)

// Plan is what a repair is to do once journals are caught up: in a world that was read after that, or, of a dry run, as it
// would be. Of an order that only a longer look into the archive can bring back nothing is undone.
func Plan(w promise.World, outcomes []Outcome) []repair.Finding {
	hold, would := map[string]bool{}, map[string]*order.Order{}
	for _, o := range outcomes {
		hold[o.OrderID] = o.Hold
		if o.Would != nil {
			would[o.OrderID] = o.Would
		}
	}
	if len(would) > 0 {
		w.Orders = with(w.Orders, would)
	}
	return slices.DeleteFunc(repair.Plan(w), func(f repair.Finding) bool { return f.Lost && hold[f.OrderID] })
}

// with are orders, some of them as they would be.
func with(orders []promise.Order, would map[string]*order.Order) []promise.Order {
	all := slices.Clone(orders)
	for i := range all {
		if o := would[all[i].ID]; o != nil {
			all[i].Journal = o.Journal
			delete(would, o.ID)
		}
	}
	for id, o := range would { // these are lost
		all = append(all, promise.Order{ID: id, Journal: o.Journal})
	}
	return all
}
