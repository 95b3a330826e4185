package main

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	tree "orderflow.dev"
	"orderflow.dev/internal/diagnosis"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/rpc"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/stack"
)

// look is a doctor's: what it looks at, and what it has seen.
type look struct {
	steps map[string]func(context.Context) error // by check
	units []unit.Unit
	now   time.Time

	mu   sync.Mutex
	seen diagnosis.Seen
}

// lookTime is how long one look may take. Whoever waits for it is tired.
const lookTime = 15 * time.Second

// lookAt is now; tests look later.
var lookAt = time.Now

// newLook decides what to look at.
func newLook(ctx context.Context, f doctorFlags) (*look, error) {
	units, err := unit.Load(tree.Tree)
	if err != nil {
		return nil, err
	}
	l := &look{units: units, now: lookAt(), seen: diagnosis.Seen{Project: f.project, Clocks: map[string]time.Duration{}, Unseen: map[string]error{}}}
	l.seen.At = l.now
	if f.project != "" {
		cloud, err := newCloudLook(ctx, l, f)
		if err != nil {
			return nil, err
		}
		l.steps = cloud.steps()
		return l, l.addStores(ctx, f.project)
	}
	e, err := stack.Running()
	if err != nil {
		return nil, err
	}
	e.Use()
	l.steps = (&localLook{l, e}).steps()
	return l, l.addStores(ctx, stack.Project)
}

// everything looks at everything, all at once, and answers what was seen.
func (l *look) everything(ctx context.Context, bar *progress) diagnosis.Seen {
	defer bar.Done()
	l.see(func(s *diagnosis.Seen) { s.Limits = l.limits() })
	var (
		all  sync.WaitGroup
		done int
	)
	for check, step := range l.steps {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, lookTime)
			defer cancel()
			err := step(ctx)
			l.see(func(s *diagnosis.Seen) {
				switch fault.Code(err) {
				case codes.OK:
				case codes.Unavailable, codes.DeadlineExceeded: // whoever was asked is in trouble
					s.Parts = append(s.Parts, diagnosis.Part{Name: check, Err: err})
				default:
					s.Unseen[check] = err
				}
				done++
				bar.Set(done)
			})
		})
	}
	all.Wait()
	slices.SortFunc(l.seen.Parts, func(a, b diagnosis.Part) int { return strings.Compare(a.Name, b.Name) })
	return l.seen
}

func (l *look) see(what func(*diagnosis.Seen)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	what(&l.seen)
}

// addStores adds what the databases tell, which are the same everywhere.
func (l *look) addStores(ctx context.Context, project string) error {
	databases := map[string]*store.Firestore{}
	for _, name := range []string{"orders", "payments", "imports", "platform"} {
		db, err := store.Open(ctx, project, name)
		if err != nil {
			return err
		}
		databases[name] = db
	}
	l.seen.Unpublished = map[string]time.Time{}
	for _, name := range []string{"orders", "payments"} {
		l.steps["unpublished: "+name] = func(ctx context.Context) error {
			oldest, err := store.OldestUnpublished(ctx, databases[name], name)
			if err == nil {
				l.see(func(s *diagnosis.Seen) { s.Unpublished[name] = oldest })
			}
			return err
		}
	}
	l.steps["clock: Firestore"] = func(ctx context.Context) error {
		asked := time.Now()
		theirs, err := databases["orders"].Clock(ctx)
		if err == nil {
			l.clock("Firestore", asked, theirs)
		}
		return err
	}
	l.steps["orders"] = func(ctx context.Context) error { return l.orders(ctx, databases["orders"]) }
	l.steps["imports"] = func(ctx context.Context) error { return l.imports(ctx, databases["imports"]) }
	l.steps["dead letters"] = func(ctx context.Context) error { return l.deadLetters(ctx, databases["platform"]) }
	return nil
}

// clock compares what a clock said with ours, from when it was asked until now: an answer may be slow, and its clock right.
func (l *look) clock(name string, asked, theirs time.Time) {
	now := time.Now()
	var ahead time.Duration
	switch {
	case theirs.After(now):
		ahead = theirs.Sub(now)
	case theirs.Before(asked):
		ahead = theirs.Sub(asked)
	}
	l.see(func(s *diagnosis.Seen) { s.Clocks[name] = ahead })
}

// mostOrders is how many unfinished orders are read: it is a look, no audit.
const mostOrders = 4000

func (l *look) orders(ctx context.Context, db store.Database) error {
	// Every order that has not ended is looked at again by the sweep at some time.
	due, err := store.NewOrders(db, nil, time.Now).Due(ctx, l.now.Add(24*time.Hour), mostOrders)
	if len(due) == 0 && err != nil {
		return err
	}
	found := &diagnosis.Orders{More: len(due) >= mostOrders}
	for _, o := range due {
		one := diagnosis.Order{ID: o.ID, Expires: o.Created().GetExpireTime().AsTime(), Attempts: o.Attempts}
		if status, since := o.Status(); status == order.Cancelling {
			one.Cancelling = since
		}
		found.Unfinished = append(found.Unfinished, one)
	}
	l.see(func(s *diagnosis.Seen) { s.Orders = found })
	return err
}

// mostImports is how many unfinished imports are read.
const mostImports = 400

func (l *look) imports(ctx context.Context, db store.Database) error {
	due, err := store.NewImports(db).Due(ctx, l.now.Add(24*time.Hour), mostImports)
	if len(due) == 0 && err != nil {
		return err
	}
	found := []diagnosis.Import{}
	for _, im := range due {
		changed, _ := im.Version.(time.Time) // as which the document was written
		found = append(found, diagnosis.Import{ID: im.ID, Name: im.Upload.Name, Changed: changed})
	}
	l.see(func(s *diagnosis.Seen) { s.Imports = found })
	return err
}

func (l *look) deadLetters(ctx context.Context, db store.Database) error {
	found := []diagnosis.DeadLetter{}
	err := store.NewDeadLetters(db, time.Now).Each(ctx, func(d store.DeadLetter) {
		if d.Open() {
			found = append(found, diagnosis.DeadLetter{Function: d.Function, Parked: d.ParkTime})
		}
	})
	if err == nil {
		l.see(func(s *diagnosis.Seen) { s.DeadLetters = found })
	}
	return err
}

// limits are those of the units as this command knows them.
func (l *look) limits() (limits []diagnosis.Limit) {
	for _, u := range l.units {
		limit := diagnosis.Limit{Unit: u.Name, Timeout: time.Duration(u.Timeout), Instances: u.MaxInstances, Used: -1}
		if len(u.Calls) > 0 {
			limit.Waits = rpc.Timeout
		}
		limits = append(limits, limit)
	}
	return limits
}

// minutely are the functions that run every minute.
func (l *look) minutely() (names []string) {
	for _, u := range l.units {
		if u.Trigger.Schedule == "* * * * *" {
			names = append(names, u.Name)
		}
	}
	return names
}
