package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

// faults fails operations by chance: commits before and after they happen, and publishes.
type faults struct {
	mu  sync.Mutex
	rnd *rand.Rand
	off bool
}

func (f *faults) chance(percent int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.off && f.rnd.IntN(100) < percent
}

func (f *faults) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.off = true
}

func (f *faults) commits(percent int) memory.Hook {
	return func(op string, _ []store.Write) error {
		if op == "commit" && f.chance(percent) {
			return memory.ErrUnavailable
		}
		return nil
	}
}

// Whatever is lost, whoever writes or sweeps at the same time: when all is quiet and one sweep went through, every event
// was published, none before its predecessors, and nothing is left to sweep.
func TestEveryEventIsPublishedInOrderWhateverIsLost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		f := &faults{rnd: rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))}
		s, db, p := orders()
		db.Before, db.After = f.commits(10), f.commits(10)
		p.fail = func(event.Event) bool { return f.chance(30) }
		create := func() error { return s.Create(t.Context(), placed("o1", moment)) }
		for err := create(); err != nil && !errors.Is(err, order.ErrExists); err = create() {
		}
		writers := rapid.SliceOfN(rapid.IntRange(0, 3), 1, 6).Draw(rt, "writers")
		var wg sync.WaitGroup
		for _, kind := range writers {
			wg.Go(func() {
				switch kind {
				case 0:
					_, _ = store.Sweep(t.Context(), db, p, "orders", moment.Add(time.Minute), time.Minute)
				default:
					_, _ = s.Update(t.Context(), "o1", func(o *order.Order) error {
						o.Journal.Witness(p.latest()) // a call that the latest event caused
						if kind == 3 && o.Journal.Next() > 2 {
							return confirm(o)
						}
						return cancel(o)
					})
				}
			})
		}
		wg.Wait()
		f.stop()
		if _, err := store.Sweep(t.Context(), db, p, "orders", moment.Add(time.Minute), time.Minute); err != nil {
			rt.Fatal(err)
		}
		checkPublished(rt, db, p)
	})
}

// latest is the seq of the latest event that was published.
func (p *publisher) latest() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	var most int64
	for _, e := range p.got {
		most = max(most, e.Seq)
	}
	return most
}

func checkPublished(rt *rapid.T, db *memory.Database, p *publisher) {
	documents, err := db.Get(rt.Context(), "orders/o1")
	if err != nil {
		rt.Fatal(err)
	}
	if at, ok := documents[0].Fields["unpublished_time"]; ok {
		rt.Errorf("the journal is still to be swept: %v", at)
	}
	j, err := store.JournalOf(rt.Context(), db, "orders", "o1")
	if err != nil {
		rt.Fatal(err)
	}
	var want, first []string
	for i := range j.Entries {
		want = append(want, fmt.Sprintf("orders/o1/%d", i+1))
	}
	seen := map[string]bool{}
	for _, id := range p.ids() {
		if !seen[id] {
			seen[id] = true
			first = append(first, id)
		}
	}
	if strings.Join(first, " ") != strings.Join(want, " ") || j.Published != int64(len(want)) {
		rt.Errorf("published for the first time in the order %v, want %v; mark %d", first, want, j.Published)
	}
}
