package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"orderflow.dev/local/stack"
)

func tokenCommand() *cobra.Command {
	var (
		subject string
		scopes  []string
	)
	c := &cobra.Command{
		Use:     "token",
		Short:   "Print a customer's token for the running stack",
		Example: "  orderflow token --subject bob\n  curl -H \"Authorization: Bearer $(orderflow token)\" $GATEWAY/v1/orders\n  orderflow token --scope imports.read     # to look at imports",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			e, err := stack.Running()
			if err != nil {
				return err
			}
			token, err := stack.Token(cmd.Context(), e, subject, scopes...)
			if err == nil {
				fmt.Fprintln(cmd.OutOrStdout(), token)
			}
			return err
		},
	}
	c.Flags().StringVar(&subject, "subject", "alice", "who the customer is")
	c.Flags().StringSliceVar(&scopes, "scope", nil, "what the token is good for beyond a customer's own orders: imports.read, operator")
	return c
}
