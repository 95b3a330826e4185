package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/user"
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
		return f.deployed()
	}
	e, err := stack.Running()
	if err != nil {
		return e2e.Operator{}, fmt.Errorf("%w; or name a deployed gateway: --gateway and --token-file", err)
	}
	token, err := stack.Token(ctx, e, f.as, e2e.OperatorScope)
	return e2e.Operator{Customer: e2e.Customer{Gateway: e.Gateway, Token: token}}, err
}

// deployed is an operator of a deployed gateway.
func (f *operatorFlags) deployed() (o e2e.Operator, err error) {
	if u, err := url.Parse(f.gateway); err != nil || u.Host == "" {
		return o, fmt.Errorf("--gateway %q: write its root URL, as https://gateway.example", f.gateway)
	}
	text, err := os.ReadFile(f.tokenFile)
	if err != nil {
		return o, fmt.Errorf("read the operator's token: %w", err)
	}
	switch words := strings.Fields(string(text)); len(words) {
	case 0:
		return o, fmt.Errorf("--token-file %s is empty: put a token into it that has the scope %s", f.tokenFile, e2e.OperatorScope)
	case 1:
		o.Gateway, o.Token = strings.TrimSuffix(f.gateway, "/"), words[0]
		return o, nil
	default:
		return o, fmt.Errorf("--token-file %s: there is more in it than one token", f.tokenFile)
	}
}

// explained says what was being done when an operator was refused, and what to do where that is known.
func (f *operatorFlags) explained(err error, what string) error {
	if err == nil {
		return nil
	}
	next := ""
	refused, answered := errors.AsType[*e2e.Refused](err)
	switch {
	case !answered && f.gateway == "":
		next = "; is the stack well? orderflow doctor"
	case !answered, refused.Status == http.StatusNotFound && refused.Reason == "":
		next = "; is --gateway " + f.gateway + " where Orderflow is?"
	case refused.Status == http.StatusUnauthorized && f.gateway != "":
		next = "; put a new one into " + f.tokenFile
	case refused.Reason == "order_not_found":
		next = "; look for it with orderflow orders find"
	}
	return fmt.Errorf("%s: %w%s", what, err, next)
}

// me is who runs this command, by the name of their account.
func me() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
