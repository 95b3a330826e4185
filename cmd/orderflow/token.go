package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"orderflow.dev/local/stack"
)

func tokenCommand() *cobra.Command {
	var subject string
	c := &cobra.Command{
		Use:     "token",
		Short:   "Print a customer's token for the running stack",
		Example: "  orderflow token --subject bob\n  curl -H \"Authorization: Bearer $(orderflow token)\" $GATEWAY/v1/orders",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			e, err := stack.Running()
			if err != nil {
				return err
			}
			token, err := stack.Token(cmd.Context(), e, subject)
			if err == nil {
				fmt.Fprintln(cmd.OutOrStdout(), token)
			}
			return err
		},
	}
	c.Flags().StringVar(&subject, "subject", "alice", "who the customer is")
	return c
}
