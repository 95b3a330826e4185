package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"orderflow.dev/local/workflows"
)

func workflowsCheckCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "check FILE…",
		Short: "Find what is wrong with workflow definitions, without running them",
		Long: `Reads workflow definitions and prints everything that a deployment would refuse: where it is, the line, and what to do
about it. Nothing is deployed and nothing runs. Exits 1 if there is any problem.`,
		Example: `  orderflow workflows check workflows/fulfil-order.yaml
  orderflow workflows check *.yaml --json      # an array of {file, line, column, text, hint} for CI`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			return workflowsCheck(cmd.OutOrStdout(), files, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the problems as a JSON array")
	return c
}

// found is a problem as --json prints it.
type found struct {
	File   string `json:"file"`
	Line   int    `json:"line"`   // from 1
	Column int    `json:"column"` // from 1
	Text   string `json:"text"`
	Hint   string `json:"hint,omitempty"`
}

func workflowsCheck(out io.Writer, files []string, asJSON bool) error {
	all := []found{} // an array also if it is empty
	for _, file := range files {
		source, problems, err := problemsOf(file)
		if err != nil {
			return err
		}
		for _, p := range problems {
			all = append(all, found(p))
			if !asJSON {
				printProblem(out, source, p)
			}
		}
	}
	if asJSON {
		e := json.NewEncoder(out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(all); err != nil {
			return fmt.Errorf("print the problems: %w", err)
		}
	}
	switch {
	case len(all) > 0:
		return fmt.Errorf("problems found: %d", len(all))
	case !asJSON:
		fmt.Fprintf(out, "✓ no problems found; files checked: %d\n", len(files))
	}
	return nil
}

// problemsOf compiles a file. The error says that it cannot be read.
func problemsOf(file string) (source []byte, problems workflows.Problems, err error) {
	if source, err = os.ReadFile(file); err != nil {
		return nil, nil, fmt.Errorf("check a workflow: %w", err)
	}
	if _, err = workflows.Compile(file, source); err == nil || errors.As(err, &problems) {
		return source, problems, nil
	}
	return nil, nil, fmt.Errorf("check %s: %w", file, err)
}

func printProblem(out io.Writer, source []byte, p workflows.Problem) {
	fmt.Fprintf(out, "%s:%d:%d: %s\n%s", p.File, p.Line, p.Column, p.Text, excerpt(source, p.Line, p.Column, 1))
	if p.Hint != "" {
		fmt.Fprintf(out, "  hint: %s\n", p.Hint)
	}
	fmt.Fprintln(out)
}
