package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"orderflow.dev/e2e"
	operationsv1 "orderflow.dev/gen/orderflow/operations/v1"
	"orderflow.dev/internal/order"
	"orderflow.dev/local/stack"
)

func ordersCommand() *cobra.Command {
	f := &operatorFlags{}
	c := &cobra.Command{
		Use:   "orders",
		Short: "Find anybody's orders, and cancel, retry, close or refund them, as an operator",
		Long: `Everything that is done goes through the deployed API, in the name of the token's subject, and is kept in the order's
journal with the reason. What was done before is not done again: a command that broke off may be repeated (--key).

They are those of the running stack, or of a deployed one (--gateway, --token-file).`,
		Example: `  orderflow orders find --stuck 10m
  orderflow orders find --status CANCELLED --reason declined --since 2h
  orderflow orders show ID
  orderflow orders cancel ID --reason "the customer called"
  orderflow orders retry ID --reason "the provider is back"
  orderflow orders close ID --reason "its saga cannot end"
  orderflow orders refund ID --amount 2.50 --reason "a broken mug"
  orderflow orders show ID --gateway https://gw.example --token-file operator.jwt`,
	}
	f.on(c)
	c.AddCommand(findOrdersCommand(f), showOrderCommand(f),
		actCommand(f, "cancel", "Cancel an order that is not confirmed", operationsv1.Act_ACT_CANCEL,
			"Money and stock go back by the saga, as when the customer cancels. A confirmed order is refunded instead."),
		actCommand(f, "retry", "Start an order's saga again, now", operationsv1.Act_ACT_RETRY,
			"Of an order that has not ended, however long the sweep would wait. Starting it once too often does no harm."),
		actCommand(f, "close", "End a cancelling order whose saga cannot", operationsv1.Act_ACT_CLOSE,
			"Gives the money back and releases the stock itself, and closes only once both say that nothing is charged or held."),
		refundCommand(f))
	return c
}

func findOrdersCommand(f *operatorFlags) *cobra.Command {
	var (
		q            = url.Values{}
		values       [4]string
		since, until time.Duration
		stuck        time.Duration
		unended      bool
		limit        int
	)
	c := &cobra.Command{
		Use:   "find",
		Short: "Find orders by customer, status, reason, origin or time, or those that are stuck",
		Long: `Without --customer, --unended or --stuck, which have an index, every order is looked at: with millions of them that takes
a while.`,
		Example: "  orderflow orders find --stuck 10m\n  orderflow orders find --customer ID --status CONFIRMED\n  orderflow orders find --origin IMPORT --unended",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkAgo(since, until); err != nil {
				return err
			}
			if limit < 1 || stuck < 0 {
				return errors.New("--limit wants a number from 1 on, and --stuck a time such as 10m")
			}
			o, err := f.operator(cmd.Context())
			if err != nil {
				return err
			}
			for i, name := range []string{"customer", "status", "reason", "origin"} {
				set(q, name, values[i])
			}
			set(q, "from", ago(since))
			set(q, "to", ago(until))
			if stuck > 0 {
				q.Set("stuck", stuck.String())
			}
			if unended {
				q.Set("unended", "true")
			}
			return f.explained(findOrders(cmd.Context(), cmd.OutOrStdout(), o, q, limit), "find orders")
		},
	}
	fl := c.Flags()
	fl.StringVar(&values[0], "customer", "", "whose: a customer's id, as find and show print it")
	fl.StringVar(&values[1], "status", "", "PLACED, CONFIRMED, CANCELLING or CANCELLED")
	fl.StringVar(&values[2], "reason", "", "of the cancellation: out_of_stock, declined, cancelled, expired or operator")
	fl.StringVar(&values[3], "origin", "", "from a file: the import's id; or "+order.RebuiltOrigin+": lost, and made again from the archive without address and note")
	fl.DurationVar(&since, "since", 0, "placed in this time, e.g. 2h")
	fl.DurationVar(&until, "until", 0, "placed longer ago than this")
	fl.DurationVar(&stuck, "stuck", 0, "not ended, and nothing has happened for so long, e.g. 10m")
	fl.BoolVar(&unended, "unended", false, "not ended")
	fl.IntVar(&limit, "limit", 50, "at most so many")
	return c
}

// checkAgo checks a time that begins and ends so long ago; 0 is no bound.
func checkAgo(since, until time.Duration) error {
	switch {
	case since < 0 || until < 0:
		return errors.New("--since and --until are so long ago: write 2h")
	case since > 0 && until >= since:
		return fmt.Errorf("there is no time between --since %s and --until %s ago", since, until)
	}
	return nil
}

func set(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}

func ago(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return time.Now().Add(-d).UTC().Format(time.RFC3339)
}

// findOrders follows the pages until there are enough; a page may be empty although more follow.
func findOrders(ctx context.Context, out io.Writer, o e2e.Operator, q url.Values, limit int) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "order\tplaced\tstatus\treason\ttotal\tlooked at again\tcustomer\torigin")
	found := 0
	for {
		q.Set("page_size", fmt.Sprint(min(limit-found, 100)))
		page, err := o.Find(ctx, q)
		if err != nil {
			return err
		}
		for _, v := range page.GetOrders() {
			found++
			again := "-"
			if v.GetNextAttemptTime() != nil {
				again = v.GetNextAttemptTime().AsTime().Local().Format(time.DateTime)
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", v.GetOrderId(), v.GetCreateTime().AsTime().Local().Format(time.DateTime),
				statusName(v.GetStatus()), cmp.Or(v.GetCancellationReason(), "-"), stack.Price(v.GetTotal()), again, v.GetCustomerId(), cmp.Or(v.GetOrigin(), "-"))
		}
		if page.GetNextPageToken() == "" || found >= limit {
			return finishFound(out, t, found, page.GetNextPageToken() != "")
		}
		q.Set("page_token", page.GetNextPageToken())
	}
}

func finishFound(out io.Writer, t *tabwriter.Writer, found int, more bool) error {
	if found == 0 {
		fmt.Fprintln(out, "no such orders")
		return nil
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if more {
		fmt.Fprintf(out, "there may be more than these %d: --limit\n", found)
	}
	return nil
}

// oneOrder are the arguments of a command about one order: an empty id is a variable that was not set.
func oneOrder(cmd *cobra.Command, args []string) error {
	if err := cobra.ExactArgs(1)(cmd, args); err != nil {
		return err
	}
	if args[0] == "" {
		return errors.New("say which order: its id is empty")
	}
	return nil
}
