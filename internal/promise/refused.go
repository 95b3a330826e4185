package promise

import (
	"slices"
	"time"

	"orderflow.dev/internal/inventory"
)

func refusedOnlyWhenShort(p *past, v *Verdict) {
	v.Checked = len(p.Refusals)
	levels := map[string][]Level{}
	for _, of := range grouped(p.Levels, func(l Level) string { return l.SKU }) {
		slices.SortStableFunc(of, func(a, b Level) int { return a.At.Compare(b.At) })
		levels[of[0].SKU] = of
	}
	recorded := map[string]bool{}
	for _, r := range p.Refusals {
		recorded[r.OrderID] = true
		free := r.least(levels[r.SKU])
		v.failIf(free >= r.Wanted, r.OrderID, "it was refused %d of %s while %d or more were free", r.Wanted, r.SKU, free)
		p.refusedAsAsked(v, r)
	}
	for _, r := range p.Reservations {
		unseen := r.State == inventory.Refused && !recorded[r.OrderID]
		v.failIf(unseen, r.OrderID, "it was refused, and the history does not say when")
	}
}

// least is the least that was free between asking and deciding, both included, or the first that was too little. Before
// its first level a product has 0.
func (r Refusal) least(levels []Level) (free int64) {
	next, _ := slices.BinarySearchFunc(levels, r.Asked, func(l Level, asked time.Time) int {
		if l.At.After(asked) {
			return 1
		}
		return -1
	})
	if next > 0 {
		free = levels[next-1].Available
	}
	for _, l := range levels[next:] {
		if free < r.Wanted || l.At.After(r.Decided) {
			break
		}
		free = min(free, l.Available)
	}
	return free
}

// refusedAsAsked: a refusal is of what the order wants, after it asked, and for good.
func (p *past) refusedAsAsked(v *Verdict, r Refusal) {
	v.failIf(r.Decided.Before(r.Asked), r.OrderID, "it was refused before it asked")
	if o := p.orders[r.OrderID]; o != nil {
		wants := int64(o.quantities()[r.SKU])
		v.failIf(r.Wanted != wants, r.OrderID, "it was refused %d of %s, it wants %d", r.Wanted, r.SKU, wants)
	}
	if stored := p.reservations[r.OrderID]; stored != nil {
		v.failIf(stored.State != inventory.Refused, r.OrderID, "it was refused, and its stock is %s", stored.State)
	}
}
