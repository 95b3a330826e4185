package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/spf13/cobra"

	"orderflow.dev/e2e"
	"orderflow.dev/local/cloud"
	"orderflow.dev/local/stack"
)

func upCommand() *cobra.Command {
	var (
		o      stack.Options
		killer stack.Killer
		quiet  bool
	)
	c := &cobra.Command{
		Use:   "up",
		Short: "Run the whole pipeline on this machine, until Ctrl-C",
		Long: `Starts everything on loopback: Firestore, Pub/Sub and Cloud Storage, every function and gRPC service as production
starts it, the workflow engine with the shipped saga, deliveries, the sweeps, a gateway, a token issuer and a payment
provider. Loads a small catalogue and prints what to try. With --data-dir everything is kept, and goes on where it was
after a restart, even after kill -9; otherwise it is gone at the end.
With --kill, processes die (SIGKILL) while you use it: each in turn first, then any. Every order still ends.`,
		Example: `  orderflow up
  orderflow up --port 8080 --sweep-every 5s
  orderflow up --isolate       # a process for each function and service, as in production
  orderflow up --isolate --kill 2s --quiet    # and then, elsewhere: orderflow load …; orderflow check --wait 5m
  orderflow up --data-dir ./data      # everything is still there the next time
  orderflow up --emulators google     # Google's own Firestore and Pub/Sub emulators, if they are installed`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			switch {
			case killer.Every < 0:
				return errors.New("--kill wants a positive duration, such as 2s")
			case killer.Every > 0 && !o.Isolate:
				return errors.New("--kill needs processes to kill: add --isolate")
			}
			o.Register, o.Keep = true, o.Dir != ""
			if !quiet {
				o.Log = newView(out)
			}
			s, err := start(cmd.Context(), out, o)
			if err != nil {
				return err
			}
			defer s.Stop()
			if err := welcome(cmd.Context(), out, s); err != nil {
				return err
			}
			return attend(cmd.Context(), out, s, killer)
		},
	}
	f := c.Flags()
	f.IntVar(&o.Port, "port", 0, "the gateway's port (default: a free one)")
	f.StringVar(&o.Dir, "data-dir", "", "keep everything here, and go on with what is there (default: memory and a temporary folder)")
	f.StringVar(&o.Emulators, "emulators", "", "embedded: Firestore and Pub/Sub in this process; google: Google's emulators (default: $"+cloud.Variable+", or embedded)")
	f.DurationVar(&o.SweepEvery, "sweep-every", 10*time.Second, "how often the sweeps run; 0: by their cron lines, every minute as in production")
	f.DurationVar(&o.OrderExpiry, "order-expiry", 0, "an order not confirmed by then is cancelled (default 30m)")
	f.DurationVar(&o.SagaPatience, "saga-patience", 0, "how long a saga may take before the sweep starts another (default 2m)")
	f.BoolVar(&o.Isolate, "isolate", false, "run every function and service in a process of its own, started again when it dies")
	f.DurationVar(&killer.Every, "kill", 0, "with --isolate: kill a process this often on average, each in turn first, then any")
	f.Uint64Var(&killer.Seed, "seed", 0, "of --kill: the same seed chooses the same processes and pauses (default: a fresh one, printed)")
	f.BoolVar(&quiet, "quiet", false, "no line per event")
	return c
}

// start starts a stack with progress, and loads the demo catalogue.
func start(ctx context.Context, out io.Writer, o stack.Options) (*stack.Stack, error) {
	began := time.Now()
	o.Steps = func(what string) { fmt.Fprintf(out, "  %5.1fs  %s\n", time.Since(began).Seconds(), what) }
	fmt.Fprintln(out, "Starting Orderflow")
	s, err := stack.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	o.Steps("demo catalogue")
	if err := e2e.LoadCatalogue(ctx, s.Endpoints, e2e.Catalogue, nil); err != nil {
		s.Stop()
		return nil, err
	}
	o.Steps("ready")
	return s, nil
}

// attend stays with the stack until Ctrl-C, or until it ends of itself, and kills its processes meanwhile if that is asked.
func attend(ctx context.Context, out io.Writer, s *stack.Stack, killer stack.Killer) error {
	up, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		<-s.Done()
		cancel()
	}()
	if killer.Every > 0 {
		if err := kill(up, out, s, killer); err != nil {
			return err
		}
	}
	<-up.Done()
	if ctx.Err() == nil {
		return s.Err()
	}
	fmt.Fprintln(out, "\nstopping")
	return nil
}

// kill kills until ctx ends, and prints each kill, and how many there were.
func kill(ctx context.Context, out io.Writer, s *stack.Stack, killer stack.Killer) error {
	if killer.Seed == 0 {
		killer.Seed = uint64(rand.Uint32())
	}
	fmt.Fprintf(out, "Killing a process every %s on average, each in turn first, then any; --seed %d repeats the choice\n\n", killer.Every, killer.Seed)
	killer.Killed = func(key string, back time.Duration) {
		fmt.Fprintf(out, "%s  killed %s, back after %d ms\n", time.Now().Format("15:04:05.000"), key, back.Milliseconds())
	}
	kills, err := killer.Run(ctx, s)
	fmt.Fprintln(out)
	kills.Print(out)
	return err
}

func welcome(ctx context.Context, out io.Writer, s *stack.Stack) error {
	token, err := stack.Token(ctx, s.Endpoints, "alice")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, `
Gateway    %[1]s
Workflows  http://%[4]s/v1/projects/%[5]s/locations/%[6]s/workflows
Logs       %[2]s

Try, in another terminal:

  TOKEN=%[3]s

  curl -s %[1]s/v1/orders -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: my-first-order" \
    -H "Content-Type: application/json" \
    -d '{"lines": [{"sku": "mug-blue", "quantity": 2}], "payment_method": "pm_approve"}'

  curl -s %[1]s/v1/orders -H "Authorization: Bearer $TOKEN"

  orderflow order --sku lamp-copper --quantity 3    # more than there are: out of stock
  orderflow order --sku mug-blue --pay pm_pending   # paid later, by webhook

`, s.Gateway, s.LogFile, token, s.Workflows, stack.Project, stack.Location)
	return nil
}
