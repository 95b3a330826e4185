package simulation

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/promise"
	"orderflow.dev/local/psp"
)

// plan is what a run is made of. The same plan makes the same run.
type plan struct {
	seed   uint64
	orders int
	only   map[int]bool        // nil: all orders; otherwise those
	off    map[trouble]bool    // classes that never happen
	spared map[dice]bool       // faults that do not happen
	die    string              // the label of the point where a process dies, if any, when it comes there
	dieAt  int                 // for the how-manieth time, from 1
	bug    func(*sim)          // what is broken on purpose
	rate   map[trouble]float64 // nil: by the seed
}

// fired is a fault that happened.
type fired struct {
	dice  dice
	kind  trouble
	order string
	what  string
}

// line is one of an order's timeline.
type line struct {
	at        time.Duration
	who, what string
}

// sim is one run.
type sim struct {
	plan
	dice   dice
	rate   map[trouble]float64
	start  time.Time
	window time.Duration // in which orders are placed
	calm   time.Time     // from then on nothing goes wrong

	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
	busy    atomic.Int64 // tasks under way that matter: at zero nothing is on its way

	databases databases
	broker    broker
	sagas     sagas
	ledger    *psp.Ledger
	bank      *bank
	slots     map[string][]*slot
	yaml      func(string) string // what a seeded bug makes of the workflow
	sweeps    bool
	dropped   func(consumer string) bool            // deliveries that a seeded bug loses
	mailLies  bool                                  // a seeded bug: of mail that went out it is said that it did not
	stock     func(inventory.Store) inventory.Store // what a seeded bug makes of it

	mu       sync.Mutex
	timeline map[string][]line
	fired    []fired
	points   map[string]int // labelled points, and how often a process came there
	crashed  map[string]int // and died there
	history  promise.History
	known    map[string]int       // by document: how many events its journal has
	held     map[string]bool      // by order: its reservation is HELD
	leases   map[string]time.Time // by message id: until when a sender has it
	replayed map[string]int       // by event: how often an operator replayed it
	free     map[string]int64     // by product: how much is available
}

func newSim(p plan) *sim {
	d := dice(mix(p.seed)).of("run", 0)
	s := &sim{
		plan: p, dice: d, rate: p.rate, start: time.Now(), slots: map[string][]*slot{}, sweeps: true,
		timeline: map[string][]line{}, points: map[string]int{}, crashed: map[string]int{},
		known: map[string]int{}, held: map[string]bool{}, leases: map[string]time.Time{}, replayed: map[string]int{}, free: map[string]int64{}, databases: newDatabases(),
	}
	if s.rate == nil {
		s.rate = rates(d)
	}
	s.window = d.of("window", 0).between(time.Second, 15*time.Minute)
	s.calm = s.start.Add(d.of("calm", 0).between(2*time.Minute, 50*time.Minute))
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.ledger = psp.NewLedger(psp.LedgerOptions{})
	s.bank = &bank{sim: s}
	s.history.Excused = map[string]int{}
	return s
}

// trouble says that things may go wrong now.
func (s *sim) troubled() bool { return time.Now().Before(s.calm) }

func (s *sim) fires(d dice, f trouble, t *task, what string) bool {
	rate := s.rate[f]
	if rate == 0 || s.off[f] || !s.troubled() || d.float() >= rate || s.spared[d] {
		return false
	}
	s.happened(d, f, t, what)
	return true
}

func (s *sim) happened(d dice, f trouble, t *task, what string) {
	s.mu.Lock()
	s.fired = append(s.fired, fired{d, f, t.order, what})
	s.mu.Unlock()
	t.note("", "FAULT at "+what+": "+string(f))
}

// dies says whether a process dies at a point: by chance, or because the plan says so.
func (s *sim) dies(label string, d dice, t *task) bool {
	s.mu.Lock()
	s.points[label]++
	planned := s.die == label && s.points[label] == s.dieAt
	s.mu.Unlock()
	if planned {
		s.happened(d, crash, t, label)
	} else if !s.fires(d, crash, t, label) {
		return false
	}
	s.mu.Lock()
	s.crashed[label]++
	s.mu.Unlock()
	return true
}

func (s *sim) note(order, who, what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timeline[order] = append(s.timeline[order], line{time.Since(s.start), who, what})
}

// record adds to the history.
func (s *sim) record(add func(h *promise.History)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	add(&s.history)
}

// spawn runs a task in a goroutine of its own. The run does not come to rest before it ends.
func (s *sim) spawn(f func()) {
	s.busy.Add(1)
	s.running.Go(func() {
		defer s.busy.Add(-1)
		f()
	})
}

// story is an order's timeline as text.
func (s *sim) story(order string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, l := range s.timeline[order] {
		fmt.Fprintf(&b, "%12s  %-28s %s\n", l.at.Round(10*time.Microsecond), l.who, l.what)
	}
	return b.String()
}

// sleep waits; false if the run ended first.
func (s *sim) sleep(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-s.ctx.Done():
		return false
	}
}

func (s *sim) counts() map[trouble]int {
	out := map[trouble]int{}
	for _, f := range s.fired {
		out[f.kind]++
	}
	return out
}

func (p plan) without(f trouble) plan {
	p.off = maps.Clone(p.off)
	if p.off == nil {
		p.off = map[trouble]bool{}
	}
	p.off[f] = true
	return p
}
