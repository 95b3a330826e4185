package simulation

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// task is one line of work: a request in a process, an event on its way, a customer. Its dice depend on what caused it
// and on nothing else.
type task struct {
	sim     *sim
	process *process // nil: it is not of ours and does not die
	dice    dice
	who     string // for the timeline
	order   string // whose timeline; empty: nobody's

	mu    sync.Mutex
	times map[string]int // how often it did what
}

type taskKey struct{}

func taskOf(ctx context.Context) *task { return ctx.Value(taskKey{}).(*task) }

func (t *task) in(ctx context.Context) context.Context { return context.WithValue(ctx, taskKey{}, t) }

// occasion is one time that a task does something.
type occasion struct {
	*task
	dice dice
	what string
}

// at is the next occasion of a kind, about something. Its dice depend on how often the task did the same before, about
// the same: a sweep attends to many at once.
func (t *task) at(what, about string) occasion {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.times == nil {
		t.times = map[string]int{}
	}
	n := t.times[what+about]
	t.times[what+about]++
	return occasion{t, t.dice.of(what, n).of(about, 0), what}
}

// child is a task that this occasion causes.
func (o occasion) child(who, order string) *task {
	return &task{sim: o.sim, dice: o.dice.of("child", 0), who: who, order: order}
}

// fires says whether a fault happens here, and notes it.
func (o occasion) fires(f trouble) bool {
	return o.sim.fires(o.dice.of(string(f), 0), f, o.task, o.what)
}

// pause takes the time that the way there, or back, takes. Whoever's process died meanwhile does not come back.
func (o occasion) pause(way string) {
	d := o.dice.of(way, 0)
	took := d.between(100*time.Microsecond, 30*time.Millisecond)
	if o.sim.fires(d, slow, o.task, o.what) {
		took = d.between(30*time.Millisecond, time.Minute)
	}
	time.Sleep(took)
	o.alive()
}

// alive ends the goroutine if its process has died: whatever it would have done next never happens.
func (t *task) alive() {
	if t.process != nil && t.process.dead() {
		runtime.Goexit()
	}
}

// point is a place where a process may die, named by what it is about to do or has just done.
func (o occasion) point(when string) {
	if o.process == nil {
		return
	}
	label := o.process.unit + ": " + when + " " + o.what
	if o.sim.dies(label, o.dice.of("crash "+when, 0), o.task) {
		o.process.die()
	}
	o.alive()
}

// note writes a line of an order's timeline.
func (t *task) note(order, what string) {
	if order == "" {
		order = t.order
	}
	t.sim.note(order, t.who, what)
}
