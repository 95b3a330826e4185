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

	"orderflow.dev/internal/client"
	"orderflow.dev/internal/promise"
)

type checkFlags struct {
	wait           time.Duration
	slack          time.Duration
	show           int
	repair, dryRun bool
	archivedSince  string      // which events of the archive a repair reads
	progress       io.Writer   // where a bar may be shown
	at             client.Site // a project; the running stack if it has no name
}

// errBroken says that a promise is broken; which, has been printed.
var errBroken = errors.New("promises are broken")

func checkCommand() *cobra.Command {
	var f checkFlags
	c := &cobra.Command{
		Use:   "check",
		Short: "Check what Orderflow promises, order by order, and repair it after a restore",
		Long: `Reads every order, payment, reservation, product and dead letter of the running stack, the payment provider's own
ledger, and which orders its log says were acknowledged, and holds the promises of docs/promises.md against them. Prints a
table and, of each order that breaks a promise, why and its timeline. Exits 1 if any promise is broken.
While orders are on their way, what only the end can show is not held against them: --wait waits for the end.

With --repair, what is broken is first brought back to the promises, as after databases were restored, each perhaps to
another second: money follows the provider's ledger, what was confirmed stays so, the rest is undone or carried on by the
ordinary parts. Before that, orders get back from the archive what they lost: give --archived-since a time before the
moment that the orders database was restored to. Pause the sweeps and close the gateway first: see the runbook, "Restoring
databases". It may be done again at any time. What no machine can decide is listed for a person.

With --project it looks at a Google Cloud project, as whom gcloud's application default credentials say. That takes
roles/datastore.viewer (and to repair roles/datastore.user, roles/workflows.invoker, and roles/storage.objectViewer on the
bucket PROJECT-archive) and roles/run.invoker on the two services. Which orders were acknowledged is not known there.`,
		Example: `  orderflow check
  orderflow check --wait 30s                     # first until nothing is on its way, at most so long
  orderflow check --wait 1m --show 0             # the table and the reasons only
  orderflow check --repair --dry-run             # what a repair would do
  orderflow check --repair --wait 1m
  orderflow check --repair --archived-since 2026-11-20T08:00:00Z   # the orders database was restored to 9 o'clock that day
  orderflow check --repair --project my-project --payment-url https://payment-… --inventory-url https://inventory-…`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.progress = cmd.ErrOrStderr()
			return check(cmd.Context(), cmd.OutOrStdout(), f)
		},
	}
	fl := c.Flags()
	fl.DurationVar(&f.wait, "wait", 0, "wait until nothing is on its way, at most so long")
	fl.DurationVar(&f.slack, "slack", promise.DefaultSlack, "how long after its expire_time an order may take to end")
	fl.IntVar(&f.show, "show", 10, "timelines of at most so many violating orders")
	fl.BoolVar(&f.repair, "repair", false, "bring what is broken back to the promises, and then check")
	fl.BoolVar(&f.dryRun, "dry-run", false, "with --repair: only say what would be done")
	fl.StringVar(&f.archivedSince, "archived-since", "48h", "with --repair: events published since then are read from the archive: a time such as\n2026-11-20T08:00:00Z, or so long ago; 0s: none")
	fl.StringVar(&f.at.Project, "project", "", "a Google Cloud project (default: the running stack)")
	fl.StringVar(&f.at.Location, "location", "us-central1", "with --project: the region of the workflow")
	fl.StringVar(&f.at.PaymentURL, "payment-url", "", "with --project: root URL of the service payment")
	fl.StringVar(&f.at.InventoryURL, "inventory-url", "", "with --project: root URL of the service inventory")
	return c
}

func check(ctx context.Context, out io.Writer, f checkFlags) error {
	if f.dryRun && !f.repair {
		return errors.New("--dry-run says what --repair would do: give both")
	}
	at, err := openPlace(ctx, f.at)
	if err != nil {
		return err
	}
	person, rebuilt := persons{}, 0
	if f.repair {
		if person, rebuilt, err = mend(ctx, out, at, f); err != nil || f.dryRun {
			return err
		}
	}
	w, quiet, err := gather(ctx, at, f.wait)
	if err != nil {
		return err
	}
	w.Slack = f.slack
	verdicts := promise.Check(w, time.Now(), quiet)
	printVerdicts(out, verdicts)
	printWhatIsLeft(out, w)
	violations := person.others(violationsByOrder(verdicts))
	if len(violations) > 0 {
		if err := printViolations(ctx, out, at, violations, f.show); err != nil {
			return err
		}
		return errBroken
	}
	if n := len(person) + rebuilt; n > 0 {
		return fmt.Errorf("every other promise holds, over %d orders: %d are for a person, see above", len(w.Orders), n)
	}
	fmt.Fprintf(out, "\n✓ every promise that could be checked holds, over %d orders\n", len(w.Orders))
	return nil
}

// gather reads everything, again and again until nothing is on its way or the wait is over.
func gather(ctx context.Context, at place, wait time.Duration) (w promise.World, quiet bool, err error) {
	for deadline := time.Now().Add(wait); ; {
		if w, err = at.World(ctx); err != nil {
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
func printViolations(ctx context.Context, out io.Writer, at place, all []broken, show int) error {
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
		if err := printHistory(ctx, out, at, id); err != nil {
			return err
		}
	}
	return nil
}

func printHistory(ctx context.Context, out io.Writer, at place, orderID string) error {
	timeline, err := at.Timeline(ctx, orderID)
	if err != nil {
		fmt.Fprintf(out, "  its timeline cannot be read: %v\n", err)
		return ctx.Err()
	}
	if len(timeline) > 0 {
		printTimeline(out, timeline[0].Time, timeline)
	}
	return nil
}
