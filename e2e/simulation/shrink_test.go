package simulation

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// shrinker looks for the least that still breaks a promise: fewer classes of faults, fewer orders, fewer faults. It can,
// because what is taken away changes nothing else (see dice).
type shrinker struct {
	t       *testing.T
	promise string
	runs    int
}

// mostRuns bounds a search.
const mostRuns = 1000

func shrunk(t *testing.T, p plan) outcome {
	t.Helper()
	o := run(t, p)
	s := &shrinker{t: t, promise: o.first()}
	o = s.classes(o)
	o = s.customers(o)
	o = s.faults(o)
	return o
}

// first is the first promise that a run breaks; empty if it breaks none.
func (o outcome) first() string {
	for _, v := range o.verdicts {
		if len(v.Violations) > 0 {
			return v.Promise
		}
	}
	return ""
}

// try answers what comes of a plan if it breaks the promise too, and otherwise what there was.
func (s *shrinker) try(p plan, before outcome) (outcome, bool) {
	if s.runs++; s.runs > mostRuns {
		return before, false
	}
	o := run(s.t, p)
	for _, v := range o.verdicts {
		if v.Promise == s.promise && len(v.Violations) > 0 {
			return o, true
		}
	}
	return before, false
}

func (s *shrinker) classes(o outcome) outcome {
	for _, f := range troubles {
		if o.rate[f] > 0 {
			o, _ = s.try(o.without(f), o)
		}
	}
	return o
}

// customers keeps those whose order is broken; if that is not it, it takes away what it can.
func (s *shrinker) customers(o outcome) outcome {
	_, broken := o.violations()
	p := o.plan
	p.only = map[int]bool{}
	for i := range p.orders {
		if len(broken) > 0 && o.customer(i).order == broken[0] {
			p.only[i] = true
		}
	}
	if alone, ok := s.try(p, o); ok {
		return alone
	}
	all := make([]int, o.orders)
	for i := range all {
		all[i] = i
	}
	return reduce(all, o, func(keep []int, before outcome) (outcome, bool) {
		q := before.plan
		q.only = map[int]bool{}
		for _, i := range keep {
			q.only[i] = true
		}
		return s.try(q, before)
	})
}

func (s *shrinker) faults(o outcome) outcome {
	all := o.fired
	return reduce(all, o, func(keep []fired, before outcome) (outcome, bool) {
		q := before.plan
		q.spared = map[dice]bool{}
		for _, f := range all {
			if !slices.Contains(keep, f) {
				q.spared[f.dice] = true
			}
		}
		return s.try(q, before)
	})
}

// reduce takes pieces away, smaller and smaller ones, as long as try finds that what is kept is enough.
func reduce[T any](keep []T, o outcome, try func([]T, outcome) (outcome, bool)) outcome {
	for size := (len(keep) + 1) / 2; size >= 1 && len(keep) > 0; {
		removed := false
		for at := 0; at < len(keep); {
			less := slices.Concat(keep[:at], keep[min(at+size, len(keep)):])
			var ok bool
			if o, ok = try(less, o); ok {
				keep, removed = less, true
			} else {
				at += size
			}
		}
		if size == 1 && !removed {
			break
		}
		size = max(1, size/2)
	}
	return o
}

// explanation is what is left of a run that breaks a promise, for people.
func (o outcome) explanation() string {
	var b strings.Builder
	broken, ids := o.violations()
	kept := o.orders
	if o.only != nil {
		kept = len(o.only)
	}
	if len(broken) == 0 {
		return "the second time the same plan breaks nothing: something is not decided by the seed"
	}
	fmt.Fprintf(&b, "shrunk to %d orders and %d faults, which break\n  %s\n", kept, len(o.fired), strings.Join(broken, "\n  "))
	for _, f := range o.fired {
		fmt.Fprintf(&b, "  order %s, %s: %s\n", cmp.Or(f.order, "-"), f.what, f.kind)
	}
	for _, id := range slices.Sorted(maps.Keys(o.timeline)) { // a product's violation names no order, a document's does in its text
		if id != "" && (strings.Contains(broken[0], id) || len(o.timeline) < 3) {
			ids = append(ids, id)
		}
	}
	for _, id := range ids[:min(len(ids), 1)] {
		fmt.Fprintf(&b, "\norder %s\n%s", id, o.story(id))
	}
	fmt.Fprintf(&b, "\nagain: go test ./e2e/simulation -run Promises -seed %d -orders %d\n", o.seed, size)
	return b.String()
}
