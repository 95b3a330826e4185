package inventory

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
)

// CatalogueStore is where the catalogue is kept.
type CatalogueStore interface {
	// Watch calls changed with what was set and deleted, first with everything; until ctx ends or it fails.
	Watch(ctx context.Context, changed func(set []Item, deleted []string, at time.Time)) error
	// LastChange is when the catalogue was last changed; zero if never.
	LastChange(ctx context.Context) (time.Time, error)
}

// Catalogue is all products in memory, kept current by a listener. A listener can fall silent unnoticed, so what it
// says is compared with the store before it is trusted for longer than freshFor.
type Catalogue struct {
	store CatalogueStore
	now   func() time.Time

	checking chan struct{} // holds one: who compares
	checked  time.Time     // when the listener was last compared with the store

	mu    sync.RWMutex
	items map[string]Item
	seen  time.Time     // the listener knows everything up to here
	moved chan struct{} // closed when seen moves
}

// freshFor is how long a comparison with the store is good for; waitFor how long a quote waits for one, and for a
// listener that is behind.
const (
	freshFor = 10 * time.Second
	waitFor  = 2 * time.Second
)

// NewCatalogue makes a catalogue that Run keeps.
func NewCatalogue(store CatalogueStore, now func() time.Time) *Catalogue {
	return &Catalogue{store: store, now: now, checking: make(chan struct{}, 1), moved: make(chan struct{})}
}

// Run keeps the catalogue until ctx ends, and starts a listener that failed again.
func (c *Catalogue) Run(ctx context.Context, failed func(error)) {
	for ctx.Err() == nil {
		err := c.store.Watch(ctx, c.apply(true))
		if ctx.Err() == nil {
			failed(err)
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
	}
}

// Loaded returns once the catalogue is in memory, or ctx ends.
func (c *Catalogue) Loaded(ctx context.Context) error { return c.await(ctx, time.Time{}) }

// apply takes changes; the first of a listener are everything there is.
func (c *Catalogue) apply(first bool) func([]Item, []string, time.Time) {
	return func(set []Item, deleted []string, at time.Time) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if first || c.items == nil {
			c.items = make(map[string]Item, len(set))
			first = false
		}
		for _, i := range set {
			c.items[i.SKU] = i
		}
		for _, sku := range deleted {
			delete(c.items, sku)
		}
		c.seen = at
		close(c.moved)
		c.moved = make(chan struct{})
	}
}

// Quote answers names and prices, in the order asked, and which SKUs the catalogue does not have. UNAVAILABLE if what
// is in memory may be too old.
func (c *Catalogue) Quote(ctx context.Context, skus []string) (known []Item, unknown []string, err error) {
	if len(skus) > MaxLines {
		return nil, nil, fault.Invalid([]fault.Field{{Name: "skus", Message: fmt.Sprintf("are %d: the most is %d", len(skus), MaxLines)}})
	}
	asked := c.now()
	if err := c.fresh(ctx, asked.Add(-freshFor)); err != nil {
		return nil, nil, err
	}
	known, unknown = c.lookUp(skus)
	if len(unknown) > 0 { // it may be brand new: nobody is refused for what the listener has not said yet
		if err := c.fresh(ctx, asked); err != nil {
			return nil, nil, err
		}
		known, unknown = c.lookUp(skus)
	}
	return known, unknown, nil
}

func (c *Catalogue) lookUp(skus []string) (known []Item, unknown []string) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, sku := range skus {
		if i, ok := c.items[sku]; ok {
			known = append(known, i)
		} else {
			unknown = append(unknown, sku)
		}
	}
	return known, unknown
}

// fresh returns once what is in memory is known to have been current at some time since.
func (c *Catalogue) fresh(ctx context.Context, since time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, waitFor)
	defer cancel()
	select {
	case c.checking <- struct{}{}: // one asks the store, the others profit
		defer func() { <-c.checking }()
	case <-ctx.Done():
		return c.stale()
	}
	if c.checked.After(since) {
		return nil
	}
	start := c.now()
	last, err := c.store.LastChange(ctx)
	if err != nil {
		return fault.Wrap(err, codes.Unavailable, "catalogue_stale", "prices could not be checked, try again")
	}
	if err := c.await(ctx, last); err != nil {
		return err
	}
	c.checked = start
	return nil
}

// await waits until the listener knows everything up to t.
func (c *Catalogue) await(ctx context.Context, t time.Time) error {
	for {
		c.mu.RLock()
		seen, moved, loaded := c.seen, c.moved, c.items != nil
		c.mu.RUnlock()
		if loaded && !seen.Before(t) {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return c.stale()
		}
	}
}

func (c *Catalogue) stale() error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return fault.New(codes.Unavailable, "catalogue_stale", "prices in memory are of %s and may be too old, try again", c.seen.UTC().Format(time.RFC3339))
}
