// Command bootstrap makes what must be in a Google Cloud project before Terraform can be there: APIs, a bucket for its
// state, the identity that builds and deploys, the secrets' values, and the trigger. What is there already stays as it is.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"orderflow.dev/internal/unit"
	"orderflow.dev/scripts/internal/command"
)

type bootstrap struct {
	command.Runner
	project, env, region string
	repository, branch   string
	approval, yes        bool
	operators            []string
	substitutions        []string
	newSecrets           []string

	in    *os.File
	ask   func(ctx context.Context, prompt string) ([]byte, error) // without showing what is typed
	pause time.Duration                                            // before a command is tried again
	units []unit.Unit
	roles []role
	left  []string // what remains to be done, by a human
}

func main() {
	command.Main("bootstrap", func(ctx context.Context) error {
		b := &bootstrap{in: os.Stdin, pause: 10 * time.Second}
		b.Dir, b.Out = ".", os.Stdout
		b.ask = func(ctx context.Context, prompt string) ([]byte, error) {
			return command.Secret(ctx, b.in, b.Out, prompt)
		}
		return b.command().ExecuteContext(ctx)
	})
}

func (b *bootstrap) command() *cobra.Command {
	c := &cobra.Command{
		Use:   "bootstrap PROJECT_ID",
		Short: "Prepare a Google Cloud project for its first release",
		Long: `Makes what Terraform needs before it can begin, by gcloud, as who is logged in there (an owner of the project, which must have
billing). It says first what it does and why, and asks. It may be run again: what is there stays as it is.

The secrets' values are asked for, or, with --yes, taken from environment variables of their names. They are given to gcloud
on its standard input, so they are in no argument, no log and no Terraform state.`,
		Example: `  go run ./scripts/bootstrap my-project-dev --dry-run            # every command, without gcloud, network or credentials
  go run ./scripts/bootstrap my-project-dev --operator user:me@example.com
  go run ./scripts/bootstrap my-project-prod --env prod --approval \
    --repository projects/my-project-prod/locations/us-central1/connections/github/repositories/orderflow \
    --substitution _TOKEN_COMMAND='gcloud secrets versions access latest --secret=smoke-test-token' --substitution _SKU=tea
  go run ./scripts/bootstrap my-project-dev --new-secret PAYMENT_PROVIDER_KEY     # another version of it`,
		Args:          cobra.ExactArgs(1),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			b.project = args[0]
			return b.run(cmd.Context())
		},
	}
	f := c.Flags()
	f.StringVar(&b.env, "env", "dev", "environment that the trigger deploys: a folder of terraform/environments")
	f.StringVar(&b.region, "region", "us-central1", "region of everything")
	f.StringVar(&b.repository, "repository", "", "repository connected to Cloud Build (default: no trigger is made)")
	f.StringVar(&b.branch, "branch", "main", "branch whose commits are released")
	f.BoolVar(&b.approval, "approval", false, "a human must approve each release that the trigger begins")
	f.StringArrayVar(&b.substitutions, "substitution", nil, "of the trigger: another value of one of cloudbuild.yaml's, as _SKU=tea (repeatable)")
	f.StringArrayVar(&b.operators, "operator", nil, "who may release from a laptop, as user:me@example.com (repeatable)")
	f.StringArrayVar(&b.newSecrets, "new-secret", nil, "secret that gets a new value even if it has one (repeatable)")
	f.BoolVar(&b.yes, "yes", false, "do not ask: for machines")
	f.BoolVar(&b.Dry, "dry-run", false, "print every command and run none; works offline")
	return c
}

var repository = regexp.MustCompile(`^projects/[^/]+/locations/[^/]+/connections/[^/]+/repositories/[^/]+$`)

// https://cloud.google.com/resource-manager/docs/creating-managing-projects
var projectID = regexp.MustCompile(`^[a-z][a-z0-9-]{4,28}[a-z0-9]$`)

func (b *bootstrap) run(ctx context.Context) (err error) {
	if !projectID.MatchString(b.project) {
		return fmt.Errorf("%q is no project id: 6 to 30 lower-case letters, digits and hyphens (not the project's name or number)", b.project)
	}
	if b.repository != "" && !repository.MatchString(b.repository) {
		return fmt.Errorf("%q is no connected repository: --repository wants projects/P/locations/L/connections/C/repositories/R", b.repository)
	}
	if b.repository != "" && !slices.ContainsFunc(b.substitutions, func(s string) bool { return strings.HasPrefix(s, "_TOKEN_COMMAND=") }) {
		return errors.New("the trigger's releases end with a smoke test, which needs a customer's token: --substitution _TOKEN_COMMAND='…'")
	}
	if b.units, err = unit.Load(os.DirFS(b.Dir)); err != nil {
		return err
	}
	if b.roles, err = b.readRoles(); err != nil {
		return fmt.Errorf("run this from the root of the repository: %w", err)
	}
	for _, name := range b.newSecrets {
		if !slices.ContainsFunc(b.secrets(), func(s secret) bool { return s.name == name }) {
			return fmt.Errorf("no unit reads a secret %s: --new-secret wants one that a function.yaml or service.yaml names", name)
		}
	}
	things := b.things()
	b.list(things)
	if b.Dry {
		return nil
	}
	if !b.yes {
		if err := command.Confirm(ctx, b.in, b.Out, fmt.Sprintf("Make what is missing of this in %s?", b.project)); err != nil {
			return err
		}
	}
	for _, t := range things {
		if err := b.one(ctx, t); err != nil {
			return fmt.Errorf("%s: %w\nrun this again when the reason is gone: it goes on with what is missing", t.what, err)
		}
	}
	fmt.Fprintf(b.Out, "\nNext: go run ./scripts/deploy %s --env %s --region %s\n", b.project, b.env, b.region)
	if len(b.left) > 0 {
		return fmt.Errorf("left to you:\n%s", strings.Join(b.left, "\n"))
	}
	return nil
}

// thing is something that must be in the project.
type thing struct {
	what, why string
	there     func(context.Context) (bool, error)
	make      [][]string // commands
	secret    string     // whose value the last command reads
}

// list says what would be made, and how.
func (b *bootstrap) list(things []thing) {
	fmt.Fprintf(b.Out, "Prepare %s (%s, %s)\n\n", b.project, b.env, b.region)
	t := tabwriter.NewWriter(b.Out, 0, 0, 2, ' ', 0)
	for _, th := range things {
		fmt.Fprintf(t, "%s\t%s\n", th.what, th.why)
	}
	t.Flush()
	fmt.Fprintln(b.Out, "\nWhat is not there yet is made by:")
	for _, th := range things {
		for _, c := range th.make {
			fmt.Fprintln(b.Out, "  $", command.Quote(c...))
		}
	}
	if b.repository == "" {
		fmt.Fprintf(b.Out, "\nNo trigger is made: connect the repository at %s?project=%s,\nthen run this again with --repository.\n",
			"https://console.cloud.google.com/cloud-build/repositories/2nd-gen", b.project)
	}
}

func (b *bootstrap) one(ctx context.Context, t thing) error {
	fmt.Fprintf(b.Out, "\n%s\n", t.what)
	there, err := t.there(ctx)
	if err != nil {
		return err
	}
	if there {
		fmt.Fprintln(b.Out, "  exists")
		return nil
	}
	var value []byte
	if t.secret != "" {
		if value, err = b.value(ctx, t.secret); err != nil || len(value) == 0 {
			return err
		}
	}
	for i, c := range t.make {
		var input []byte
		if i == len(t.make)-1 {
			input = value
		}
		if err := b.patiently(ctx, input, c); err != nil {
			return err
		}
	}
	return nil
}

// attempts is how often a command is tried: an account or an API that was made a moment ago is not known everywhere yet.
const attempts = 4

func (b *bootstrap) patiently(ctx context.Context, input []byte, c []string) error {
	for n := 1; ; n++ {
		err := b.Feed(ctx, input, c...)
		if err == nil || ctx.Err() != nil || n == attempts {
			return err
		}
		fmt.Fprintf(b.Out, "  failed; what it needs may be too new: again in %s\n", b.pause)
		select {
		case <-time.After(b.pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// value is a secret's: typed, or the environment's if nobody is there. Without one, setting it is left to the reader.
func (b *bootstrap) value(ctx context.Context, name string) (value []byte, err error) {
	if b.yes {
		value = []byte(os.Getenv(name))
	} else if value, err = b.ask(ctx, fmt.Sprintf("  value of %s (not shown; empty: later): ", name)); err != nil {
		return nil, err
	}
	if value = bytes.TrimRight(value, "\r\n"); len(value) == 0 {
		b.left = append(b.left, fmt.Sprintf("  %s has no value: run this again, or with --yes and the environment variable set", name))
		fmt.Fprintln(b.Out, "  left out: it has no value")
	}
	return value, nil
}
