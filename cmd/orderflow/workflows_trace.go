package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"orderflow.dev/local/workflows"
)

// printEntry prints a line of the log. How an execution ended is told otherwise.
func printEntry(out io.Writer, e workflows.Entry) {
	if e.Text == "execution started" || strings.HasPrefix(e.Text, "execution ended: ") {
		return
	}
	fmt.Fprintf(out, "%s  %-8s  %s\n", e.Time.Format("15:04:05.000"), e.Severity, e.Text)
}

// printTrace prints the steps, each below and right of the step it belongs to. Those of one step are in the order of
// their starts.
func printTrace(out io.Writer, trace []workflows.StepTrace) {
	if len(trace) == 0 {
		return
	}
	parts := map[int64][]workflows.StepTrace{} // by parent
	for _, s := range trace {
		parts[s.Parent] = append(parts[s.Parent], s)
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "start\ttook\tstep\t")
	var below func(parent int64, routine, indent string)
	below = func(parent int64, routine, indent string) {
		for _, s := range parts[parent] {
			name := s.Step
			if s.Routine != routine {
				name = s.Routine + "." + name
			}
			fmt.Fprintf(t, "+%s\t%s\t%s%s\t%s\n", rounded(s.Start.Sub(trace[0].Start)), stepTook(s), indent, name, remarkOn(s))
			below(s.ID, s.Routine, indent+"  ")
		}
	}
	below(0, "main", "")
	t.Flush()
}

// stepTook is how long a step took, if it ended.
func stepTook(s workflows.StepTrace) string {
	if s.End.IsZero() {
		return "…"
	}
	return rounded(s.End.Sub(s.Start)).String()
}

// rounded leaves out digits that nobody reads.
func rounded(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Microsecond)
	}
	return d.Round(time.Millisecond)
}

// remarkOn is the kind of a step and its error, on one line.
func remarkOn(s workflows.StepTrace) string {
	kind := strings.ToLower(strings.TrimPrefix(s.Type, "STEP_"))
	if s.Error == "" {
		return kind
	}
	first, _, _ := strings.Cut(s.Error, "\n")
	return kind + "  ✗ " + first
}

// printFailure prints an error as the service does, and the line it came from.
func printFailure(out io.Writer, file string, source []byte, f *workflows.Failure) {
	fmt.Fprintf(out, "\n%s\n", f.Context)
	if len(f.Stack) > 0 {
		p := f.Stack[0].Position
		fmt.Fprintf(out, "\n%s:%d:%d\n%s", file, p.Line, p.Column, excerpt(source, p.Line, p.Column, p.Length))
	}
	fmt.Fprintf(out, "\npayload: %s\n", f.Payload)
}
