package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// show prints the table, in Markdown.
func show(out io.Writer, alone times, rows []row) {
	fmt.Fprintf(out, "The other customer alone: %d orders, p50 %s, p99 %s, %d refused.\n\n", len(alone.took), ms(alone.quantile(.5)), ms(alone.quantile(.99)), len(alone.refused))
	fmt.Fprintln(out, "| attack | requests | answers | process | most memory | growth | the other's p50 | p99 | × alone | refused |")
	fmt.Fprintln(out, "|---|---:|---|---|---:|---:|---:|---:|---:|---:|")
	for _, r := range rows {
		fmt.Fprintf(out, "| %s | %d | %s | %s | %s | %s | %s | %s | %.1f | %d |\n", r.name, r.requests(), r.summary(), r.process,
			mb(r.after.most), mb(max(r.after.most-r.before.now, 0)), ms(r.other.quantile(.5)), ms(r.other.quantile(.99)),
			float64(r.other.quantile(.99))/float64(max(alone.quantile(.99), 1)), len(r.other.refused))
	}
}

func (r row) requests() (n int) {
	for _, count := range r.answers {
		n += count
	}
	return n
}

func (r row) summary() string {
	var parts []string
	for _, a := range slices.Sorted(maps.Keys(r.answers)) {
		parts = append(parts, fmt.Sprintf("%s: %d", a, r.answers[a]))
	}
	return strings.Join(parts, ", ")
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

func mb(bytes int64) string { return fmt.Sprintf("%d MB", bytes>>20) }

// faultsOf is what did not hold, a sentence each.
func faultsOf(rows []row) (faults []string) {
	for _, r := range rows {
		if r.bound > 0 && r.after.most > r.bound {
			faults = append(faults, fmt.Sprintf("%s: %s had %s, and is given %s", r.name, r.process, mb(r.after.most), mb(r.bound)))
		}
		for answer, example := range r.unclear {
			faults = append(faults, fmt.Sprintf("%s: the answer %s is not clear: %s", r.name, answer, example))
		}
		if len(r.answers) == 0 {
			faults = append(faults, r.name+": was answered nothing")
		}
		if n := len(r.other.refused); n > 0 {
			faults = append(faults, fmt.Sprintf("%s: the other customer was refused %d times, first: %s", r.name, n, r.other.refused[0]))
		}
	}
	return faults
}
