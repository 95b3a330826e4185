package main

import (
	"github.com/spf13/cobra"

	"orderflow.dev/local/stack"
)

// unitCommand runs one function or service in a process of its own, as its container does.
func unitCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "unit NAME",
		Short:  "Run one unit on HOST:PORT: the function that FUNCTION_TARGET names, or a gRPC service",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE:   func(_ *cobra.Command, args []string) error { return stack.RunUnit(args[0]) },
	}
}
