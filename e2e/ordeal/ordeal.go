// Package ordeal lets chaos loose on an isolated stack under load, and holds every promise against what came of it:
// `orderflow chaos` shows it.
package ordeal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"orderflow.dev/e2e"
	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/internal/promise"
	"orderflow.dev/local/chaos"
	"orderflow.dev/local/skew"
	"orderflow.dev/local/stack"
)

// Options configure Run.
type Options struct {
	Seed      uint64
	Orders    int                        // how many are placed, a fifth of them by uploaded files
	Workers   int                        // orders placed at once; 32 if zero
	Baskets   [][]*orderv1.RequestedLine // what is ordered, in turn; made up if empty
	Catalogue []*inventoryv1.StatedItem  // the products of Baskets, all in GBP
	Settle    time.Duration              // how long everything may take to come to rest afterwards; 10 minutes if zero
	Clocks    bool                       // units' clocks are wrong: see skew.Program, which takes Go and Orderflow's source
	Emulators string                     // see stack.Options
	Dir       string                     // of the stack; temporary if empty
	Log       io.Writer                  // of all processes; nil: only the stack's own file
	Steps     func(string)               // told what is being done; may be nil
	// Placed and Ended are told how many orders were placed, or are not on their way any more; they may be nil.
	Placed, Ended func(n int)
}

// Report is what came of it.
type Report struct {
	Faults     []chaos.Count
	Duplicates int // events that a subscription took though it had taken them before
	Events     int // that subscriptions took
	Replayed   int // orders that were placed again under their key
	Acts       int // of operators that were taken, each asked for twice
	Poison     int // messages sent that nothing can handle
	Parked     int // dead letters
	PutBack    int // of them replayed, since they were no poison
	Told       int // customers who were told how their order ended
	Backwards  int // events of orders that are dated before the event before them, since clocks differ
	Ended      map[string]int
	Finish     []time.Duration // from when each order was asked for until its end was published, ascending
	Took       time.Duration   // while things went wrong
	Rest       time.Duration   // until everything had come to rest afterwards
	Verdicts   []promise.Verdict
	Violations []string
}

// stackOptions shorten production's waits, so that what is lost is made up for within seconds.
func (o Options) stackOptions(c *chaos.Chaos) stack.Options {
	return stack.Options{
		Isolate: true, Chaos: c, Emulators: o.Emulators, Dir: o.Dir, Log: o.Log, Steps: o.Steps,
		SweepEvery: time.Second, SagaPatience: 10 * time.Second, JournalGrace: 5 * time.Second, OrderExpiry: 3 * time.Minute,
		ProviderTimeout: time.Second, ImportPatience: 15 * time.Second, ImportRate: 100, FirestoreHeap: "4g", PubSubHeap: "2g",
	}
}

// Run starts a stack of its own, and stops it. The error says that the run itself came to nothing; what the pipeline did
// wrong is in the report. The program must call stack.BeUnit first.
func Run(ctx context.Context, o Options) (*Report, error) {
	o.defaults()
	program, clean, err := o.program(ctx)
	if err != nil {
		return nil, err
	}
	defer clean()
	c := chaos.New(chaos.Options{Seed: o.Seed, Program: program})
	s, err := stack.Start(ctx, o.stackOptions(c))
	if err != nil {
		return nil, err
	}
	defer s.Stop()
	if err := e2e.LoadCatalogue(ctx, s.Endpoints, o.catalogue(), nil); err != nil {
		return nil, err
	}
	look, err := stack.Inspect(ctx, s.Endpoints)
	if err != nil {
		return nil, err
	}
	r := &run{Options: o, stack: s, chaos: c, look: look, placed: placed{asked: map[string]time.Time{}}}
	if err := r.load(ctx); err != nil {
		return nil, errors.Join(err, s.Err())
	}
	return r.judge(ctx)
}

// program builds what units run as, if their clocks are to be wrong.
func (o Options) program(ctx context.Context) (program string, clean func(), err error) {
	if !o.Clocks {
		return "", func() {}, nil
	}
	o.Steps("building units whose clocks can be wrong")
	folder, err := os.MkdirTemp("", "orderflow-chaos-*")
	if err != nil {
		return "", nil, err
	}
	if program, err = skew.Program(ctx, folder); err != nil {
		os.RemoveAll(folder)
		return "", nil, err
	}
	return program, func() { os.RemoveAll(folder) }, nil
}

func (o *Options) defaults() {
	if o.Workers == 0 {
		o.Workers = 32
	}
	if o.Settle == 0 {
		o.Settle = 10 * time.Minute
	}
	if o.Steps == nil {
		o.Steps = func(string) {}
	}
	if o.Placed == nil {
		o.Placed = func(int) {}
	}
	if o.Ended == nil {
		o.Ended = func(int) {}
	}
}

// run is a run under way.
type run struct {
	Options
	stack  *stack.Stack
	chaos  *chaos.Chaos
	look   *stack.Inspector
	placed placed
	took   time.Duration

	operator e2e.Operator
}

// load places all orders while everything goes wrong.
func (r *run) load(ctx context.Context) error {
	r.Steps("orders, while everything goes wrong")
	began := time.Now()
	r.chaos.Start()
	err := r.placeAll(ctx)
	r.chaos.Stop()
	r.took = time.Since(began)
	return err
}

// judge waits for the end of everything that is on its way, and says what came of it.
func (r *run) judge(ctx context.Context) (*Report, error) {
	r.Steps("what is on its way still")
	began := time.Now()
	report := &Report{
		Faults: r.chaos.Counts(), Took: r.took, Replayed: r.placed.replayed, Acts: int(r.placed.acts.Load()), Ended: map[string]int{},
		Poison: len(r.chaos.Poisoned()), Violations: slices.Concat(r.chaos.Violations(), r.placed.wrong),
	}
	report.Events, report.Duplicates = r.chaos.Taken()
	w, _, err := r.rest(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.letters(ctx, w, report); err != nil {
		return nil, err
	}
	w, quiet, err := r.rest(ctx) // what was put back may have set something going
	if err != nil {
		return nil, err
	}
	report.Rest = time.Since(began)
	r.count(report, w)
	w.Acknowledged = append(w.Acknowledged, r.placed.acknowledged...)
	report.Verdicts = promise.Check(w, time.Now(), quiet)
	if !quiet {
		orders, journals := w.OnItsWay()
		report.fail("after %s, %d orders and the events of %d journals are still on their way", r.Settle, orders, journals)
	}
	for _, v := range report.Verdicts {
		for _, b := range v.Violations {
			report.fail("%s: order %s: %s", v.Promise, b.OrderID, b.Why)
		}
	}
	if n := len(w.Orders); n != r.placed.orders() {
		report.fail("there are %d orders, and %d were taken", n, r.placed.orders())
	}
	return report, nil
}

func (r *Report) fail(format string, args ...any) {
	r.Violations = append(r.Violations, fmt.Sprintf(format, args...))
}

// count says how orders ended, and how long that took.
func (r *run) count(report *Report, w promise.World) {
	for _, o := range w.Orders {
		for i, e := range o.Journal.Entries {
			if i > 0 && e.Event.GetEventTime().AsTime().Before(o.Journal.Entries[i-1].Event.GetEventTime().AsTime()) {
				report.Backwards++
			}
			how := ""
			switch ev := e.Event.(type) {
			case *eventv1.OrderConfirmed:
				how = "confirmed"
			case *eventv1.OrderCancelled:
				how = "cancelled: " + ev.GetReason()
			default:
				continue
			}
			report.Ended[how]++
			report.Finish = append(report.Finish, r.seen(o.ID, e.Event.GetSeq()).Sub(r.asked(o.ID)))
		}
	}
	slices.Sort(report.Finish)
}

// seen is when an event was on its way first. What units wrote down may be seconds off.
func (r *run) seen(id string, seq int64) time.Time {
	return r.chaos.Seen(fmt.Sprintf("orders/%s/%d", id, seq))
}

// asked is when an order was asked for first; of a file's, when its creation was first on its way.
func (r *run) asked(id string) time.Time {
	if at, ok := r.placed.asked[id]; ok {
		return at
	}
	return r.seen(id, 1)
}

// Fired is how many faults hit, all classes together.
func (r *Report) Fired() (n int) {
	for _, c := range r.Faults {
		n += c.Fired
	}
	return n
}

// rest waits until nothing is on its way, as long as that may take.
func (r *run) rest(ctx context.Context) (w promise.World, quiet bool, err error) {
	for deadline := time.Now().Add(r.Settle); ; {
		if w, err = r.look.World(ctx); err != nil {
			return w, false, err
		}
		orders, journals := w.OnItsWay()
		r.Ended(len(w.Orders) - orders)
		quiet = orders+journals == 0 && !w.StockMoved
		if quiet || time.Now().After(deadline) {
			return w, quiet, nil
		}
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
			return w, false, ctx.Err()
		}
	}
}
