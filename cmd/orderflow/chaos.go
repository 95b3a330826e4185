package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/spf13/cobra"

	"orderflow.dev/e2e/ordeal"
)

func chaosCommand() *cobra.Command {
	var (
		o                  ordeal.Options
		basketFile, prices string
		labels             bool
	)
	c := &cobra.Command{
		Use:   "chaos",
		Short: "Take orders while everything goes wrong, and check that every promise holds",
		Long: `Starts a stack of its own with a process for each function and service, places orders through the HTTP intake and by
uploaded files, and meanwhile, from a seed: stores are away, refuse and lose answers; messages come twice, late, in another
order or are poison; executions are lost, doubled and throttled; the payment provider does not answer, answers late, tells
twice, before it answers, with its clock minutes off; forged and stale webhooks come; each process's clock is seconds off;
processes are killed (SIGKILL) at any moment and at labelled points, such as after a commit and before its event is published.
Then it all stops, what is on its way comes to its end, dead letters that are no poison are put back, and every promise of
docs/promises.md is checked. Exits 1 if one is broken. The same seed is the same pressure.`,
		Example: `  orderflow chaos                       # 2,000 orders, about a minute
  orderflow chaos --orders 20000
  orderflow chaos --seed 42 --labels    # the pressure of one seed again, and where processes were killed
  orderflow chaos --baskets baskets.csv.gz --catalog catalog.csv --orders 12000
  orderflow chaos --emulators google`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := readBaskets(&o, basketFile, prices); err != nil {
				return err
			}
			return runChaos(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), o, labels)
		},
	}
	f := c.Flags()
	f.Uint64Var(&o.Seed, "seed", 0, "chooses what goes wrong (default: a fresh one, printed)")
	f.IntVar(&o.Orders, "orders", 2000, "how many are placed")
	f.IntVar(&o.Workers, "workers", 32, "orders placed at once")
	f.DurationVar(&o.Settle, "settle", 10*time.Minute, "how long everything may take to come to rest afterwards")
	f.StringVar(&basketFile, "baskets", "", "orders these, again and again, as orderflow load does (default: made up)")
	f.StringVar(&prices, "catalog", "", "the products of --baskets")
	f.BoolVar(&o.Clocks, "clocks", true, "set processes' clocks wrong: that builds them, and takes Go and this repository's folder")
	f.StringVar(&o.Emulators, "emulators", "", "embedded or google: see orderflow up")
	f.StringVar(&o.Dir, "data-dir", "", "the stack's folder, whose log.jsonl tells everything (default: a temporary one)")
	f.BoolVar(&labels, "labels", false, "print also at which points processes were killed")
	return c
}

// readBaskets reads what is ordered and what it costs, if there are files of it.
func readBaskets(o *ordeal.Options, file, catalogue string) (err error) {
	if file == "" && catalogue == "" {
		return nil
	}
	if file == "" || catalogue == "" {
		return errors.New("--baskets and --catalog want each other: what is ordered, and what there is of it at which price")
	}
	if o.Catalogue, err = readCatalogue(catalogue); err != nil {
		return err
	}
	return baskets(file, o.Orders, func(b basket) error {
		o.Baskets = append(o.Baskets, b.lines)
		return nil
	})
}

func runChaos(ctx context.Context, out, progressOut io.Writer, o ordeal.Options, labels bool) error {
	if o.Orders < 1 || o.Workers < 1 {
		return errors.New("--orders and --workers want at least 1")
	}
	if o.Seed == 0 {
		o.Seed = uint64(rand.Uint32())
	}
	fmt.Fprintf(out, "Chaos over %d orders; --seed %d repeats the pressure\n", o.Orders, o.Seed)
	began := time.Now()
	var bar *progress
	done := func() {
		if bar != nil {
			bar.Done()
		}
	}
	o.Steps = func(what string) {
		done()
		fmt.Fprintf(out, "  %5.1fs  %s\n", time.Since(began).Seconds(), what)
		bar = newProgress(progressOut, "orders", o.Orders)
	}
	show := func(n int) { bar.Set(n) }
	o.Placed, o.Ended = show, show
	r, err := ordeal.Run(ctx, o)
	done()
	if err != nil {
		return err
	}
	fmt.Fprintln(out)
	r.Print(out)
	if labels {
		fmt.Fprintf(out, "\nkilled at\n%s", r.Labels())
	}
	return chaosVerdict(out, o, r)
}

// mostShown is how many violations are printed.
const mostShown = 20

func chaosVerdict(out io.Writer, o ordeal.Options, r *ordeal.Report) error {
	if len(r.Violations) == 0 {
		fmt.Fprintf(out, "\n✓ every promise holds over %d orders, after %d faults\n", len(r.Finish), r.Fired())
		return nil
	}
	fmt.Fprintln(out)
	for i, v := range r.Violations {
		if i == mostShown {
			fmt.Fprintf(out, "and %d more\n", len(r.Violations)-i)
			break
		}
		fmt.Fprintf(out, "✗ %s\n", v)
	}
	return fmt.Errorf("%w: %d violations; again with --seed %d --data-dir DIR, and look at DIR/log.jsonl", errBroken, len(r.Violations), o.Seed)
}
