package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"orderflow.dev/internal/catchup"
	"orderflow.dev/internal/promise"
	"orderflow.dev/internal/repair"
	"orderflow.dev/local/drill"
)

func drillCommand() *cobra.Command {
	c := &cobra.Command{Use: "drill", Short: "Rehearse a disaster on a stack of its own"}
	c.AddCommand(drillRestore())
	return c
}

func drillRestore() *cobra.Command {
	o := drill.Options{Wait: time.Minute}
	show := 5
	c := &cobra.Command{
		Use:   "restore",
		Short: "Lose every database, restore each to another second, and repair",
		Long: `Starts the whole pipeline, places orders of every ending, and puts every database back to a second of its own, as
backups and point-in-time recovery do. The payment provider, the archive, messages and sagas stay where they were. Then it
checks the promises, repairs as orderflow check --repair does, first from the archive, waits until nothing is on its way, and
checks again. Exits 1 if any promise is broken then, but for the orders that a person was told of.`,
		Example: `  orderflow drill restore
  orderflow drill restore --seed 7 --orders 400 --for 20s`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return rehearse(cmd.Context(), cmd.OutOrStdout(), o, show)
		},
	}
	fl := c.Flags()
	fl.Uint64Var(&o.Seed, "seed", 1, "chooses the orders and the moments")
	fl.IntVar(&o.Orders, "orders", 240, "how many are placed")
	fl.DurationVar(&o.For, "for", 12*time.Second, "in which time they are placed")
	fl.IntVar(&show, "show", show, "at most so many repairs and so many orders for a person")
	return c
}

func rehearse(ctx context.Context, out io.Writer, o drill.Options, show int) error {
	if o.Orders < 1 || o.For <= 0 {
		return errors.New("a drill needs --orders and --for above zero")
	}
	s, err := start(ctx, out, drill.Stack)
	if err != nil {
		return err
	}
	defer s.Stop()
	fmt.Fprintln(out)
	o.Tell = func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	r, err := drill.Run(ctx, s, o)
	if err != nil {
		return err
	}
	printRestored(out, r.Restored)
	printArchived(out, r.CaughtUp)
	printRepaired(out, r, show)
	printBeforeAfter(out, r)
	if broken := r.Broken(); len(broken) > 0 {
		return fmt.Errorf("promises are broken after the repair:\n  %s", strings.Join(broken, "\n  "))
	}
	fmt.Fprintf(out, "\n✓ every promise holds again, but for %d orders that are for a person, who also asks for %d addresses\n", len(r.Person), r.Rebuilt())
	return nil
}

// printArchived counts what orders got back, by the events that they had lost.
func printArchived(out io.Writer, all []catchup.Outcome) {
	kinds := map[string]int{}
	for _, o := range all {
		if len(o.Appended) == 0 {
			continue
		}
		kind := "got back\t" + eventNames(o.Appended)
		if o.Rebuilt {
			kind = "lost, and rebuilt\t" + eventNames(o.Appended) + "; a person asks for the address"
		}
		kinds[kind]++
	}
	fmt.Fprintln(out, "\nCaught up with the archive")
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		fmt.Fprintf(t, "  %d\t%s\n", kinds[kind], kind)
	}
	t.Flush()
}

func printRestored(out io.Writer, all []drill.Rewound) {
	last := slices.MaxFunc(all, func(a, b drill.Rewound) int { return a.To.Compare(b.To) }).To
	fmt.Fprintln(out, "\nRestored")
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  database\tto\tdocuments\tset back\tlost")
	for _, r := range all {
		fmt.Fprintf(t, "  %s\t%s (%+.1f s)\t%d\t%d\t%d\n", r.Database, r.To.Local().Format("15:04:05.000"), r.To.Sub(last).Seconds(), r.Documents, r.Older, r.Removed)
	}
	t.Flush()
}

// printRepaired counts what was done, and shows the first few of each kind.
func printRepaired(out io.Writer, r drill.Report, show int) {
	kinds := map[string][]repair.Outcome{}
	for _, o := range r.Repaired {
		kind := o.What
		if o.OrderID == "" {
			kind = "a product's held stock is not that of its reservations"
		}
		kinds[kind+"\t"+join(o.Done)] = append(kinds[kind+"\t"+join(o.Done)], o)
	}
	fmt.Fprintln(out, "\nRepaired")
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		fmt.Fprintf(t, "  %d\t%s\n", len(kinds[kind]), kind)
	}
	t.Flush()
	fmt.Fprintf(out, "\nFor a person (%d)\n", len(r.Person))
	for n, id := range r.Persons() {
		if n == show {
			fmt.Fprintf(out, "  and %d more\n", len(r.Person)-n)
			break
		}
		fmt.Fprintf(out, "  %s: %s\n", id, r.Person[id])
	}
}

func printBeforeAfter(out io.Writer, r drill.Report) {
	fmt.Fprintln(out, "\nChecked")
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  promise\tbroken after the restore\tafter the repair\tof which for a person")
	for i, v := range r.Found {
		left := r.Left[i].Violations
		told := slices.DeleteFunc(slices.Clone(left), func(b promise.Violation) bool { return r.Person[b.OrderID] == "" })
		fmt.Fprintf(t, "  %s\t%d\t%d\t%d\n", v.Promise, len(v.Violations), len(left), len(told))
	}
	t.Flush()
}
