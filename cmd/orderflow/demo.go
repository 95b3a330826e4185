package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"orderflow.dev/e2e"
	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/local/stack"
)

func demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show every ending an order can have, and stop",
		Long: `Starts the whole pipeline, places one order for each ending (confirmed, declined, out of stock, pending and then paid,
declined or expired, outcome unknown, provider failing, cancelled at different moments), prints each order's journal and
a table, and stops everything. Exits 1 if any order ended otherwise or money or stock do not agree.`,
		Example: "  orderflow demo",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo(cmd.Context(), cmd.OutOrStdout())
		},
	}
}

// demoOptions shorten production's waits, so that every ending is reached within seconds.
var demoOptions = stack.Options{
	SweepEvery: time.Second, OrderExpiry: 15 * time.Second, SagaPatience: 10 * time.Second, JournalGrace: 10 * time.Second,
	ProviderTimeout: time.Second,
}

// ending is what became of a scenario.
type ending struct {
	scenario e2e.Scenario
	order    *orderv1.Order
	charge   stack.Charge
	timeline []stack.Happening
	err      error
}

func demo(ctx context.Context, out io.Writer) error {
	s, err := start(ctx, out, demoOptions)
	if err != nil {
		return err
	}
	defer s.Stop()
	endings, err := runScenarios(ctx, out, s)
	if err != nil {
		return err
	}
	for _, e := range endings {
		fmt.Fprintf(out, "\n%s  (%s, order %s)\n", e.scenario.Name, e.scenario.Method, e.order.GetOrderId())
		if len(e.timeline) > 0 {
			printTimeline(out, e.timeline[0].Time, e.timeline)
		}
	}
	fmt.Fprintln(out)
	failed := printEndings(out, endings)
	failed = append(failed, stockAgrees(ctx, out, s, endings))
	return errors.Join(failed...)
}

func runScenarios(ctx context.Context, out io.Writer, s *stack.Stack) ([]*ending, error) {
	token, err := stack.Token(ctx, s.Endpoints, "alice")
	if err != nil {
		return nil, err
	}
	in, err := stack.Inspect(ctx, s.Endpoints)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "\nPlacing %d orders, one for each ending; the slowest waits %s to expire\n", len(e2e.Scenarios), demoOptions.OrderExpiry)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	w := e2e.World{Customer: e2e.Customer{Gateway: s.Gateway, Token: token}, AtProvider: in.AtProvider}
	endings := make([]*ending, len(e2e.Scenarios))
	var g errgroup.Group
	for i, sc := range e2e.Scenarios {
		e := &ending{scenario: sc}
		endings[i] = e
		g.Go(func() error {
			e.order, e.err = sc.Run(ctx, w)
			if e.order == nil {
				return e.err
			}
			fmt.Fprintf(out, "  %-28s %s\n", sc.Name, status(e.order))
			var err error
			if e.timeline, err = in.Timeline(ctx, e.order.GetOrderId()); err != nil {
				return err
			}
			e.charge, err = in.Charge(ctx, e.order.GetOrderId())
			if want := sc.Paid; (e.charge.Net() != 0) != want && e.err == nil {
				e.err = fmt.Errorf("order %s: the provider keeps %d, want %v", e.order.GetOrderId(), e.charge.Net(), map[bool]string{true: "its total", false: "nothing"}[want])
			}
			return err
		})
	}
	return endings, g.Wait()
}

func status(o *orderv1.Order) string {
	s := o.GetStatus().String()[len("ORDER_STATUS_"):]
	if r := o.GetCancellationReason(); r != "" {
		s += " " + r
	}
	return s
}

func printEndings(out io.Writer, endings []*ending) []error {
	var failed []error
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tSCENARIO\tENDED\tPROVIDER KEEPS\tAFTER\t")
	for _, e := range endings {
		mark := "✓"
		if e.err != nil {
			mark = "✗ " + e.err.Error()
			failed = append(failed, fmt.Errorf("%s: %w", e.scenario.Name, e.err))
		}
		took := e.order.GetUpdateTime().AsTime().Sub(e.order.GetCreateTime().AsTime())
		fmt.Fprintf(t, "%s\t%s\t%s\tGBP %d.%02d\t%d ms\t\n", mark, e.scenario.Name, status(e.order), e.charge.Net()/100, e.charge.Net()%100, took.Milliseconds())
	}
	t.Flush()
	return failed
}

// stockAgrees checks that exactly the confirmed orders hold stock.
func stockAgrees(ctx context.Context, out io.Writer, s *stack.Stack, endings []*ending) error {
	in, err := stack.Inspect(ctx, s.Endpoints)
	if err != nil {
		return err
	}
	held := map[string]int64{}
	for _, e := range endings {
		if e.order.GetStatus() == orderv1.OrderStatus_ORDER_STATUS_CONFIRMED {
			for _, l := range e.order.GetLines() {
				held[l.GetSku()] += int64(l.GetQuantity())
			}
		}
	}
	for _, sku := range []string{e2e.Plenty, e2e.Scarce} {
		resp, err := in.Inventory().GetItem(ctx, &inventoryv1.GetItemRequest{Sku: sku})
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "\nstock of %-12s %6d available, %d held for confirmed orders", sku, resp.GetItem().GetAvailable(), resp.GetItem().GetHeld())
		if got := resp.GetItem().GetHeld(); got != held[sku] {
			return fmt.Errorf("stock of %s: %d held, but confirmed orders have %d", sku, got, held[sku])
		}
	}
	fmt.Fprintln(out)
	return nil
}
