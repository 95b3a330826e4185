package drill

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"orderflow.dev/internal/catchup"
	"orderflow.dev/internal/promise"
	"orderflow.dev/internal/repair"
	"orderflow.dev/local/scheduler"
	"orderflow.dev/local/stack"
)

// Stack is how the stack of a drill is started. Its own scheduler sleeps: the drill pauses the sweeps while it repairs, as
// the runbook does, so it starts them itself.
var Stack = stack.Options{
	SweepEvery: 24 * time.Hour, OrderExpiry: 12 * time.Second, SagaPatience: 6 * time.Second, JournalGrace: time.Second,
	ProviderTimeout: time.Second, WebhookDelay: time.Second,
}

// Databases are those that are restored.
var Databases = []string{"orders", "inventory", "payments", "notifications", "platform"}

// Options say what a drill does. The same seed chooses the same orders and moments; how far each order is by then is up
// to the machine.
type Options struct {
	Seed   uint64
	Orders int
	For    time.Duration        // over which orders are placed
	Wait   time.Duration        // for everything to come to rest after the repair
	Tell   func(string, ...any) // what is being done
}

// Report is what a drill found.
type Report struct {
	Placed   int
	Restored []Rewound
	CaughtUp []catchup.Outcome // with the archive, before the first repair
	Found    []promise.Verdict // after the restore
	Repaired []repair.Outcome  // in the order of the repairs
	Left     []promise.Verdict // in the end
	Person   map[string]string // what is for a person, by order
}

// Broken are the promises that are broken in the end, but for the orders that a person was told of.
func (r Report) Broken() (broken []string) {
	for _, v := range r.Left {
		for _, b := range v.Violations {
			if r.Person[b.OrderID] == "" {
				broken = append(broken, fmt.Sprintf("%s: order %s: %s", v.Promise, b.OrderID, b.Why))
			}
		}
	}
	return broken
}

// Rebuilt is how many orders were lost and made again from the archive.
func (r Report) Rebuilt() (n int) {
	for _, o := range r.CaughtUp {
		if o.Rebuilt {
			n++
		}
	}
	return n
}

// rounds is how often a repair is done again: what was on its way during one is found by the next.
const rounds = 4

type drill struct {
	Options
	*stack.Stack
	begin     time.Time
	look      *stack.Inspector
	chance    *rand.Rand
	repairing repair.Repairing
	report    Report
}

// Run does the drill on a stack that was started as Stack says, and that nobody else uses.
func Run(ctx context.Context, s *stack.Stack, o Options) (Report, error) {
	look, err := stack.Inspect(ctx, s.Endpoints)
	if err != nil {
		return Report{}, err
	}
	d := &drill{Options: o, Stack: s, look: look, chance: rand.New(rand.NewPCG(o.Seed, 0)), report: Report{Person: map[string]string{}}}
	if d.repairing, err = look.Repairing(ctx); err != nil {
		return Report{}, err
	}
	for _, step := range []func(context.Context) error{d.work, d.check, d.catchUp, d.repair, d.rest} {
		if err := step(ctx); err != nil {
			return d.report, err
		}
	}
	return d.report, nil
}

// work takes orders until the disaster, and restores every database to a moment of its own.
func (d *drill) work(ctx context.Context) error {
	d.begin = time.Now()
	resumed := d.sweep(ctx)
	err := d.load(ctx)
	resumed()
	if err != nil {
		return err
	}
	took := time.Since(d.begin)
	d.Tell("The disaster: sweeps are paused, and every database is restored to a second of its own")
	for _, name := range Databases {
		to := d.begin.Add(time.Duration((0.55 + 0.45*d.chance.Float64()) * float64(took)))
		r, err := Rewind(ctx, stack.Project, name, to)
		if err != nil {
			return err
		}
		d.report.Restored = append(d.report.Restored, r)
	}
	return nil
}

// sweep runs the sweeps, once a second, until the function that it answers is called.
func (d *drill) sweep(ctx context.Context) (pause func()) {
	ctx, cancel := context.WithCancel(ctx)
	var jobs []scheduler.Job
	for _, name := range []string{"sweep-orders", "sweep-journals"} {
		jobs = append(jobs, scheduler.Job{Name: name, Cron: "* * * * *", URL: d.UnitURL(name)})
	}
	var running sync.WaitGroup
	running.Go(func() { _ = scheduler.Run(ctx, jobs, scheduler.Options{Every: time.Second}) })
	return func() { cancel(); running.Wait() }
}

// check looks at what is broken, as if nothing were to come.
func (d *drill) check(ctx context.Context) error {
	w, err := d.look.World(ctx)
	d.report.Found = promise.Check(w, time.Now(), true)
	return err
}

// catchUp has orders get back what they lost from the archive, once that has all that was published.
func (d *drill) catchUp(ctx context.Context) error {
	d.Tell("Catching up with the archive")
	if err := d.Archive(ctx); err != nil {
		return err
	}
	outcomes, _, err := d.look.CatchUp(ctx, catchup.Options{Since: d.begin})
	for _, o := range outcomes {
		if o.Err != nil {
			return fmt.Errorf("catch order %s up: %w", o.OrderID, o.Err)
		}
		if o.Person != "" {
			d.report.Person[o.OrderID] = o.Person
		}
	}
	d.report.CaughtUp = outcomes
	return err
}

// repair plans and acts until a plan has nothing to do.
func (d *drill) repair(ctx context.Context) error {
	d.Tell("Repairing")
	for range rounds {
		w, err := d.look.World(ctx)
		if err != nil {
			return err
		}
		acted := false
		for _, f := range catchup.Plan(w, d.report.CaughtUp, d.begin) {
			out := d.repairing.Do(ctx, f)
			acted = acted || len(out.Done) > 0 || out.Err != nil
			d.note(out)
		}
		if !acted {
			return nil
		}
	}
	return nil
}

// note keeps an outcome, the first time that something was done or a person was asked.
func (d *drill) note(o repair.Outcome) {
	known := d.report.Person[o.OrderID] != ""
	switch {
	case o.Person != "":
		d.report.Person[o.OrderID] = o.Person
	case o.ForPerson():
		d.report.Person[o.OrderID] = o.Err.Error()
	}
	if len(o.Done) > 0 || o.Err != nil || !known {
		d.report.Repaired = append(d.report.Repaired, o)
	}
}

// rest resumes the sweeps, waits until nothing is on its way, repairs what came late, and checks.
func (d *drill) rest(ctx context.Context) error {
	d.Tell("Sweeps are resumed; waiting until nothing is on its way")
	defer d.sweep(ctx)()
	for deadline := time.Now().Add(d.Wait); ; {
		w, err := d.look.World(ctx)
		if err != nil {
			return err
		}
		orders, journals := w.OnItsWay()
		if orders+journals == 0 && !w.StockMoved || time.Now().After(deadline) {
			break
		}
		if err := pause(ctx, 300*time.Millisecond); err != nil {
			return err
		}
	}
	if err := d.repair(ctx); err != nil {
		return err
	}
	w, err := d.look.World(ctx)
	d.report.Left = promise.Check(w, time.Now(), true)
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Persons are the orders that are for a person, by id.
func (r Report) Persons() (ids []string) {
	for id := range r.Person {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
