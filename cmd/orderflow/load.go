package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"orderflow.dev/e2e"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/local/stack"
)

type loadFlags struct {
	baskets string
	rate    float64
	count   int
	workers int
	pay     []string
	prefix  string
	wait    time.Duration
}

func loadCommand() *cobra.Command {
	var f loadFlags
	c := &cobra.Command{
		Use:   "load",
		Short: "Replay baskets as orders through the running stack, and check that everything agrees",
		Long: `Places every basket of a CSV file (order_ref, customer_id, sku, quantity; plain or .gz) as an order through the HTTP
intake, follows all of them to their ends, and checks that each accepted order ended, that the stock taken is the stock in
confirmed orders, and that the provider keeps what confirmed orders are worth. Exits 1 if anything does not agree.
An order that meets trouble is placed again, under its key, for half a minute: processes may be killed meanwhile.
The products must be in the catalogue: see orderflow catalog load.`,
		Example: `  orderflow load --baskets baskets.csv.gz --count 2000
  orderflow load --baskets baskets.csv --rate 50
  orderflow load --baskets baskets.csv --pay pm_approve,pm_decline,pm_pending   # payment methods in turn`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return load(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), f)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.baskets, "baskets", "", "the file")
	fl.Float64Var(&f.rate, "rate", 0, "orders a second (default: as fast as they are accepted)")
	fl.IntVar(&f.count, "count", 0, "how many (default: all)")
	fl.IntVar(&f.workers, "workers", 32, "orders placed at once")
	fl.StringSliceVar(&f.pay, "pay", []string{"pm_approve"}, "payment methods, in turn")
	fl.StringVar(&f.prefix, "key-prefix", "load", "of idempotency keys: the same prefix again replays the same orders")
	fl.DurationVar(&f.wait, "wait", 5*time.Minute, "how long to wait for the last order to end")
	_ = c.MarkFlagRequired("baskets") // it exists
	return c
}

// run is what a load has seen so far.
type run struct {
	stack.Endpoints
	flags  loadFlags
	in     *stack.Inspector
	http   *http.Client
	tokens sync.Map // by customer

	mu       sync.Mutex
	accepted []string
	replayed int
	refused  map[string]int
	accept   []time.Duration
	finish   []time.Duration
	began    time.Time
	placed   time.Duration
	ended    time.Duration
}

func load(ctx context.Context, out, progressOut io.Writer, f loadFlags) error {
	e, err := stack.Running()
	if err != nil {
		return err
	}
	in, err := stack.Inspect(ctx, e)
	if err != nil {
		return err
	}
	total, err := countBaskets(f.baskets, f.count)
	if err != nil {
		return err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = f.workers
	r := &run{Endpoints: e, flags: f, in: in, refused: map[string]int{}, http: &http.Client{Transport: transport, Timeout: time.Minute}, began: time.Now()}
	if err := r.place(ctx, newProgress(progressOut, "placed", total)); err != nil {
		return err
	}
	unfinished, err := r.follow(ctx, newProgress(progressOut, "ended", len(r.accepted)))
	if err != nil {
		return err
	}
	var agreement stack.Agreement
	err = patiently(ctx, func() (err error) {
		agreement, err = in.Agree(ctx)
		return err
	})
	if err != nil {
		return err
	}
	r.print(out, agreement)
	violations := agreement.Violations()
	if unfinished > 0 {
		violations = append(violations, fmt.Sprintf("%d of this run's orders did not end within %s", unfinished, f.wait))
	}
	if len(violations) > 0 {
		return errors.New("does not agree:\n  " + strings.Join(violations, "\n  "))
	}
	fmt.Fprintln(out, "\n✓ every accepted order ended; stock and money agree with the orders")
	return nil
}

// place places every basket, at most so many at once and so many a second.
func (r *run) place(ctx context.Context, bar *progress) error {
	defer bar.Done()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.flags.workers)
	n := 0
	err := baskets(r.flags.baskets, r.flags.count, func(b basket) error {
		if r.flags.rate > 0 {
			due := r.began.Add(time.Duration(float64(n) / r.flags.rate * float64(time.Second)))
			select {
			case <-time.After(time.Until(due)):
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		method := r.flags.pay[n%len(r.flags.pay)]
		n++
		g.Go(func() error {
			defer func() {
				r.mu.Lock()
				defer r.mu.Unlock()
				bar.Set(len(r.accept))
			}()
			return r.placeOne(ctx, b, method)
		})
		return nil
	})
	r.placed = time.Since(r.began)
	return errors.Join(g.Wait(), err)
}

func (r *run) placeOne(ctx context.Context, b basket, method string) error {
	token, err := r.token(ctx, b.customer)
	if err != nil {
		return err
	}
	c := e2e.Customer{Gateway: r.Gateway, Token: token, HTTP: r.http}
	start := time.Now()
	var p *e2e.Placed
	err = patiently(ctx, func() (err error) {
		p, err = c.Place(ctx, r.flags.prefix+"-"+b.ref, &orderv1.PlaceOrderRequest{Lines: b.lines, PaymentMethod: method})
		return err
	})
	took := time.Since(start)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.accept = append(r.accept, took)
	if err == nil {
		r.accepted = append(r.accepted, p.Order.GetOrderId())
		if p.Replayed {
			r.replayed++
		}
		return nil
	}
	refused, ok := errors.AsType[*e2e.Refused](err)
	if !ok {
		return fmt.Errorf("place basket %s: %w", b.ref, err)
	}
	r.refused[fmt.Sprintf("%d %s", refused.Status, refused.Reason)]++
	return nil
}

func (r *run) token(ctx context.Context, customer string) (string, error) {
	if t, ok := r.tokens.Load(customer); ok {
		return t.(string), nil
	}
	t, err := stack.Token(ctx, r.Endpoints, customer)
	r.tokens.Store(customer, t)
	return t, err
}

// follow waits until every accepted order has ended, and says how many have not in time.
func (r *run) follow(ctx context.Context, bar *progress) (unfinished int, err error) {
	defer bar.Done()
	pending := slices.Clone(r.accepted)
	deadline := time.Now().Add(r.flags.wait)
	for {
		var still []string
		orders, err := r.in.Orders(ctx, pending)
		if err != nil {
			return 0, err
		}
		for i, o := range orders {
			if o == nil || !o.Final() {
				still = append(still, pending[i])
				continue
			}
			_, at := o.Status()
			r.finish = append(r.finish, at.Sub(o.Created().GetEventTime().AsTime()))
		}
		pending = still
		bar.Set(len(r.finish))
		r.ended = time.Since(r.began)
		if len(pending) == 0 || time.Now().After(deadline) {
			return len(pending), nil
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return len(pending), ctx.Err()
		}
	}
}
