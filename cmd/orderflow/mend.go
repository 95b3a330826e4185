package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"orderflow.dev/internal/catchup"
	"orderflow.dev/internal/repair"
)

// persons is what was left to a person, by order.
type persons map[string]string

// others are the violations of orders that nobody was told of.
func (p persons) others(all []broken) []broken {
	return slices.DeleteFunc(all, func(b broken) bool { return p[b.orderID] != "" })
}

// mend catches orders up with the archive, plans a repair and does it, or says what it would do. It answers what is left to a
// person, and how many rebuilt orders a person must ask about.
func mend(ctx context.Context, out io.Writer, at place, f checkFlags) (left persons, rebuilt int, err error) {
	caught, err := catchUp(ctx, out, at, f)
	if err != nil {
		return nil, 0, err
	}
	w, err := at.World(ctx)
	if err != nil {
		return nil, 0, err
	}
	plan := catchup.Plan(w, caught.outcomes, caught.since)
	switch {
	case len(plan)+len(caught.outcomes) == 0:
		fmt.Fprintln(out, "nothing to repair")
		return nil, 0, nil
	case f.dryRun:
		for _, f := range plan {
			printOutcome(out, repair.Outcome{Finding: f})
		}
		return nil, 0, nil
	}
	left, err = act(ctx, out, at, plan)
	for _, o := range caught.outcomes {
		if o.Person != "" {
			left[o.OrderID] = strings.TrimSpace(o.Person + " " + left[o.OrderID])
		}
	}
	fmt.Fprintf(out, "\nlooked into %d, %d are for a person\n\n", len(plan)+len(caught.outcomes), len(left)+caught.rebuilt)
	return left, caught.rebuilt, err
}

// act does what a plan says, and answers what is left to a person.
func act(ctx context.Context, out io.Writer, at place, plan []repair.Finding) (persons, error) {
	left, failed := persons{}, 0
	if len(plan) == 0 {
		return left, nil
	}
	repairing, err := at.Repairing(ctx)
	if err != nil {
		return left, err
	}
	for _, f := range plan {
		if err := ctx.Err(); err != nil {
			return left, err
		}
		o := repairing.Do(ctx, f)
		printOutcome(out, o)
		switch {
		case o.ForPerson():
			left[o.OrderID] = personal(o)
		case o.Err != nil:
			failed++
		}
	}
	if failed > 0 {
		return left, fmt.Errorf("%d of %d repairs were not finished: see above, and repair again", failed, len(plan))
	}
	return left, nil
}

// personal is what a person is to do about an outcome; empty if nothing.
func personal(o repair.Outcome) string {
	if o.Person == "" && o.ForPerson() {
		return o.Err.Error()
	}
	return o.Person
}

// printOutcome prints what was found, and what was done or, if nothing was yet, would be.
func printOutcome(out io.Writer, o repair.Outcome) {
	mark, did := "·", o.Done
	switch {
	case o.Err != nil:
		mark = "✗"
	case len(o.Done) > 0:
		mark = "✓"
	default:
		for _, a := range o.Acts {
			did = append(did, a.Do)
		}
	}
	fmt.Fprintf(out, "%s %s%s\n", mark, cmp.Or(o.OrderID, "stock"), ": "+o.What)
	if len(did) > 0 {
		fmt.Fprintf(out, "    %s\n", join(did))
	}
	for _, more := range []struct{ title, text string }{{"note", o.Note}, {"for a person", personal(o)}} {
		if more.text != "" {
			fmt.Fprintf(out, "    %s: %s\n", more.title, more.text)
		}
	}
	if o.Err != nil {
		fmt.Fprintf(out, "    not done: %v\n", o.Err)
	}
}

func join(deeds []repair.Deed) string {
	words := make([]string, len(deeds))
	for i, d := range deeds {
		words[i] = string(d)
	}
	return strings.Join(words, ", then ")
}
