package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"orderflow.dev/local/stack"
)

// print prints the closing table: this run's orders, and everything the stack has.
func (r *run) print(out io.Writer, a stack.Agreement) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(what, value string, args ...any) {
		fmt.Fprintf(t, "%s\t"+value+"\n", append([]any{what}, args...)...)
	}
	row("baskets", "%d", len(r.accept))
	row("placed", "%d (%d replayed)", len(r.accepted), r.replayed)
	for _, reason := range sortedKeys(r.refused) {
		row("refused at intake: "+reason, "%d", r.refused[reason])
	}
	for _, how := range sortedKeys(a.Orders) {
		row("all orders: "+strings.ToLower(how), "%d", a.Orders[how])
	}
	row("to accept", "p50 %s  p99 %s", quantile(r.accept, 0.5), quantile(r.accept, 0.99))
	row("to finish", "p50 %s  p99 %s", quantile(r.finish, 0.5), quantile(r.finish, 0.99))
	row("orders accepted a second", "%.0f", float64(len(r.accepted))/r.placed.Seconds())
	row("orders finished a second", "%.0f", float64(len(r.finish))/r.ended.Seconds())
	row("confirmed orders worth", "%d minor units", a.ConfirmedSum)
	row("provider's ledger", "%d charged − %d refunded = %d", a.Charged, a.Refunded, a.Charged-a.Refunded)
	row("stock in confirmed orders", "%d units", a.StockSold)
	row("stock held", "%d units", a.StockHeld)
	t.Flush()
}

func sortedKeys(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// quantile is the nearest-rank quantile, rounded for people.
func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	s := slices.Clone(d)
	slices.Sort(s)
	return s[min(int(q*float64(len(s))), len(s)-1)].Round(100 * time.Microsecond)
}
