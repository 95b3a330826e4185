package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"orderflow.dev/local/stack"
)

// local is the stack that all tests here share. Its waits are short, so that every ending is reached within seconds.
var (
	local *stack.Stack
	look  *stack.Inspector
)

var update = flag.Bool("update", false, "write docs/operations.md anew")

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	ctx := context.Background()
	var err error
	local, err = stack.Start(ctx, stack.Options{
		SweepEvery: time.Second, OrderExpiry: 30 * time.Second, SagaPatience: 40 * time.Second, JournalGrace: 40 * time.Second,
		ProviderTimeout: time.Second,
	})
	if err != nil {
		return 0, err
	}
	defer local.Stop()
	if look, err = stack.Inspect(ctx, local.Endpoints); err != nil {
		return 0, err
	}
	if err := LoadCatalogue(ctx, local.Endpoints, Catalogue, nil); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// customer is a fresh customer of the local stack.
func customer(t *testing.T, subject string) Customer {
	t.Helper()
	token, err := stack.Token(t.Context(), local.Endpoints, subject)
	if err != nil {
		t.Fatal(err)
	}
	return Customer{Gateway: local.Gateway, Token: token}
}
