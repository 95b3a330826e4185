// Command deploy releases this tree to a Google Cloud project: from a laptop all steps in one go, in Cloud Build one step
// at a time. docs/decisions/0012-a-release-is-a-set-of-bundles.md says what a release is and how it is rolled back.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orderflow.dev/internal/unit"
	"orderflow.dev/scripts/internal/command"
)

// step is a part of a release. Each leaves what the next one needs in dist/, so that they may run in processes of their own.
type step struct {
	name, does string
	run        func(*deploy, context.Context) error
	changes    bool // the project, so that a failure rolls back
}

// release is a release from its beginning to its end.
var release = []step{
	{"verify", "the gate: everything that must hold (.ci/run)", (*deploy).verify, false},
	{"bundle", "a zip for each function and service, named by its content; each is built and serves a request", (*deploy).bundle, false},
	{"plan", "what Terraform would change: shown, kept, and refused if it destroys what holds data", (*deploy).plan, false},
	{"apply", "that plan and no other; new revisions of services get no traffic yet, those of functions do", (*deploy).apply, true},
	{"smoke", "new revisions of services by their tag, then the end-to-end scenarios at the gateway", (*deploy).smoke, true},
	{"promote", "all traffic to the new revisions", (*deploy).promote, true},
	{"watch", "the scenarios again, then the alerts for a while: an objective that burns, orders that stand still", (*deploy).watch, true},
}

// rollback is no part of a release that goes well: a step that changes the project does it when it fails.
var rollback = step{
	"rollback", "back to what served before: traffic first, then the bundles of the last good release", (*deploy).rollback, false,
}

type deploy struct {
	command.Runner
	project, env, region string
	step                 string
	yes, skipVerify      bool
	allowDestroy         []string
	tokenCommand, sku    string
	endings              []string
	watchFor, poll       time.Duration
	in                   *os.File
	units                []unit.Unit
}

func main() {
	command.Main("deploy", func(ctx context.Context) error {
		d := &deploy{in: os.Stdin, poll: time.Minute}
		d.Dir, d.Out = ".", os.Stdout
		return d.command().ExecuteContext(ctx)
	})
}

func (d *deploy) command() *cobra.Command {
	c := &cobra.Command{
		Use:   "deploy PROJECT_ID",
		Short: "Release this tree to a Google Cloud project",
		Long: "Releases this tree to a project that scripts/bootstrap has prepared. Run it from the root of the repository.\n\n" +
			table() + "\nWhat fails from apply on is rolled back, and so is Ctrl-C. Nothing that runs is touched before the plan was shown and\n" +
			"answered with yes.",
		Example: `  go run ./scripts/deploy my-project-dev --dry-run            # every command, without gcloud, network or credentials
  ORDERFLOW_TOKEN=… go run ./scripts/deploy my-project-dev
  go run ./scripts/deploy my-project-prod --env prod --token-command 'my-issuer login --print'
  go run ./scripts/deploy my-project-dev --step plan          # only this step, as cloudbuild.yaml does
  go run ./scripts/deploy my-project-dev --step rollback      # a release that was left half done`,
		Args:          cobra.ExactArgs(1),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			d.project = args[0]
			return d.all(cmd.Context())
		},
	}
	f := c.Flags()
	f.StringVar(&d.env, "env", "dev", "environment: a folder of terraform/environments")
	f.StringVar(&d.region, "region", "us-central1", "region of functions and services")
	f.StringVar(&d.step, "step", "", "run only this step")
	f.BoolVar(&d.yes, "yes", false, "do not ask: for machines")
	f.BoolVar(&d.Dry, "dry-run", false, "print every command and run none; works offline")
	f.BoolVar(&d.skipVerify, "skip-verify", false, "leave the gate out: it takes minutes, and a development project may do without")
	f.StringArrayVar(&d.allowDestroy, "allow-destroy", nil, "Terraform address of a resource with data that the plan may destroy (repeatable)")
	f.StringVar(&d.tokenCommand, "token-command", "", "command that prints a customer's token for the scenarios (default: $ORDERFLOW_TOKEN)")
	f.StringVar(&d.sku, "sku", "", "product that the scenarios order (default: the demo's)")
	f.StringSliceVar(&d.endings, "endings", nil, "scenarios that the smoke test plays; none: no order is placed (default: its own choice, and none until a release was good)")
	f.DurationVar(&d.watchFor, "watch", 10*time.Minute, "how long alerts are watched")
	return c
}

func table() string {
	var b strings.Builder
	b.WriteString("Steps:\n")
	for _, s := range append(release[:len(release):len(release)], rollback) {
		fmt.Fprintf(&b, "  %-9s %s\n", s.name, s.does)
	}
	return b.String()
}

var (
	// https://cloud.google.com/resource-manager/docs/creating-managing-projects
	projectID = regexp.MustCompile(`^[a-z][a-z0-9-]{4,28}[a-z0-9]$`)
	region    = regexp.MustCompile(`^[a-z]+-[a-z]+[0-9]+$`)
)

func (d *deploy) check() (err error) {
	if !projectID.MatchString(d.project) {
		return fmt.Errorf("%q is no project id: 6 to 30 lower-case letters, digits and hyphens (not the project's name or number)", d.project)
	}
	if !region.MatchString(d.region) {
		return fmt.Errorf("%q is no region: --region wants one such as us-central1", d.region)
	}
	if d.units, err = unit.Load(os.DirFS(d.Dir)); err != nil {
		return err
	}
	if len(d.units) == 0 {
		return errors.New("there are no functions and services here: run this from the root of the repository")
	}
	if _, err := os.Stat(d.path(d.root())); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no environment %s: --env wants a folder of terraform/environments", d.env)
	}
	return nil
}

// all runs the release, or the one step.
func (d *deploy) all(ctx context.Context) error {
	if err := d.check(); err != nil {
		return err
	}
	steps := release
	if d.step != "" {
		if steps = find(d.step); steps == nil {
			return fmt.Errorf("there is no step %q\n%s", d.step, table())
		}
	} else {
		fmt.Fprintf(d.Out, "Release to %s (%s, %s)\n%s", d.project, d.env, d.region, table())
	}
	if d.step == "" {
		if err := d.mayPlan(); err != nil {
			return err
		}
	}
	for _, s := range steps {
		if err := d.one(ctx, s); err != nil {
			return err
		}
	}
	if d.Dry && d.step == "" {
		return d.one(ctx, rollback) // what a failure would run
	}
	return nil
}

func find(name string) []step {
	for _, s := range append(release[:len(release):len(release)], rollback) {
		if s.name == name {
			return []step{s}
		}
	}
	return nil
}

// one runs a step, and rolls back if it fails with the project changed.
func (d *deploy) one(ctx context.Context, s step) error {
	fmt.Fprintf(d.Out, "\n=== %s: %s\n", s.name, s.does)
	err := s.run(d, ctx)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", s.name, err)
	if _, stays := errors.AsType[noRollback](err); !s.changes || stays {
		return err
	}
	fmt.Fprintf(d.Out, "\n%v\n=== %s: %s\n", err, rollback.name, rollback.does)
	aftermath, cancel := command.Aftermath(ctx, time.Hour)
	defer cancel()
	if back := d.rollback(aftermath); back != nil {
		half := fmt.Errorf("the release is half done; when the reason is gone: %s", d.again("rollback"))
		return errors.Join(err, fmt.Errorf("rollback: %w", back), half)
	}
	return fmt.Errorf("%w\nthe release was rolled back", err)
}

// noRollback is a failure after which there is nothing to go back from: nothing was changed yet, or all went well.
type noRollback struct{ error }

func (n noRollback) Unwrap() error { return n.error }

// again is the command that runs a step of this release.
func (d *deploy) again(step string) string {
	return command.Quote("go", "run", "./scripts/deploy", d.project, "--env", d.env, "--region", d.region, "--step", step)
}

// ask lets a human stop. A machine says --yes.
func (d *deploy) ask(ctx context.Context, question string) error {
	if d.yes || d.Dry {
		return nil
	}
	return command.Confirm(ctx, d.in, d.Out, question)
}

// Paths, from the root of the repository.
const (
	dist        = "dist"
	bundlesFile = "dist/bundles.tfvars.json"
	planFile    = "dist/release.tfplan"
	planText    = "dist/release.tfplan.txt"
	recordFile  = "dist/release.json"
)

func (d *deploy) root() string           { return "terraform/environments/" + d.env }
func (d *deploy) path(rel string) string { return filepath.Join(d.Dir, rel) }

// deployer is the build's identity. Terraform lets it act as each unit's account, also when a human applies: or the next build
// could not.
func (d *deploy) deployer() string { return "deployer@" + d.project + ".iam.gserviceaccount.com" }

// gcloud is a gcloud command for the project; --quiet answers its questions with their defaults.
func (d *deploy) gcloud(args ...string) []string {
	return append(append([]string{"gcloud"}, args...), "--project="+d.project, "--quiet")
}
