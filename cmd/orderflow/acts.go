package main

import (
	"context"
	"crypto/rand"
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
	reason, key string
}

func (a *actFlags) on(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&a.reason, "reason", "", "why; kept for good, so no personal data")
	fl.StringVar(&a.key, "key", rand.Text(), "idempotency key (default: a fresh one): with the same one again nothing is done twice")
	_ = c.MarkFlagRequired("reason")
}

func actCommand(f *operatorFlags, name, short string, act operationsv1.Act, long string) *cobra.Command {
	var a actFlags
	c := &cobra.Command{
		Use:     name + " ID",
		Short:   short,
		Long:    short + ". " + long,
		Example: fmt.Sprintf("  orderflow orders %s ID --reason \"ticket 4711\"", name),
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return actOn(cmd.Context(), cmd.OutOrStdout(), f, args[0], a.key, &operationsv1.OperateOrderRequest{Act: act, Reason: a.reason})
		},
	}
	a.on(c)
	return c
}

func refundCommand(f *operatorFlags) *cobra.Command {
	var (
		a      actFlags
		amount string
	)
	c := &cobra.Command{
		Use:   "refund ID",
		Short: "Give money of a confirmed order back, all of it or a part",
		Long: `Gives back an amount, or all that was not given back yet. It may be done several times, up to the order's total. The
order stays confirmed, and its stock is not touched: goods that come back are a correction of stock (orderflow stock adjust).
The decision is kept at once; the payment provider gives the money back a moment later (orderflow orders show).`,
		Example: `  orderflow orders refund ID --reason "lost in the post"
  orderflow orders refund ID --amount 2.50 --reason "a broken mug"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := &operationsv1.OperateOrderRequest{Act: operationsv1.Act_ACT_REFUND, Reason: a.reason}
			if amount != "" {
				o, err := f.operator(cmd.Context())
				if err != nil {
					return err
				}
				if r.Amount, err = amountOf(cmd.Context(), o, args[0], amount); err != nil {
					return err
				}
			}
			return actOn(cmd.Context(), cmd.OutOrStdout(), f, args[0], a.key, r)
		},
	}
	a.on(c)
	c.Flags().StringVar(&amount, "amount", "", "how much, in the order's currency, e.g. 2.50 (default: all that is left)")
	return c
}

// amountOf is a decimal amount in an order's currency.
func amountOf(ctx context.Context, o e2e.Operator, id, amount string) (*typev1.Money, error) {
	units, err := minorUnits(amount)
	if err != nil {
		return nil, err
	}
	story, err := o.Show(ctx, id)
	if err != nil {
		return nil, err
	}
	return &typev1.Money{CurrencyCode: story.GetOrder().GetTotal().GetCurrencyCode(), MinorUnits: units}, nil
}

// minorUnits reads an amount of a two-decimal currency, as stack.Price writes it: 2, 2.5, 2.50.
func minorUnits(amount string) (int64, error) {
	whole, part, _ := strings.Cut(amount, ".")
	refused := fmt.Errorf("--amount %q: write it as 2.50, with at most two decimals", amount)
	if len(part) > 2 {
		return 0, refused
	}
	units, err := strconv.ParseUint(whole, 10, 63)
	if err != nil || units > math.MaxInt64/100-1 {
		return 0, refused
	}
	pence := uint64(0)
	if part != "" {
		if pence, err = strconv.ParseUint((part + "0")[:2], 10, 63); err != nil {
			return 0, refused
		}
	}
	return int64(units*100 + pence), nil
}

// actOn does something to an order, again while there is trouble: it has a key.
func actOn(ctx context.Context, out io.Writer, f *operatorFlags, id, key string, r *operationsv1.OperateOrderRequest) error {
	o, err := f.operator(ctx)
	if err != nil {
		return err
	}
	var after *orderv1.Order
	err = patiently(ctx, func() (err error) {
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
