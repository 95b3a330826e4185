package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func workflowsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "workflows",
		Short: "Check and run Google Cloud Workflows definitions on this machine",
		Long: `Checks and runs workflow definitions (YAML or JSON) as Google Cloud Workflows would, without an account and without a
running stack. Any definition will do, not only Orderflow's.`,
		Example: `  orderflow workflows check workflows/*.yaml
  orderflow workflows run saga.yaml --data '{"order": 7}' --trace`,
	}
	c.AddCommand(workflowsCheckCommand(), workflowsRunCommand())
	return c
}

// excerpt is a line of a source with a mark under what is meant: n characters from
// a column. Line and column count from 1; a line that does not exist is left out.
func excerpt(source []byte, line, column, n int) string {
	lines := strings.Split(string(source), "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	text := []rune(strings.TrimRight(lines[line-1], "\r"))
	before := text[:max(0, min(column-1, len(text)))]
	n = max(1, min(n, len(text)-len(before)))
	blank := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r // as wide as the tab above it
		}
		return ' '
	}, string(before))
	number := fmt.Sprint(line)
	return fmt.Sprintf("  %s | %s\n  %*s | %s%s\n", number, string(text), len(number), "", blank, strings.Repeat("^", n))
}
