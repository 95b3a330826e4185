// Command orderflow runs Orderflow on this machine and speaks to a running stack.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"orderflow.dev/local/stack"
)

func main() {
	stack.BeUnit()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := root().ExecuteContext(ctx)
	interrupted := ctx.Err() != nil
	stop()
	switch {
	case err != nil && interrupted:
		fmt.Fprintln(os.Stderr, "orderflow: interrupted;", afterCtrlC(err))
		os.Exit(130) // as a shell reports Ctrl-C
	case err != nil:
		fmt.Fprintln(os.Stderr, "orderflow:", err)
		os.Exit(exitCode(err))
	}
}

// exitCode is 1, unless the error says otherwise.
func exitCode(err error) int {
	if e, ok := errors.AsType[interface {
		error
		ExitCode() int
	}](err); ok {
		return e.ExitCode()
	}
	return 1
}

// afterCtrlC says what is as it was before, and what is not.
func afterCtrlC(err error) string {
	if l, ok := errors.AsType[left](err); ok {
		return l.Error()
	}
	return "everything that was started has been stopped"
}

func root() *cobra.Command {
	c := &cobra.Command{
		Use:   "orderflow",
		Short: "An order pipeline on Google Cloud, on your machine",
		Long: `Orderflow takes orders over HTTP and carries each one to its end: confirmed, or cancelled with everything undone.

  orderflow demo                        every ending an order can have, in one run
  orderflow up                          the whole pipeline on this machine, until Ctrl-C
  orderflow order --sku mug-blue        place an order with the running stack and follow it
  orderflow import orders.csv           make orders of a file`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	c.AddCommand(
		upCommand(),
		demoCommand(),
		orderCommand(),
		tokenCommand(),
		catalogCommand(),
		importCommand(),
		loadCommand(),
		checkCommand(),
		chaosCommand(),
		drillCommand(),
		doctorCommand(),
		ordersCommand(),
		stockCommand(),
		deadLettersCommand(),
		replayCommand(),
		workflowsCommand(),
	)
	refuseUnknown(c)
	return c
}

// refuseUnknown has groups of commands fail of what is none of theirs: cobra shows their help, and says that all is well.
func refuseUnknown(c *cobra.Command) {
	for _, sub := range c.Commands() {
		refuseUnknown(sub)
		if !sub.HasSubCommands() || sub.Runnable() {
			continue
		}
		sub.SuggestionsMinimumDistance = 2
		sub.FParseErrWhitelist.UnknownFlags = true // those of the command that was meant
		sub.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			text := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
			if meant := cmd.SuggestionsFor(args[0]); len(meant) > 0 {
				return fmt.Errorf("%s: did you mean %s?", text, strings.Join(meant, " or "))
			}
			return fmt.Errorf("%s: see %s --help", text, cmd.CommandPath())
		}
	}
}
