package catchup

import (
	"slices"
	"time"

	"orderflow.dev/internal/order"
	"orderflow.dev/internal/promise"
	"orderflow.dev/internal/repair"
)

// Plan is what a repair is to do once journals are caught up with what was archived since a time (zero: with nothing): in a
// world that was read after that, or, of a dry run, as it would be. Of a lost order that a longer look into the archive may
// bring back nothing is undone.
func Plan(w promise.World, outcomes []Outcome, since time.Time) []repair.Finding {
	hold, would, begun := map[string]bool{}, map[string]*order.Order{}, map[string]time.Time{}
	for _, o := range outcomes {
		hold[o.OrderID] = o.Hold
		if o.Would != nil {
			would[o.OrderID] = o.Would
		}
	}
	if len(would) > 0 {
		w.Orders = with(w.Orders, would)
	}
	for _, p := range w.Payments {
		begun[p.OrderID] = p.CreateTime
	}
	plan := repair.Plan(w)
	for i, f := range plan {
		if at := begun[f.OrderID]; f.Lost && len(f.Acts) > 0 && !at.IsZero() && at.Before(since) {
			plan[i].Acts = nil
			plan[i].Person = "the order is lost, and its payment is of " + at.Format(time.RFC3339) +
				", before what was read of the archive: repair again from an earlier time (--archived-since), before its money is given back"
		}
	}
	return slices.DeleteFunc(plan, func(f repair.Finding) bool { return f.Lost && hold[f.OrderID] }) // the outcome tells of it
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
