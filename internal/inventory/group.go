package inventory

import (
	"cmp"
	"maps"
	"slices"
)

// request is one reserve or release waiting for its group.
type request struct {
	orderID    string
	quantities map[string]int32 // nil: release
	answer     chan answer
}

type answer struct {
	reservation *Reservation
	err         error
}

// decide takes a group's requests in order of arrival against a snapshot: what exists is answered as it is, what fits
// is held, the rest is refused, what is released goes back. It changes the snapshot and says what of it must be
// written: each document once, however many requests touched it.
func decide(requests []*request, s *Snapshot) (reservations []*Reservation, stock []*Stock) {
	changed, touched := map[string]*Reservation{}, map[string]*Stock{}
	for _, r := range requests {
		before := s.Reservations[r.orderID]
		var after *Reservation
		if r.quantities == nil {
			after = release(before, r.orderID, s, touched)
		} else if before == nil {
			after = reserve(r, s, touched)
		}
		if after != nil {
			s.Reservations[r.orderID], changed[r.orderID] = after, after
		}
	}
	// In a fixed order, so that the same group makes the same commit.
	return slices.SortedFunc(maps.Values(changed), func(a, b *Reservation) int { return cmp.Compare(a.OrderID, b.OrderID) }),
		slices.SortedFunc(maps.Values(touched), func(a, b *Stock) int { return cmp.Compare(a.SKU, b.SKU) })
}

func reserve(r *request, s *Snapshot, touched map[string]*Stock) *Reservation {
	v := &Reservation{OrderID: r.orderID, State: Held, Quantities: r.quantities}
	for _, sku := range v.skus() {
		if s.Stock[sku].Available < int64(r.quantities[sku]) {
			v.State, v.Short = Refused, sku
			return v
		}
	}
	for sku, n := range r.quantities {
		move(s.Stock[sku], int64(n), touched)
	}
	return v
}

// release is nil if there is nothing to do: released and refused reservations stay as they are.
func release(v *Reservation, orderID string, s *Snapshot, touched map[string]*Stock) *Reservation {
	if v == nil {
		return &Reservation{OrderID: orderID, State: Released}
	}
	if v.State != Held {
		return nil
	}
	for sku, n := range v.Quantities {
		move(s.Stock[sku], -int64(n), touched)
	}
	after := *v
	after.State = Released
	return &after
}

// move takes n from what is available for what is held.
func move(s *Stock, n int64, touched map[string]*Stock) {
	s.Available -= n
	s.Held += n
	touched[s.SKU] = s
}
