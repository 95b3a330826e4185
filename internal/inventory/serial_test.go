package inventory_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"sync"
	"time"

	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

// shared is a database with its history: every commit in the one order in which they happened. Some fail by chance,
// before or after they happened.
type shared struct {
	db *memory.Database

	mu   sync.Mutex
	rnd  *rand.Rand
	calm bool
	log  []committed
}

// committed is a commit: what it wrote, and how long the history was when its process last read.
type committed struct {
	writes []store.Write
	since  int
}

// process is one process's view of the shared database. A process has one group in flight, so its last read is the one
// that its commit was decided on.
type process struct {
	*shared
	since int
}

func (p *process) Get(ctx context.Context, paths ...string) ([]store.Document, error) {
	p.mu.Lock()
	p.since = len(p.log)
	p.mu.Unlock()
	return p.db.Get(ctx, paths...)
}

func (p *process) Query(ctx context.Context, q store.Query) ([]store.Document, error) {
	return p.db.Query(ctx, q)
}

// wander lets the other processes go on for a while of the bubble's time.
func (p *process) wander() {
	p.mu.Lock()
	wait := time.Duration(p.rnd.IntN(4)) * gather / 2
	p.mu.Unlock()
	time.Sleep(wait)
}

func (p *process) Commit(ctx context.Context, writes ...store.Write) (time.Time, error) {
	p.wander()
	p.mu.Lock()
	defer p.mu.Unlock()
	chance := func(percent int) bool { return !p.calm && p.rnd.IntN(100) < percent }
	if chance(10) {
		return time.Time{}, store.ErrConflict
	}
	if chance(3) {
		return time.Time{}, memory.ErrUnavailable
	}
	at, err := p.db.Commit(ctx, writes...)
	if err != nil {
		return at, err
	}
	p.log = append(p.log, committed{writes, p.since})
	if chance(10) {
		return time.Time{}, memory.ErrDeadline
	}
	return at, nil
}

// model is the stock and reservations that a history makes.
type model struct {
	available, held, stated map[string]int64
	reservations            map[string]reservation
}

type reservation struct {
	state      inventory.State
	quantities map[string]int32
	short      string
}

// replay goes through the history and says what in it is against the rules.
func (s *shared) replay() error {
	m := model{map[string]int64{}, map[string]int64{}, map[string]int64{}, map[string]reservation{}}
	past := []map[string]int64{maps.Clone(m.available)} // what was available after each number of commits
	for n, c := range s.log {
		made, seen := map[string]reservation{}, map[string]bool{}
		for _, w := range c.writes {
			if seen[w.Path] {
				return fmt.Errorf("commit %d writes %s twice", n, w.Path)
			}
			seen[w.Path] = true
			if err := m.apply(w, made); err != nil {
				return fmt.Errorf("commit %d: %w", n, err)
			}
		}
		past = append(past, maps.Clone(m.available))
		if err := m.consistent(); err != nil {
			return fmt.Errorf("after commit %d: %w", n, err)
		}
		if err := m.fair(made, past[c.since:n+1]); err != nil {
			return fmt.Errorf("commit %d, decided since commit %d: %w", n, c.since, err)
		}
	}
	return nil
}

// apply takes a write; made are the reservations that its commit creates.
func (m *model) apply(w store.Write, made map[string]reservation) error {
	raw, _ := base64.RawURLEncoding.DecodeString(path.Base(w.Path))
	id := string(raw)
	switch path.Dir(w.Path) {
	case "stock":
		m.available[id], m.held[id], m.stated[id] = w.Fields["available"].(int64), w.Fields["held"].(int64), w.Fields["stated"].(int64)
	case "reservations":
		next := reservation{state: inventory.State(w.Fields["state"].(int64)), short: w.Fields["short"].(string)}
		if err := json.Unmarshal(w.Fields["quantities"].([]byte), &next.quantities); err != nil {
			return err
		}
		before, ok := m.reservations[id]
		if ok && (before.state != inventory.Held || next.state != inventory.Released) {
			return fmt.Errorf("order %s was %s and is %s: its answer was final", id, before.state, next.state)
		}
		if m.reservations[id] = next; !ok {
			made[id] = next
		}
	}
	return nil
}

// consistent says whether stock and reservations agree.
func (m *model) consistent() error {
	held := map[string]int64{}
	for _, r := range m.reservations {
		if r.state == inventory.Held {
			for sku, n := range r.quantities {
				held[sku] += int64(n)
			}
		}
	}
	for sku, stated := range m.stated {
		if m.available[sku]+m.held[sku] != stated || m.held[sku] != held[sku] {
			return fmt.Errorf("%s: available %d + held %d, stated %d; orders hold %d", sku, m.available[sku], m.held[sku], stated, held[sku])
		}
	}
	return nil
}

// fair says whether what a commit held was there, and what it refused was not: past is what was available at each moment
// from its reads to it. Within the commit, what others of the group took first was not available either.
func (m *model) fair(made map[string]reservation, past []map[string]int64) error {
	took := map[string]int64{}
	for id, r := range made {
		if r.state == inventory.Refused {
			continue
		}
		for sku, n := range r.quantities { // held, or held and released in one group
			took[sku] += int64(n)
			if r.state == inventory.Held && m.available[sku] < 0 {
				return fmt.Errorf("order %s holds %s, of which %d are available", id, sku, m.available[sku])
			}
		}
	}
	for id, r := range made {
		if r.state != inventory.Refused {
			continue
		}
		least := past[0][r.short]
		for _, then := range past {
			least = min(least, then[r.short])
		}
		if need := int64(r.quantities[r.short]); least-took[r.short] >= need {
			return fmt.Errorf("order %s was refused %d of %s, though %d were free all the time and its group took %d", id, need, r.short, least, took[r.short])
		}
	}
	return nil
}
