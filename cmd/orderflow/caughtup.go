package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"orderflow.dev/internal/catchup"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
)

// caughtUp is what catching orders up with the archive came to.
type caughtUp struct {
	outcomes []catchup.Outcome
	since    time.Time // what was read; zero: nothing
	rebuilt  int       // that lack what a person has to ask for
}

// catchUp brings orders' journals up to what the archive has, or says what it would append. An order that could not be is an
// error: a repair would undo it.
func catchUp(ctx context.Context, out io.Writer, at place, f checkFlags) (c caughtUp, err error) {
	now := time.Now()
	since, err := moment("--archived-since", f.archivedSince, now)
	if err != nil {
		return c, err
	}
	if !since.Before(now) {
		fmt.Fprint(out, "the archive is not read: what the orders lost stays lost\n\n")
		return c, nil
	}
	var bar *progress // whose length is known once the files are listed
	outcomes, read, err := at.CatchUp(ctx, catchup.Options{Since: since, DryRun: f.dryRun, Progress: func(read, of int) {
		if bar == nil {
			bar = newProgress(f.progress, "files of the archive", of)
		}
		bar.Set(read)
	}})
	if bar != nil {
		bar.Done()
	}
	if err != nil {
		return c, fmt.Errorf("catch orders up with the archive (--archived-since 0s repairs without it): %w", err)
	}
	c.outcomes, c.since = outcomes, since
	failed := 0
	for _, o := range outcomes {
		printCaughtUp(out, o, f.dryRun)
		if o.Err != nil {
			failed++
		}
		if o.Rebuilt && o.Err == nil {
			c.rebuilt++
		}
	}
	fmt.Fprintf(out, "read %d events since %s from the archive: %d orders lacked some or differ, %d were lost\n\n",
		read, since.Format(time.RFC3339), len(outcomes), c.rebuilt)
	if c.rebuilt > 0 && !f.dryRun {
		fmt.Fprintf(out, "orderflow orders find --origin %s lists those that are rebuilt, at any time\n\n", order.RebuiltOrigin)
	}
	if failed > 0 {
		return c, fmt.Errorf("%d orders could not be caught up with the archive: repair again; until then nothing is undone", failed)
	}
	return c, nil
}

// printCaughtUp prints what an order's journal gained or would gain.
func printCaughtUp(out io.Writer, o catchup.Outcome, dryRun bool) {
	mark, what := "·", "nothing appended from the archive"
	if len(o.Appended) > 0 {
		what = "appended from the archive: "
		if o.Rebuilt {
			what = "lost, and rebuilt from the archive: "
		}
		what += eventNames(o.Appended)
		if !dryRun {
			mark = "✓"
		}
	}
	if o.Err != nil {
		mark = "✗"
	}
	fmt.Fprintf(out, "%s %s: %s\n", mark, o.OrderID, what)
	for _, text := range []string{o.Ask(), o.Person} {
		if text != "" {
			fmt.Fprintf(out, "    for a person: %s\n", text)
		}
	}
	if o.Err != nil {
		fmt.Fprintf(out, "    not done: %v\n", o.Err)
	}
}

// eventNames are the events of entries: OrderCreated, OrderConfirmed.
func eventNames(entries []journal.Entry) string {
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = string(e.Event.ProtoReflect().Descriptor().Name())
	}
	return strings.Join(names, ", ")
}
