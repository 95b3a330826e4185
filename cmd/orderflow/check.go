package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"orderflow.dev/internal/promise"
	"orderflow.dev/local/stack"
)

type checkFlags struct {
	wait  time.Duration
	slack time.Duration
	show  int
}

// errBroken says that a promise is broken; which, has been printed.
var errBroken = errors.New("promises are broken")

func checkCommand() *cobra.Command {
	var f checkFlags
	c := &cobra.Command{
		Use:   "check",
		Short: "Check what Orderflow promises on the running stack, order by order",
		Long: `Reads every order, payment, reservation, product and dead letter of the running stack, the payment provider's own
ledger, and which orders its log says were acknowledged, and holds the promises of docs/promises.md against them. Prints a
table and, of each order that breaks a promise, why and its timeline. Exits 1 if any promise is broken.
While orders are on their way, what only the end can show is not held against them: --wait waits for the end.`,
		Example: `  orderflow check
  orderflow check --wait 30s                     # first until nothing is on its way, at most so long
  orderflow check --wait 1m --show 0             # the table and the reasons only`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return check(cmd.Context(), cmd.OutOrStdout(), f) },
	}
	fl := c.Flags()
	fl.DurationVar(&f.wait, "wait", 0, "wait until nothing is on its way, at most so long")
	fl.DurationVar(&f.slack, "slack", promise.DefaultSlack, "how long after its expire_time an order may take to end")
	fl.IntVar(&f.show, "show", 10, "timelines of at most so many violating orders")
	return c
}

func check(ctx context.Context, out io.Writer, f checkFlags) error {
	e, err := stack.Running()
	if err != nil {
		return err
	}
	in, err := stack.Inspect(ctx, e)
	if err != nil {
		return err
	}
	w, quiet, err := gather(ctx, in, f.wait)
	if err != nil {
		return err
	}
	w.Slack = f.slack
	verdicts := promise.Check(w, time.Now(), quiet)
	printVerdicts(out, verdicts)
	printWhatIsLeft(out, w)
	violations := violationsByOrder(verdicts)
	if len(violations) == 0 {
		fmt.Fprintf(out, "\n✓ every promise that could be checked holds, over %d orders\n", len(w.Orders))
		return nil
	}
	if err := printViolations(ctx, out, in, violations, f.show); err != nil {
		return err
	}
	return errBroken
}

// gather reads the stack, again and again until nothing is on its way or the wait is over.
func gather(ctx context.Context, in *stack.Inspector, wait time.Duration) (w promise.World, quiet bool, err error) {
	for deadline := time.Now().Add(wait); ; {
		if w, err = in.World(ctx); err != nil {
			return w, false, err
		}
		orders, journals := w.OnItsWay()
		quiet = orders+journals == 0 && !w.StockMoved
		if quiet || time.Now().After(deadline) {
			return w, quiet, nil
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return w, false, ctx.Err()
		}
	}
}

func printVerdicts(out io.Writer, verdicts []promise.Verdict) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "promise\tchecked\tviolations\t")
	for _, v := range verdicts {
		fmt.Fprintf(t, "%s\t%d %s\t%d\t%s\n", v.Promise, v.Checked, v.What, len(v.Violations), v.Note)
	}
	t.Flush()
}

// printWhatIsLeft says what the verdicts are not about yet.
func printWhatIsLeft(out io.Writer, w promise.World) {
	if orders, journals := w.OnItsWay(); orders+journals > 0 {
		fmt.Fprintf(out, "\non their way: %d orders that have not ended, %d journals with events not known to be published\n", orders, journals)
	}
	for i, l := range w.DeadLetters {
		if i == 5 {
			fmt.Fprintf(out, "dead letters: and %d more\n", len(w.DeadLetters)-i)
			break
		}
		fmt.Fprintf(out, "dead letter: order %s, %s: %s\n", l.OrderID, l.Function, l.Reason)
	}
}

// broken is a violation and the promise that it breaks.
type broken struct {
	promise, orderID, why string
}

// violationsByOrder are all violations, an order's together, those of no order first.
func violationsByOrder(verdicts []promise.Verdict) (all []broken) {
	for _, v := range verdicts {
		for _, b := range v.Violations {
			all = append(all, broken{v.Promise, b.OrderID, b.Why})
		}
	}
	slices.SortStableFunc(all, func(a, b broken) int { return cmp.Compare(a.orderID, b.orderID) })
	return all
}

// printViolations prints each order's reasons and, of the first few, what happened to it.
func printViolations(ctx context.Context, out io.Writer, in *stack.Inspector, all []broken, show int) error {
	for len(all) > 0 {
		id := all[0].orderID
		n := slices.IndexFunc(all, func(b broken) bool { return b.orderID != id })
		if n < 0 {
			n = len(all)
		}
		if id == "" {
			fmt.Fprintln(out, "\n✗ of no one order")
		} else {
			fmt.Fprintf(out, "\n✗ order %s\n", id)
		}
		for _, b := range all[:n] {
			fmt.Fprintf(out, "  %s: %s\n", b.promise, b.why)
		}
		all = all[n:]
		if id == "" || show == 0 {
			continue
		}
		show--
		if err := printHistory(ctx, out, in, id); err != nil {
			return err
		}
	}
	return nil
}

func printHistory(ctx context.Context, out io.Writer, in *stack.Inspector, orderID string) error {
	timeline, err := in.Timeline(ctx, orderID)
	if err != nil {
		fmt.Fprintf(out, "  its timeline cannot be read: %v\n", err)
		return ctx.Err()
	}
	if len(timeline) > 0 {
		printTimeline(out, timeline[0].Time, timeline)
	}
	return nil
}
