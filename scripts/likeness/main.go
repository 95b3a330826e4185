// Command likeness runs google-cloud-go's own integration tests of its Firestore client against Firestore in this process
// and against Google's emulator, and compares.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"orderflow.dev/local/firestore"
	"orderflow.dev/local/firestore/query"
	"orderflow.dev/local/google"
	"orderflow.dev/scripts/internal/command"
)

type options struct {
	on, host, run string
	strict, log   bool
}

func main() {
	command.Main("likeness", func(ctx context.Context) error { return likeness(os.Stdout).ExecuteContext(ctx) })
}

func likeness(out io.Writer) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "likeness",
		Short: "Run google-cloud-go's Firestore integration tests on Firestore in this process and on Google's emulator",
		Long: `Copies the module cloud.google.com/go/firestore to a temporary folder and runs its integration tests from there. Exits 1 if
one of them fails on Firestore in this process that passes on Google's emulator.

Google's emulator must be installed, unless only "embedded" is asked for. The first run downloads what the module's tests
need beyond this module.`,
		Example: `  go run ./scripts/likeness
  go run ./scripts/likeness --on embedded --strict --run 'TestIntegration_DefaultDB/QueryDocuments' --log
  go run ./scripts/likeness --host 127.0.0.1:8080     # a server that runs already`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return o.compare(cmd.Context(), out) },
	}
	f := c.Flags()
	f.StringVar(&o.on, "on", "both", "embedded, google or both")
	f.StringVar(&o.host, "host", "", "`host:port` of a server that runs already, instead of --on")
	f.StringVar(&o.run, "run", "TestIntegration_DefaultDB", "which tests, as go test -run has it")
	f.BoolVar(&o.strict, "strict", false, "refuse queries, as production does, that need a composite index: none is defined")
	f.BoolVar(&o.log, "log", false, "show what the tests print")
	return c
}

// embedded is how the report calls Firestore in this process.
const embedded, googles, given = "embedded", "google", "given"

func (o *options) compare(ctx context.Context, out io.Writer) error {
	servers, stop, err := o.start(ctx)
	if err != nil {
		return err
	}
	defer stop()
	s, err := prepare(ctx)
	if err != nil {
		return err
	}
	defer s.remove()
	outcomes := map[string]results{}
	for _, server := range servers {
		log := io.Discard
		if o.log {
			fmt.Fprintf(out, "--- on %s\n", server.name)
			log = out
		}
		if outcomes[server.name], err = s.run(ctx, server.host, o.run, log); err != nil {
			return fmt.Errorf("the integration tests on %s: %w", server.name, err)
		}
	}
	report(out, servers, outcomes)
	return verdict(outcomes)
}

type server struct{ name, host string }

// start starts what is asked for. stop ends it.
func (o *options) start(ctx context.Context) (servers []server, stop func(), err error) {
	stop = func() {}
	if o.host != "" {
		return []server{{given, o.host}}, stop, nil
	}
	if !slices.Contains([]string{embedded, googles, "both"}, o.on) {
		return nil, nil, fmt.Errorf("--on is %s, %s or both, not %q", embedded, googles, o.on)
	}
	if o.on != embedded {
		emulators, err := google.Start(ctx, google.Options{})
		if err != nil {
			return nil, nil, fmt.Errorf("start Google's emulator (--on %s needs none): %w", embedded, err)
		}
		stop = emulators.Stop
		servers = append(servers, server{googles, emulators.FirestoreHost})
	}
	if o.on != googles {
		host, err := o.serve(ctx)
		if err != nil {
			stop()
			return nil, nil, err
		}
		servers = append(servers, server{embedded, host})
	}
	return servers, stop, nil
}

// serve serves Firestore until the process ends.
func (o *options) serve(ctx context.Context) (host string, err error) {
	var indexes *query.Indexes
	if o.strict {
		if indexes, err = query.ParseIndexes([]byte("[]"), []byte("[]")); err != nil {
			return "", err
		}
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("serve Firestore: %w", err)
	}
	go func() {
		if err := firestore.New(firestore.Options{Indexes: indexes}).Serve(ctx, l); err != nil {
			fmt.Fprintln(os.Stderr, "likeness:", err)
		}
	}()
	return l.Addr().String(), nil
}
