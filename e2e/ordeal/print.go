package ordeal

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"orderflow.dev/local/chaos"
)

// Print prints what went wrong, what came of it, and what the promises say.
func (r *Report) Print(out io.Writer) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer t.Flush()
	fmt.Fprintln(t, "fault\thit\tplaces\tof so many chances")
	for _, class := range chaos.Classes {
		fired, places, passed := 0, 0, 0
		for _, c := range r.Faults {
			if c.Class == class {
				fired += c.Fired
				passed += c.Passed
				if c.Fired > 0 {
					places++
				}
			}
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\n", class, fired, places, passed)
	}
	fmt.Fprintf(t, "all\t%d\n\n", r.Fired())
	r.printOutcome(t)
	fmt.Fprintln(t, "\npromise\tchecked\tviolations")
	for _, v := range r.Verdicts {
		fmt.Fprintf(t, "%s\t%d %s\t%d\n", v.Promise, v.Checked, v.What, len(v.Violations))
	}
}

func (r *Report) printOutcome(t io.Writer) {
	row := func(what, format string, args ...any) { fmt.Fprintf(t, what+"\t"+format+"\n", args...) }
	for _, how := range slices.Sorted(maps.Keys(r.Ended)) {
		row("orders "+how, "%d", r.Ended[how])
	}
	row("to their ends", "p50 %s  p99 %s  max %s", r.quantile(0.5), r.quantile(0.99), r.quantile(1))
	row("customers told", "%d", r.Told)
	row("orders placed again under their key", "%d", r.Replayed)
	row("operators' refunds and retries", "%d, each asked for twice", r.Acts/2)
	row("events taken by subscribers", "%d", r.Events)
	row("duplicates absorbed", "%d", r.Duplicates)
	row("events dated before the one before", "%d", r.Backwards)
	row("poison messages", "%d", r.Poison)
	row("dead letters", "%d, %d of them no poison and put back", r.Parked, r.PutBack)
	row("everything went wrong for", "%s", r.Took.Round(time.Second))
	row("at rest after another", "%s", r.Rest.Round(time.Second))
}

func (r *Report) quantile(q float64) time.Duration {
	if len(r.Finish) == 0 {
		return 0
	}
	return r.Finish[min(int(q*float64(len(r.Finish))), len(r.Finish)-1)].Round(time.Millisecond)
}

// Labels are the places where processes were killed, each with how often.
func (r *Report) Labels() string {
	var b strings.Builder
	for _, c := range r.Faults {
		if (c.Class == chaos.KilledBefore || c.Class == chaos.KilledAfter) && c.Fired > 0 {
			fmt.Fprintf(&b, "%4d  %s  %s\n", c.Fired, c.Class, c.Label)
		}
	}
	return b.String()
}
