package inventory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/backoff"
	"orderflow.dev/internal/fault"
)

// Limits of a request and of a group. A commit may have 10 MiB, which maxGroupDocuments of ours are far below.
const (
	MaxLines          = 1000
	MaxQuantity       = 10_000
	maxOrderID        = 64
	maxGroup          = 256
	maxGroupDocuments = 2000
)

// Reserving reserves and releases stock. Requests that come while a group is being committed form the next one, so a
// hot product costs a commit per group, not per order. One group is in flight per process; processes meet only through
// optimistic retries.
type Reserving struct {
	store  Store
	gather time.Duration

	mu      sync.Mutex
	waiting []*request
	working bool
}

// NewReserving makes a Reserving whose groups gather for a moment before they are committed.
func NewReserving(store Store, gather time.Duration) *Reserving {
	return &Reserving{store: store, gather: gather}
}

// Reserve holds all of an order's items or none, and answers an order it has seen as it did then. Refusals are
// FAILED_PRECONDITION: out_of_stock, or cancelled if the order's stock was released before.
func (r *Reserving) Reserve(ctx context.Context, orderID string, quantities map[string]int32) (*Reservation, error) {
	if err := valid(orderID, quantities); err != nil {
		return nil, err
	}
	v, err := r.submit(ctx, &request{orderID: orderID, quantities: quantities})
	if err != nil {
		return nil, err
	}
	switch v.State {
	case Refused:
		return nil, fault.New(codes.FailedPrecondition, "out_of_stock", "order %s: not enough of %s", orderID, v.Short)
	case Released:
		return nil, fault.New(codes.FailedPrecondition, "cancelled", "order %s: its stock was released", orderID)
	}
	return v, nil
}

// Release gives back what an order holds. Where it holds nothing, a tombstone refuses a late Reserve.
func (r *Reserving) Release(ctx context.Context, orderID string) (*Reservation, error) {
	if err := fault.Invalid(validOrder(orderID)); err != nil {
		return nil, err
	}
	return r.submit(ctx, &request{orderID: orderID})
}

// validOrder and valid keep out what cannot be stored: it would fail everybody in its group.
func validOrder(id string) []fault.Field {
	switch {
	case id == "":
		return []fault.Field{{Name: "order_id", Message: "is missing"}}
	case len(id) > maxOrderID:
		return []fault.Field{{Name: "order_id", Message: fmt.Sprintf("is over %d characters", maxOrderID)}}
	}
	return nil
}

func valid(orderID string, quantities map[string]int32) error {
	bad := validOrder(orderID)
	if n := len(quantities); n < 1 || n > MaxLines {
		bad = append(bad, fault.Field{Name: "quantities", Message: fmt.Sprintf("are %d: a reservation has 1 to %d", n, MaxLines)})
	}
	for sku, n := range quantities {
		if n < 1 || n > MaxQuantity {
			bad = append(bad, fault.Field{Name: "quantities." + sku, Message: fmt.Sprintf("is %d: it may be 1 to %d", n, MaxQuantity)})
		}
		if sku == "" || utf8.RuneCountInString(sku) > MaxSKU || !utf8.ValidString(sku) {
			bad = append(bad, fault.Field{Name: "quantities." + sku, Message: fmt.Sprintf("is of no product: a SKU is 1 to %d characters", MaxSKU)})
		}
	}
	return fault.Invalid(bad)
}

// submit queues a request and waits for its answer. The first of a group leads it: it commits for all.
func (r *Reserving) submit(ctx context.Context, q *request) (*Reservation, error) {
	q.answer = make(chan answer, 1)
	r.mu.Lock()
	r.waiting = append(r.waiting, q)
	leads := !r.working
	r.working = true
	r.mu.Unlock()
	if leads {
		// The others' answers must not depend on this caller's patience.
		go r.lead(context.WithoutCancel(ctx))
	}
	select {
	case a := <-q.answer:
		return a.reservation, a.err
	case <-ctx.Done():
		return nil, fault.Wrap(ctx.Err(), codes.Unavailable, "", "order %s: its stock was not decided in time", q.orderID)
	}
}

// lead commits groups until nobody waits.
func (r *Reserving) lead(ctx context.Context) {
	time.Sleep(r.gather)
	for {
		group := r.take()
		if len(group) == 0 {
			return
		}
		r.commit(ctx, group)
	}
}

func (r *Reserving) take() []*request {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) == 0 {
		r.working = false
		return nil
	}
	n, documents := 0, 0
	for n < len(r.waiting) && n < maxGroup {
		documents += 1 + len(r.waiting[n].quantities)
		if n > 0 && documents > maxGroupDocuments {
			break
		}
		n++
	}
	group := slices.Clone(r.waiting[:n])
	r.waiting = slices.Delete(r.waiting, 0, n)
	return group
}

var errGroupTooLarge = errors.New("a group's stock is more than one commit holds")

// groupTimeout bounds a group's retries: its callers have given up by then. Between them it waits from firstWait to
// mostWait.
const (
	groupTimeout = 10 * time.Second
	firstWait    = 2 * time.Millisecond
	mostWait     = 100 * time.Millisecond
)

// commit decides a group. What turns out to be more than one commit can hold, as releases of large orders may, is decided
// in halves.
func (r *Reserving) commit(ctx context.Context, group []*request) {
	ctx, cancel := context.WithTimeout(ctx, groupTimeout)
	defer cancel()
	var snapshot *Snapshot
	var err error
	for n := 0; ; n++ {
		snapshot, err = r.attempt(ctx, group)
		if !errors.Is(err, ErrConflict) || backoff.Wait(ctx, n, firstWait, mostWait) != nil {
			break
		}
	}
	if errors.Is(err, errGroupTooLarge) && len(group) > 1 {
		r.commit(ctx, group[:len(group)/2])
		r.commit(ctx, group[len(group)/2:])
		return
	}
	for _, q := range group {
		if err != nil {
			q.answer <- answer{err: fault.Wrap(err, codes.Unavailable, "", "order %s: its stock could not be decided, try again", q.orderID)}
			continue
		}
		q.answer <- answer{reservation: snapshot.Reservations[q.orderID]}
	}
}

func (r *Reserving) attempt(ctx context.Context, group []*request) (*Snapshot, error) {
	s, err := r.load(ctx, group)
	if err != nil {
		return nil, err
	}
	reservations, stock := decide(group, s)
	if len(reservations) == 0 {
		return s, nil
	}
	return s, r.store.Save(ctx, reservations, stock)
}

// load reads the group's reservations, and the stock of those that may still change it.
func (r *Reserving) load(ctx context.Context, group []*request) (*Snapshot, error) {
	var ids []string
	for _, q := range group {
		if !slices.Contains(ids, q.orderID) {
			ids = append(ids, q.orderID)
		}
	}
	reservations, err := r.store.Load(ctx, ids)
	if err != nil {
		return nil, err
	}
	needed := map[string]bool{}
	for _, q := range group {
		v := reservations[q.orderID]
		switch {
		case v == nil:
			for sku := range q.quantities {
				needed[sku] = true
			}
		case v.State == Held && q.quantities == nil:
			for sku := range v.Quantities {
				needed[sku] = true
			}
		}
	}
	s := &Snapshot{Reservations: reservations}
	if len(needed) > maxGroupDocuments && len(group) > 1 {
		return nil, errGroupTooLarge
	}
	if len(needed) > 0 {
		skus := make([]string, 0, len(needed))
		for sku := range needed {
			skus = append(skus, sku)
		}
		slices.Sort(skus)
		if s.Stock, err = r.store.LoadStock(ctx, skus); err != nil {
			return nil, err
		}
	}
	return s, nil
}
