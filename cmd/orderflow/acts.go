package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"orderflow.dev/e2e"
	operationsv1 "orderflow.dev/gen/orderflow/operations/v1"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/local/stack"
)

// actFlags are those of everything that is done by hand.
type actFlags struct {
	operatorFlags *operatorFlags
	reason, key   string
}

func (a *actFlags) on(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&a.reason, "reason", "", "why; kept for good, so no personal data")
	fl.StringVar(&a.key, "key", "", "idempotency key (default: a fresh one): with the same one again nothing is done twice")
	_ = c.MarkFlagRequired("reason")
}

// do does something by hand as an operator, again while there is trouble: it has a key. what is being done is for the error.
func (a *actFlags) do(ctx context.Context, what string, act func(o e2e.Operator, key string) error) error {
	if strings.TrimSpace(a.reason) == "" {
		return errors.New("--reason: say why; it is kept for good, with who did it")
	}
	o, err := a.operatorFlags.operator(ctx)
	if err != nil {
		return err
	}
	key := cmp.Or(a.key, rand.Text())
	err = patiently(ctx, func() error { return act(o, key) })
	if trouble(err) {
		return left(fmt.Sprintf("%s: it is not known whether that was done: %v; do it again with --key %s, and it is done once", what, err, key))
	}
	return a.operatorFlags.explained(err, what)
}

func actCommand(f *operatorFlags, name, short string, act operationsv1.Act, long string) *cobra.Command {
	a := actFlags{operatorFlags: f}
	c := &cobra.Command{
		Use:     name + " ID",
		Short:   short,
		Long:    short + ". " + long,
		Example: fmt.Sprintf("  orderflow orders %s ID --reason \"ticket 4711\"", name),
		Args:    oneOrder,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.onOrder(cmd.Context(), cmd.OutOrStdout(), name, args[0], &operationsv1.OperateOrderRequest{Act: act})
		},
	}
	a.on(c)
	return c
}

func refundCommand(f *operatorFlags) *cobra.Command {
	a := actFlags{operatorFlags: f}
	var amount string
	c := &cobra.Command{
		Use:   "refund ID",
		Short: "Give money of a confirmed order back, all of it or a part",
		Long: `Gives back an amount, or all that was not given back yet. It may be done several times, up to the order's total. The
order stays confirmed, and its stock is not touched: goods that come back are a correction of stock (orderflow stock adjust).
The decision is kept at once; the payment provider gives the money back a moment later (orderflow orders show).`,
		Example: `  orderflow orders refund ID --reason "lost in the post"
  orderflow orders refund ID --amount 2.50 --reason "a broken mug"`,
		Args: oneOrder,
		RunE: func(cmd *cobra.Command, args []string) error {
			r := &operationsv1.OperateOrderRequest{Act: operationsv1.Act_ACT_REFUND}
			if cmd.Flags().Changed("amount") { // an empty one, of a variable that is not set, is not all that is left
				var err error
				if r.Amount, err = f.amountOf(cmd.Context(), args[0], amount); err != nil {
					return err
				}
			}
			return a.onOrder(cmd.Context(), cmd.OutOrStdout(), "refund", args[0], r)
		},
	}
	a.on(c)
	c.Flags().StringVar(&amount, "amount", "", "how much, in the order's currency, e.g. 2.50 or \"GBP 2.50\" (default: all that is left)")
	return c
}

// amountOf is an amount that somebody wrote: 2.50, in an order's currency, or GBP 2.50, which the order's must be then.
func (f *operatorFlags) amountOf(ctx context.Context, id, text string) (*typev1.Money, error) {
	currency, amount, found := strings.Cut(strings.TrimSpace(text), " ")
	if !found {
		currency, amount = "", currency
	}
	units, err := minorUnits(amount)
	if err != nil {
		return nil, fmt.Errorf("--amount %q: %w", text, err)
	}
	o, err := f.operator(ctx)
	if err != nil {
		return nil, err
	}
	var story *operationsv1.OrderStory
	err = patiently(ctx, func() (err error) {
		story, err = o.Show(ctx, id)
		return err
	})
	if err != nil {
		return nil, f.explained(err, "refund order "+id)
	}
	ordered := story.GetOrder().GetTotal().GetCurrencyCode()
	if currency != "" && currency != ordered {
		return nil, fmt.Errorf("--amount %q: order %s was paid in %s", text, id, ordered)
	}
	return &typev1.Money{CurrencyCode: ordered, MinorUnits: units}, nil
}

// minorUnits reads an amount of a two-decimal currency, as stack.Price writes it: 2, 2.5, 2.50.
func minorUnits(amount string) (int64, error) {
	refused := errors.New("write it as 2.50, with at most two decimals and above zero")
	whole, part, point := strings.Cut(amount, ".")
	if len(part) > 2 || point && part == "" {
		return 0, refused
	}
	units, err := strconv.ParseUint(whole, 10, 63)
	if err != nil || units > math.MaxInt64/100-1 {
		return 0, refused
	}
	pence, err := strconv.ParseUint((part + "00")[:2], 10, 63)
	if err != nil || units+pence == 0 {
		return 0, refused
	}
	return int64(units*100 + pence), nil
}

// onOrder does something to an order.
func (a *actFlags) onOrder(ctx context.Context, out io.Writer, name, id string, r *operationsv1.OperateOrderRequest) error {
	r.Reason = a.reason
	var after *orderv1.Order
	err := a.do(ctx, name+" order "+id, func(o e2e.Operator, key string) (err error) {
		after, err = o.Act(ctx, id, key, r)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "order %s  %s\n", id, strings.TrimSpace(statusName(after.GetStatus())+" "+after.GetCancellationReason()))
	for _, refund := range after.GetRefunds() {
		fmt.Fprintf(out, "  refund of %s %s\n", stack.Price(refund.GetAmount()), refundText(refund))
	}
	return nil
}
