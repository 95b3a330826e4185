// Command smoke plays the end-to-end scenarios at a deployed gateway, or a local one: is the pipeline whole?
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"orderflow.dev/e2e"
	"orderflow.dev/scripts/internal/command"
)

type options struct {
	url, tokenCommand, sku string
	endings                []string
	timeout                time.Duration
}

func main() {
	command.Main("smoke", func(ctx context.Context) error { return smoke(os.Stdout).ExecuteContext(ctx) })
}

func smoke(out io.Writer) *cobra.Command {
	var o options
	var names []string
	for _, s := range e2e.Scenarios {
		names = append(names, s.Name)
	}
	c := &cobra.Command{
		Use:   "smoke",
		Short: "Play the end-to-end scenarios at a gateway",
		Long: `Places orders at a gateway and follows each to its end. The orders are real: they take stock and, where a payment provider's
sandbox is behind the gateway, its test money. Exits 1 if anything is not as it must be.

Endings: ` + strings.Join(names, ", ") + `; none places no order.`,
		Example: `  ORDERFLOW_TOKEN=… go run ./scripts/smoke --url https://gateway.example
  go run ./scripts/smoke --url https://gateway.example --token-command 'my-issuer login --print' --sku smoke-test
  go run ./scripts/smoke --url https://gateway.example --endings none     # where every order costs somebody money
  go run ./scripts/smoke --url http://127.0.0.1:8088 --token-command 'bin/orderflow token'`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), out) },
	}
	f := c.Flags()
	f.StringVar(&o.url, "url", "", "the gateway's root URL")
	f.StringVar(&o.tokenCommand, "token-command", "", "command that prints a customer's token, and after it an API key if the gateway wants one (default: $ORDERFLOW_TOKEN)")
	f.StringVar(&o.sku, "sku", e2e.Plenty, "what is ordered; there must be some")
	f.StringSliceVar(&o.endings, "endings", []string{"confirmed", "declined", "cancelled before payment"}, "which endings are played")
	f.DurationVar(&o.timeout, "timeout", 3*time.Minute, "how long all of it may take; the first requests may have to start instances")
	_ = c.MarkFlagRequired("url") // it exists
	return c
}

// check is one thing that must be so. Its note is worth showing also if it is.
type check struct {
	name string
	run  func(context.Context) (note string, err error)
	took time.Duration
	note string
	err  error
}

func (o *options) run(ctx context.Context, out io.Writer) error {
	endings, err := choose(o.endings)
	if err != nil {
		return err
	}
	token, key, err := o.credentials(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, fmt.Errorf("not within %s (--timeout)", o.timeout))
	defer cancel()
	fmt.Fprintf(out, "Smoke test of %s\n", o.url)
	c := e2e.Customer{Gateway: strings.TrimSuffix(o.url, "/"), Token: token, HTTP: &http.Client{Transport: newDoor(key)}}
	checks := checks(c, o.sku, endings)
	var g errgroup.Group
	for _, k := range checks {
		g.Go(func() error {
			began := time.Now()
			k.note, k.err = k.run(ctx)
			k.took = time.Since(began)
			return nil
		})
	}
	_ = g.Wait() // errors are kept by check
	return show(out, checks)
}

func choose(names []string) (chosen []e2e.Scenario, err error) {
	if slices.Equal(names, []string{"none"}) {
		return nil, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(e2e.Scenarios, func(s e2e.Scenario) bool { return s.Name == strings.TrimSpace(name) })
		if i < 0 {
			return nil, fmt.Errorf("there is no ending %q: -h lists them", name)
		}
		chosen = append(chosen, e2e.Scenarios[i])
	}
	return chosen, nil
}

// credentials are a customer's token, and the API key that a gateway with quotas wants beside it. They are never printed.
func (o *options) credentials(ctx context.Context) (token, key string, err error) {
	text := os.Getenv("ORDERFLOW_TOKEN")
	if o.tokenCommand != "" {
		cmd := exec.CommandContext(ctx, "sh", "-c", o.tokenCommand)
		cmd.Stderr = os.Stderr
		raw, err := cmd.Output()
		if err != nil {
			return "", "", fmt.Errorf("the command of --token-command: %w", err)
		}
		text = string(raw)
	}
	switch words := strings.Fields(text); len(words) {
	case 1:
		return words[0], "", nil
	case 2:
		return words[0], words[1], nil
	case 0:
		return "", "", errors.New("a customer's token is needed: set ORDERFLOW_TOKEN, or give a --token-command that prints one")
	}
	return "", "", errors.New("a token, and an API key if the gateway wants one, are two words at most")
}

func show(out io.Writer, checks []*check) error {
	var failed []error
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, k := range checks {
		mark := "✓"
		if k.err != nil {
			mark = "✗"
			failed = append(failed, fmt.Errorf("%s: %w", k.name, k.err))
		}
		fmt.Fprintf(t, "  %s\t%s\t%d ms\t%s\n", mark, k.name, k.took.Milliseconds(), k.note)
	}
	t.Flush()
	if len(failed) > 0 {
		return fmt.Errorf("%d of %d failed\n%w", len(failed), len(checks), errors.Join(failed...))
	}
	fmt.Fprintf(out, "all %d as they must be\n", len(checks))
	return nil
}
