package chaos

import (
	"cmp"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Options configure New.
type Options struct {
	Seed    uint64
	Program string // what units run as, of skew.Program; empty: their clocks are right
}

// Chaos decides what goes wrong. Safe for concurrent use. It does nothing before Start and after Stop.
type Chaos struct {
	options Options

	mu      sync.Mutex
	on      bool
	sites   map[site]*schedule
	killed  map[string]time.Time // when a unit was last killed
	outages map[Class]time.Time  // until when
	end     chan struct{}
	running sync.WaitGroup
	seen    deliveries
	told    told
	open    map[*listener]bool
	reach   Reach

	skew       time.Duration   // of the provider's clock
	poisoned   map[string]bool // what was sent that nothing can handle, by order id; whether it was taken for sure
	violations []string
}

// site is a place where one class of faults can hit: a method that a unit calls, say.
type site struct {
	class Class
	label string
}

// schedule is when the next fault hits a site.
type schedule struct {
	chance *rand.Rand
	passed int // so far
	next   int // the passage that goes wrong
	fired  int
}

// New makes one that does nothing yet.
func New(o Options) *Chaos {
	return &Chaos{
		options: o, sites: map[site]*schedule{}, killed: map[string]time.Time{}, outages: map[Class]time.Time{},
		poisoned: map[string]bool{}, end: make(chan struct{}), seen: deliveries{taken: map[taking]int{}, first: map[string]time.Time{}}, open: map[*listener]bool{}, told: told{heard: map[string]chan struct{}{}},
	}
}

// Start lets things go wrong from now on; what the clock decides, only on a stack that Attach told it of.
func (c *Chaos) Start() {
	c.mu.Lock()
	c.on = true
	c.mu.Unlock()
	if c.reach.Executions == nil {
		return
	}
	for class := range moments {
		c.running.Go(func() { c.haveMoments(class) })
	}
}

// Stop ends it: what was held back is let go, and nothing goes wrong any more. Call it once.
func (c *Chaos) Stop() {
	c.mu.Lock()
	c.on, c.skew = false, 0
	clear(c.outages)
	c.mu.Unlock()
	close(c.end)
	c.running.Wait()
}

// spawn runs what outlives the call that it went wrong with. Stop waits for it.
func (c *Chaos) spawn(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.on {
		c.running.Go(f)
	}
}

// fires says whether this passage of a site goes wrong.
func (c *Chaos) fires(class Class, label string) bool { return c.firesIf(class, label, nil) }

// firesIf puts a fault that is due off until it may happen.
func (c *Chaos) firesIf(class Class, label string, may func() bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.on {
		return false
	}
	at := site{class, label}
	s := c.sites[at]
	if s == nil {
		s = &schedule{chance: c.chance(at)}
		s.next = s.after(class.every() / soon) // each site early once
		c.sites[at] = s
	}
	s.passed++
	if s.passed < s.next {
		return false
	}
	if may != nil && !may() {
		return false
	}
	s.fired++
	s.next = s.passed + s.after(class.every())
	return true
}

// soon is how much sooner than others the first fault hits a site.
const soon = 5

func (s *schedule) after(mean float64) int { return 1 + int(s.chance.ExpFloat64()*mean) }

func (c *Chaos) chance(at site) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(string(at.class) + "\x00" + at.label))
	return rand.New(rand.NewPCG(c.options.Seed, h.Sum64()))
}

// between is a time of a site's choice.
func (c *Chaos) between(class Class, label string, least, most time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sites[site{class, label}]
	if s == nil {
		return least
	}
	return least + time.Duration(s.chance.Float64()*float64(most-least))
}

// pause waits, at most until Stop.
func (c *Chaos) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-c.end:
	}
}

// Count is how often faults of a class hit a site.
type Count struct {
	Class  Class
	Label  string
	Passed int // how often something could have gone wrong
	Fired  int
}

// Counts are those of all sites, by class and label.
func (c *Chaos) Counts() []Count {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []Count
	for at, s := range c.sites {
		out = append(out, Count{at.class, at.label, s.passed, s.fired})
	}
	slices.SortFunc(out, func(a, b Count) int {
		return cmp.Or(cmp.Compare(slices.Index(Classes, a.Class), slices.Index(Classes, b.Class)), cmp.Compare(a.Label, b.Label))
	})
	return out
}
