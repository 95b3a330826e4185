package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"orderflow.dev/e2e"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/local/stack"
)

func orderCommand() *cobra.Command {
	var (
		sku, method, subject, key string
		quantity                  int32
		wait                      time.Duration
	)
	c := &cobra.Command{
		Use:   "order",
		Short: "Place an order with the running stack and follow it to its end",
		Example: `  orderflow order --sku mug-blue --quantity 2
  orderflow order --sku mug-blue --pay pm_decline
  orderflow order --sku mug-blue --key my-key      # again with the same key: the same order`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), wait)
			defer cancel()
			e, err := stack.Running()
			if err != nil {
				return err
			}
			token, err := stack.Token(ctx, e, subject)
			if err != nil {
				return err
			}
			c := e2e.Customer{Gateway: e.Gateway, Token: token}
			placed, err := c.Place(ctx, cmp.Or(key, rand.Text()), &orderv1.PlaceOrderRequest{
				Lines: []*orderv1.RequestedLine{{Sku: sku, Quantity: quantity}}, PaymentMethod: method,
			})
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "order %s  %s%s\n", placed.Order.GetOrderId(), stack.Price(placed.Order.GetTotal()), map[bool]string{true: "  (placed before)"}[placed.Replayed])
			return follow(ctx, out, e, c, placed.Order.GetOrderId())
		},
	}
	f := c.Flags()
	f.StringVar(&sku, "sku", e2e.Plenty, "what")
	f.Int32Var(&quantity, "quantity", 1, "how many")
	f.StringVar(&method, "pay", "pm_approve", "payment method: pm_approve, pm_decline, pm_pending, pm_pending_decline, pm_never, pm_timeout_charged, pm_timeout_not_charged, pm_flaky")
	f.StringVar(&subject, "subject", "alice", "who orders")
	f.StringVar(&key, "key", "", "idempotency key (default: a fresh one)")
	f.DurationVar(&wait, "wait", 5*time.Minute, "how long to follow it")
	return c
}

// follow prints an order's timeline as it grows.
func follow(ctx context.Context, out io.Writer, e stack.Endpoints, c e2e.Customer, id string) error {
	in, err := stack.Inspect(ctx, e)
	if err != nil {
		return err
	}
	shown := 0
	_, err = c.Await(ctx, id, func(o *orderv1.Order) bool {
		var timeline []stack.Happening
		if timeline, err = in.Timeline(ctx, id); err != nil {
			return true
		}
		if len(timeline) > shown {
			printTimeline(out, timeline[0].Time, timeline[shown:])
			shown = len(timeline)
		}
		return e2e.Final(o.GetStatus())
	})
	return err
}

func printTimeline(out io.Writer, start time.Time, happenings []stack.Happening) {
	for _, h := range happenings {
		resume := ""
		if h.Resume {
			resume = "  (starts a saga)"
		}
		fmt.Fprintf(out, "  %+8.0f ms  %-12s %-26s %s%s\n", float64(h.Time.Sub(start).Microseconds())/1000, h.Where, h.What, h.Detail, resume)
	}
}
