package main

import (
	"os"

	"github.com/spf13/cobra"

	"orderflow.dev/internal/platform/rpc"
)

// unitCommand runs one gRPC service in a process of its own, as its container does.
func unitCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "service NAME",
		Short:  "Run one gRPC service on $PORT, configured by the environment",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if os.Getenv("HOST") == "" {
				os.Setenv("HOST", "127.0.0.1")
			}
			rpc.Main(args[0])
			return nil
		},
	}
}
