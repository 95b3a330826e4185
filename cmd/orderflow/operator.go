package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"orderflow.dev/e2e"
	"orderflow.dev/local/stack"
)

// operatorFlags say where an operator acts, and as whom.
type operatorFlags struct {
	gateway, tokenFile, as string
}

func (f *operatorFlags) on(c *cobra.Command) {
	fl := c.PersistentFlags()
	fl.StringVar(&f.gateway, "gateway", "", "root URL of a deployed gateway (default: the running stack)")
	fl.StringVar(&f.tokenFile, "token-file", "", "file with a token that has the scope "+e2e.OperatorScope+", for --gateway")
	fl.StringVar(&f.as, "as", me(), "who acts, with the running stack; with --gateway, the token says so")
}

// operator is who the flags say.
func (f *operatorFlags) operator(ctx context.Context) (e2e.Operator, error) {
	if (f.gateway == "") != (f.tokenFile == "") {
		return e2e.Operator{}, errors.New("--gateway and --token-file belong together: a deployed gateway takes its issuer's tokens only")
	}
	if f.gateway != "" {
		token, err := os.ReadFile(f.tokenFile)
		if err != nil {
			return e2e.Operator{}, fmt.Errorf("read the operator's token: %w", err)
		}
		return e2e.Operator{Customer: e2e.Customer{Gateway: strings.TrimSuffix(f.gateway, "/"), Token: strings.TrimSpace(string(token))}}, nil
	}
	e, err := stack.Running()
	if err != nil {
		return e2e.Operator{}, fmt.Errorf("%w; or name a deployed gateway: --gateway and --token-file", err)
	}
	token, err := stack.Token(ctx, e, f.as, e2e.OperatorScope)
	return e2e.Operator{Customer: e2e.Customer{Gateway: e.Gateway, Token: token}}, err
}
