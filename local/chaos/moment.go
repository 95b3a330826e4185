package chaos

import (
	"math/rand/v2"
	"time"
)

// moment is something that goes wrong by the clock, whatever is called meanwhile.
type moment struct {
	every time.Duration // on average
	do    func(c *Chaos, chance *rand.Rand)
}

// moments are those of their classes.
var moments = map[Class]moment{
	StoreOutage:  {25 * time.Second, func(c *Chaos, chance *rand.Rand) { c.takeAway(StoreOutage, 3*time.Second, chance) }},
	PubSubOutage: {20 * time.Second, func(c *Chaos, chance *rand.Rand) { c.takeAway(PubSubOutage, 6*time.Second, chance) }},
	ListenerCut:  {4 * time.Second, (*Chaos).cutListeners},
	EngineLost: {20 * time.Second, func(c *Chaos, _ *rand.Rand) {
		c.cancelExecutions(func(string) bool { return true })
	}},
	KilledAnyway: {3 * time.Second, (*Chaos).killAny},
	Poison:       {2 * time.Second, (*Chaos).poison},
	ProviderSkew: {10 * time.Second, (*Chaos).skewProvider},
}

func (c *Chaos) haveMoments(class Class) {
	of, chance := moments[class], c.chance(site{class, "when"})
	for {
		select {
		case <-time.After(time.Duration((0.5 + chance.Float64()) * float64(of.every))):
		case <-c.end:
			return
		}
		of.do(c, chance)
		c.happened(class, "")
	}
}

// takeAway has a store answer nothing for a while.
func (c *Chaos) takeAway(class Class, most time.Duration, chance *rand.Rand) {
	away := time.Duration((0.3 + 0.7*chance.Float64()) * float64(most))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.on {
		c.outages[class] = time.Now().Add(away)
	}
}

// away says that there is an outage now.
func (c *Chaos) away(class Class) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Before(c.outages[class])
}

func (c *Chaos) killAny(chance *rand.Rand) {
	if len(c.reach.Units) > 0 {
		c.reach.Kill(c.reach.Units[chance.IntN(len(c.reach.Units))])
	}
}

// mostSkew is within the five minutes by which a webhook's time may differ.
const mostSkew = 4 * time.Minute

func (c *Chaos) skewProvider(chance *rand.Rand) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skew = time.Duration((2*chance.Float64() - 1) * float64(mostSkew))
}

// mostUnitSkew is by how much a process's clock may be wrong, as in e2e/simulation.
const mostUnitSkew = 5 * time.Second

// Clock is by how much the clock of a unit's next process is wrong, for as long as that lives; also before Start.
func (c *Chaos) Clock(unit string) time.Duration {
	if c.options.Program == "" {
		return 0
	}
	c.happened(UnitSkew, unit)
	return c.between(UnitSkew, unit, -mostUnitSkew, mostUnitSkew)
}

// Program is what units run as; empty: the program that started the stack.
func (c *Chaos) Program() string { return c.options.Program }

// happened counts what no call decided.
func (c *Chaos) happened(class Class, label string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := site{class, label}
	if c.sites[at] == nil {
		c.sites[at] = &schedule{chance: c.chance(at)}
	}
	c.sites[at].passed++
	c.sites[at].fired++
}
