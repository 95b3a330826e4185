// Command policy holds a Terraform plan against the rules that nothing here may break: who may do what, what is public, what
// is never lost, what waits for whom.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"orderflow.dev/internal/unit"
)

const usage = `Usage: go run ./scripts/policy [-prove] [-root DIR] [-unit NAME] PLAN.json

Holds a plan of an environment, as terraform show -json prints it, against every rule. Some rules compare the plan with what
functions and services say of themselves, in the repository that it was made from.

  terraform -chdir=terraform/environments/dev show -json dev.plan > plan.json
  go run ./scripts/policy plan.json
  go run ./scripts/policy -prove plan.json            also break each rule on purpose, and see that it is told
  go run ./scripts/policy -unit get-order plan.json   also see that this function is wherever a function has to be

Flags:
`

func main() {
	prove := flag.Bool("prove", false, "also break each rule in the plan on purpose: it must complain")
	root := flag.String("root", ".", "the repository that the plan was made from")
	name := flag.String("unit", "", "a function of the public API that must be planned, routed and on the dashboard")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	err := run(os.Stdout, os.DirFS(*root), flag.Arg(0), *prove)
	if err == nil && *name != "" {
		err = everywhere(flag.Arg(0), *name)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "policy:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, root fs.FS, file string, prove bool) error {
	units, err := unit.Load(root)
	if err != nil {
		return err
	}
	tree := tree{root: root, units: units}
	p, err := readPlan(file)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer t.Flush()
	bad := 0
	for _, r := range rules {
		complaints := r.check(p, tree)
		state := fmt.Sprintf("✓ %d", r.about(p))
		if len(complaints) > 0 {
			bad++
			state = "✗"
		}
		fmt.Fprintf(t, "%s\t%s\n", state, r.name)
		for _, c := range complaints {
			fmt.Fprintf(t, "\t  %s\n", c)
		}
		if !prove || len(complaints) > 0 {
			continue
		}
		for _, b := range r.breaks {
			if err := provedBy(file, tree, r, b); err != nil {
				bad++
				fmt.Fprintf(t, "✗\t  %v\n", err)
				continue
			}
			fmt.Fprintf(t, "\t  broken on purpose: %s\n", b.how)
		}
	}
	fmt.Fprintf(t, "\n%d resources, %d rules\n", len(p.resources), len(rules))
	if bad > 0 {
		return fmt.Errorf("%d rules do not hold", bad)
	}
	return nil
}

// provedBy breaks a rule in a fresh copy of the plan.
func provedBy(file string, t tree, r rule, b breakage) error {
	p, err := readPlan(file)
	if err != nil {
		return err
	}
	if err := b.apply(p); err != nil {
		return fmt.Errorf("%s: %w", b.how, err)
	}
	if len(r.check(p, t)) == 0 {
		return fmt.Errorf("nobody complains of this: %s", b.how)
	}
	return nil
}

// everywhere says where a function of the public API is missing.
func everywhere(file, name string) error {
	p, err := readPlan(file)
	if err != nil {
		return err
	}
	var missing []error
	want := func(what, kind string, there func(*resource) bool) {
		if !slices.ContainsFunc(p.all(kind), there) {
			missing = append(missing, fmt.Errorf("%s has no %s", name, what))
		}
	}
	want("function", function, func(r *resource) bool { return r.text("name") == name })
	want("account", "google_service_account", func(r *resource) bool { return r.text("account_id") == name })
	want("route", apiConfig, func(r *resource) bool {
		all, err := backends(r)
		return err == nil && slices.ContainsFunc(all, func(b backend) bool { return strings.HasPrefix(b.Address, "https://"+name+"-") })
	})
	want("row on a dashboard", "google_monitoring_dashboard", func(r *resource) bool { return strings.Contains(r.text("dashboard_json"), name) })
	return errors.Join(missing...)
}
