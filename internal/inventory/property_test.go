package inventory_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

const (
	products  = 3
	processes = 3
)

// plan is what each of several callers asks, one thing after the other.
type plan struct {
	seed    uint64
	levels  []int64              // stated at first
	wants   []map[string]int32   // of each order
	callers [][]func(*run) error // what each does
}

// run is a plan being carried out.
type run struct {
	*shared
	reserving []*inventory.Reserving
	stocking  inventory.Stocking

	answers sync.Mutex
	heard   map[string]map[string]bool // by order: every answer to a reserve
}

func plans(t *rapid.T) plan {
	p := plan{seed: rapid.Uint64().Draw(t, "seed"), levels: rapid.SliceOfN(rapid.Int64Range(0, 20), products, products).Draw(t, "levels")}
	for i := range rapid.IntRange(1, 12).Draw(t, "orders") {
		want := map[string]int32{}
		for _, sku := range rapid.SliceOfNDistinct(rapid.IntRange(0, products-1), 1, products, rapid.ID).Draw(t, fmt.Sprint("skus ", i)) {
			want[fmt.Sprint("P", sku)] = rapid.Int32Range(1, 8).Draw(t, fmt.Sprint("quantity ", i, sku))
		}
		p.wants = append(p.wants, want)
	}
	for i := range rapid.IntRange(1, 8).Draw(t, "callers") {
		p.callers = append(p.callers, rapid.SliceOfN(rapid.Custom(p.request), 1, 8).Draw(t, fmt.Sprint("caller ", i)))
	}
	return p
}

// request is one thing asked: mostly a reserve, often one that was asked before.
func (p plan) request(t *rapid.T) func(*run) error {
	order, at := rapid.IntRange(0, len(p.wants)-1).Draw(t, "order"), rapid.IntRange(0, processes-1).Draw(t, "process")
	id := fmt.Sprint("order", order)
	switch rapid.SampledFrom([]string{"reserve", "reserve", "reserve", "release", "upsert"}).Draw(t, "what") {
	case "reserve":
		return func(r *run) error { return r.reserve(r.reserving[at], id, p.wants[order]) }
	case "release":
		return func(r *run) error { return r.release(r.reserving[at], id) }
	}
	sku, level := rapid.IntRange(0, products-1).Draw(t, "sku"), rapid.Int64Range(0, 20).Draw(t, "level")
	return func(r *run) error {
		_, _ = r.stocking.Upsert(context.Background(), 0, []inventory.Stated{stated(fmt.Sprint("P", sku), 1, level)}) // may be lost
		return nil
	}
}

func (r *run) reserve(at *inventory.Reserving, id string, want map[string]int32) error {
	answer := do(context.Background(), at, asked{id, want})
	switch answer {
	case "HELD", "out_of_stock", "cancelled":
		r.answers.Lock()
		defer r.answers.Unlock()
		if r.heard[id] == nil {
			r.heard[id] = map[string]bool{}
		}
		r.heard[id][answer] = true
	case "Unavailable":
	default:
		return fmt.Errorf("reserve for %s answers %s", id, answer)
	}
	return nil
}

// release, once it succeeded, is the end: no later reserve is held.
func (r *run) release(at *inventory.Reserving, id string) error {
	v, err := at.Release(context.Background(), id)
	if err != nil {
		if reason := fault.Reason(err); reason != "" {
			return fmt.Errorf("release of %s: %w", id, err)
		}
		return nil
	}
	if v.State != inventory.Released && v.State != inventory.Refused {
		return fmt.Errorf("after its release %s is %s", id, v.State)
	}
	if got := do(context.Background(), at, asked{id, map[string]int32{"P0": 1}}); got == "HELD" {
		return fmt.Errorf("a reserve for %s after its release answers %s", id, got)
	}
	return nil
}

func (p plan) carryOut(t testing.TB) error {
	s := &shared{db: &memory.Database{}, rnd: rand.New(rand.NewPCG(p.seed, 0)), calm: true}
	r := &run{shared: s, heard: map[string]map[string]bool{}}
	r.stocking = inventory.Stocking{Items: store.NewItems(&process{shared: s}, s.db)}
	for range processes {
		r.reserving = append(r.reserving, inventory.NewReserving(store.NewInventory(&process{shared: s}), gather))
	}
	for i, level := range p.levels {
		if _, err := r.stocking.Upsert(t.Context(), 0, []inventory.Stated{stated(fmt.Sprint("P", i), 1, level)}); err != nil {
			return err
		}
	}
	s.calm = false
	errs := make([]error, len(p.callers))
	var wg sync.WaitGroup
	for i, requests := range p.callers {
		wg.Go(func() {
			for _, f := range requests {
				errs[i] = errors.Join(errs[i], f(r))
			}
		})
	}
	wg.Wait()
	s.calm = true
	return errors.Join(append(errs, r.settled(p), s.replay())...)
}

// settled asks every order once more, of every process: all give the answer that was given before.
func (r *run) settled(p plan) error {
	for i, want := range p.wants {
		id := fmt.Sprint("order", i)
		if r.heard[id]["HELD"] && r.heard[id]["out_of_stock"] {
			return fmt.Errorf("%s was answered %v", id, r.heard[id])
		}
		answers := map[string]bool{}
		for _, at := range r.reserving {
			answers[do(context.Background(), at, asked{id, want})] = true
		}
		if len(answers) != 1 || r.heard[id]["out_of_stock"] && !answers["out_of_stock"] || r.heard[id]["cancelled"] && !answers["cancelled"] ||
			r.heard[id]["HELD"] && answers["out_of_stock"] {
			return fmt.Errorf("%s was answered %v and at last %v", id, r.heard[id], answers)
		}
	}
	return nil
}

// Several processes, each order asked for by many callers, commits that conflict or fail and answers that are lost: the
// history of commits is one that a single clerk could have written.
func TestStockIsNeitherOversoldNorRefusedWithoutNeed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p := plans(rt)
		var err error
		synctest.Test(t, func(t *testing.T) { err = p.carryOut(t) })
		if err != nil {
			rt.Fatal(err)
		}
	})
}
