// Command bundle makes what is deployed: for each function and service a zip that Google's Go buildpacks build, named by
// its content, so that Terraform redeploys what changed and nothing else.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"orderflow.dev/internal/unit"
)

const usage = `Usage: go run ./scripts/bundle [-out DIR] [-check] [UNIT ...]

Writes a zip for each function and service, DIR/<unit>-<hash of the zip>.zip, removes the unit's older ones, and lists
what is there in DIR/bundles.tfvars.json for Terraform. Run it from the root of the repository.

  go run ./scripts/bundle                       all units, into dist/
  go run ./scripts/bundle -check                also replay what the buildpack does with each: build it, start it, ask it
  go run ./scripts/bundle -check place-order    only this one

Flags:
`

// atATime is how many units are worked on at once: building one takes all processors for most of its time.
const atATime = 2

func main() {
	out := flag.String("out", "dist", "the folder for the bundles")
	check := flag.Bool("check", false, "replay the Go buildpack on each bundle (needs linux/amd64, which it builds for)")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, ".", *out, *check, flag.Args()); err != nil {
		for line := range strings.Lines(err.Error()) {
			fmt.Fprint(os.Stderr, "bundle: ", line)
		}
		fmt.Fprintln(os.Stderr)
		os.Exit(1)
	}
}

// run bundles the named units of the tree at root, or all.
func run(ctx context.Context, to io.Writer, root, out string, check bool, names []string) error {
	began := time.Now()
	all, err := unit.Load(os.DirFS(root))
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("there are no functions and services in %s: run this from the root of the repository", root)
	}
	units, err := choose(all, names)
	if err != nil {
		return err
	}
	bundles, err := bundleAll(ctx, root, units)
	if err != nil {
		return err
	}
	if err := write(out, all, bundles); err != nil {
		return err
	}
	var checked []checked
	if check {
		checked, err = checkAll(ctx, out, bundles)
	}
	table(to, bundles, checked)
	fmt.Fprintf(to, "%d bundles in %s, %s\n", len(bundles), out, time.Since(began).Round(100*time.Millisecond))
	return err
}

func choose(all []unit.Unit, names []string) ([]unit.Unit, error) {
	if len(names) == 0 {
		return all, nil
	}
	var chosen []unit.Unit
	for _, name := range names {
		i := slices.IndexFunc(all, func(u unit.Unit) bool { return u.Name == name })
		if i < 0 {
			var known []string
			for _, u := range all {
				known = append(known, u.Name)
			}
			return nil, fmt.Errorf("there is no unit %q: there are %s", name, strings.Join(known, ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

func bundleAll(ctx context.Context, root string, units []unit.Unit) ([]bundle, error) {
	t, err := load(ctx, root, units)
	if err != nil {
		return nil, err
	}
	bundles := make([]bundle, len(units))
	return bundles, each(ctx, units, "bundled", func(i int, u unit.Unit) (err error) {
		bundles[i], err = t.bundle(ctx, u)
		return err
	})
}

// each works on all units, a few at a time, whatever becomes of the others. The error has every unit's.
func each(ctx context.Context, units []unit.Unit, done string, work func(int, unit.Unit) error) error {
	var g errgroup.Group
	g.SetLimit(atATime)
	failed := make([]error, len(units))
	finished := progress{did: done, all: len(units), said: time.Now()}
	for i, u := range units {
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err() // this line once, not one a unit
			}
			if err := work(i, u); err != nil {
				failed[i] = fmt.Errorf("%s: %w", u.Name, err)
			}
			finished.add()
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return errors.Join(failed...)
}

func table(to io.Writer, bundles []bundle, checked []checked) {
	width := 0
	for _, b := range bundles {
		width = max(width, len(b.name()))
	}
	row := func(cells ...any) {
		fmt.Fprintf(to, "%-*s"+strings.Repeat("  %9v", len(cells)-1)+"\n", append([]any{width}, cells...)...)
	}
	head := []any{"name", "zip KB", "packages"}
	if checked != nil {
		head = append(head, "binary MB", "ready ms")
	}
	row(head...)
	for i, b := range bundles {
		cells := []any{b.name(), (len(b.zip) + 500) / 1000, b.packages}
		switch {
		case checked != nil && checked[i].ready > 0:
			cells = append(cells, fmt.Sprintf("%.1f", float64(checked[i].binary)/1e6), checked[i].ready.Milliseconds())
		case checked != nil:
			cells = append(cells, "-", "failed")
		}
		row(cells...)
	}
}
