package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"orderflow.dev/internal/diagnosis"
)

type doctorFlags struct {
	project, region string
	json, all       bool
}

func doctorCommand() *cobra.Command {
	var f doctorFlags
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Say what is wrong with the pipeline, and what to do about it",
		Long: `Looks at everything that a tired person would: what answers, clocks, events that were not published, orders that do not
end, dead letters, sweeps, subscriptions, imports, limits. Each finding is a line, with what to do in the next.

It looks at the running stack, or at a Google Cloud project (--project), as whom gcloud's application default credentials say;
that takes roles/viewer and roles/datastore.viewer. It changes nothing. Exits 0 if nothing is bad, 1 if something is, 2 if
something could not be looked at and nothing else is bad.`,
		Example: `  orderflow doctor
  orderflow doctor --all                       # what is well, too
  orderflow doctor --project my-project --region europe-west1
  orderflow doctor --json | jq '.findings[] | select(.level == "bad")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return doctor(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), f)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.project, "project", "", "a Google Cloud project (default: the running stack)")
	fl.StringVar(&f.region, "region", "us-central1", "of --project: where its functions are")
	fl.BoolVar(&f.json, "json", false, "as JSON: version, worst, findings")
	fl.BoolVar(&f.all, "all", false, "print what is well, too")
	return c
}

// unwell is the end of a command that found something; the code is the process's.
type unwell struct {
	code int
	text string
}

func (u unwell) Error() string { return u.text }

// ExitCode is the process's.
func (u unwell) ExitCode() int { return u.code }

func doctor(ctx context.Context, out, progressOut io.Writer, f doctorFlags) error {
	l, err := newLook(ctx, f)
	if err != nil {
		return unwell{2, err.Error()}
	}
	seen := l.everything(ctx, newProgress(progressOut, "looked", len(l.steps)))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	found := diagnosis.Diagnose(seen)
	worst := diagnosis.Worst(found)
	if f.json {
		err = json.NewEncoder(out).Encode(map[string]any{"version": version(), "project": f.project, "worst": worst, "findings": found})
	} else {
		printFindings(out, found, f.all)
	}
	switch {
	case err != nil:
		return err
	case worst == diagnosis.Bad:
		return unwell{1, "something is bad"}
	case worst == diagnosis.Unknown:
		return unwell{2, "not everything could be looked at"}
	}
	return nil
}

// version is what this command was built of.
func version() string {
	revision := "unknown revision"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value[:min(len(s.Value), 12)]
			}
		}
	}
	return "orderflow " + revision + ", " + runtime.Version()
}

var marks = map[diagnosis.Level]string{diagnosis.OK: "✓", diagnosis.Warn: "!", diagnosis.Bad: "✗", diagnosis.Unknown: "?"}

// printFindings prints what is not well, or all, and how many there are of each level.
func printFindings(out io.Writer, found []diagnosis.Finding, all bool) {
	fmt.Fprintln(out, version())
	count := map[diagnosis.Level]int{}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range found {
		count[f.Level]++
		if f.Level == diagnosis.OK && !all {
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", marks[f.Level], f.Level, f.Check, f.Found)
		if f.Do != "" {
			fmt.Fprintf(t, "\t\t\t→ %s\n", f.Do)
		}
	}
	t.Flush()
	var parts []string
	for _, l := range []diagnosis.Level{diagnosis.Bad, diagnosis.Unknown, diagnosis.Warn, diagnosis.OK} {
		if count[l] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[l], l))
		}
	}
	fmt.Fprintln(out, cmp.Or(strings.Join(parts, ", "), "nothing was looked at"))
}
