package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"orderflow.dev/e2e"
	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	operationsv1 "orderflow.dev/gen/orderflow/operations/v1"
	"orderflow.dev/local/stack"
)

func stockCommand() *cobra.Command {
	f := &operatorFlags{}
	c := &cobra.Command{
		Use:   "stock",
		Short: "Show and correct what is physically there of a product, as an operator",
		Long: `A correction is kept with who made it and why. It never takes what orders hold. The newest word on what is there counts:
a catalogue that is loaded or uploaded after a correction states the stock anew.`,
		Example: `  orderflow stock show mug-blue
  orderflow stock adjust mug-blue --by -3 --reason "broken in the warehouse"`,
	}
	f.on(c)
	c.AddCommand(showStockCommand(f), adjustStockCommand(f))
	return c
}

func showStockCommand(f *operatorFlags) *cobra.Command {
	return &cobra.Command{
		Use:     "show SKU",
		Short:   "Show a product's stock and who corrected it",
		Example: "  orderflow stock show mug-blue",
		Args:    oneProduct,
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := f.operator(cmd.Context())
			if err != nil {
				return err
			}
			item, err := o.Stock(cmd.Context(), args[0])
			if err != nil {
				return f.explained(err, "show the stock of "+args[0])
			}
			return printStock(cmd.OutOrStdout(), item)
		},
	}
}

func printStock(out io.Writer, r *inventoryv1.GetItemResponse) error {
	it := r.GetItem()
	fmt.Fprintf(out, "%s  %s  %s\n", it.GetSku(), it.GetName(), stack.Price(it.GetUnitPrice()))
	fmt.Fprintf(out, "%d there: %d free, %d held for orders\n", it.GetAvailable()+it.GetHeld(), it.GetAvailable(), it.GetHeld())
	if len(r.GetAdjustments()) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\ncorrected\tby\tto\twho\twhy")
	for _, a := range r.GetAdjustments() {
		fmt.Fprintf(t, "%s\t%+d\t%d\t%s\t%s\n", a.GetAdjustTime().AsTime().Local().Format(time.DateTime), a.GetDelta(), a.GetStockAfter(), a.GetBy(), a.GetNote())
	}
	return t.Flush()
}

func adjustStockCommand(f *operatorFlags) *cobra.Command {
	a := actFlags{operatorFlags: f}
	var delta int64
	c := &cobra.Command{
		Use:     "adjust SKU",
		Short:   "Correct what is physically there of a product",
		Example: "  orderflow stock adjust mug-blue --by -3 --reason \"broken in the warehouse\"\n  orderflow stock adjust mug-blue --by 2 --reason \"sent back, as new\"",
		Args:    oneProduct,
		RunE: func(cmd *cobra.Command, args []string) error {
			if delta == 0 {
				return errors.New("say by how much: --by -3")
			}
			return a.onStock(cmd.Context(), cmd.OutOrStdout(), &operationsv1.AdjustStockRequest{Sku: args[0], Delta: delta, Reason: a.reason})
		},
	}
	a.on(c)
	c.Flags().Int64Var(&delta, "by", 0, "how many more there are, or fewer: -3")
	return c
}

// oneProduct are the arguments of a command about one product: an empty SKU is a variable that was not set.
func oneProduct(cmd *cobra.Command, args []string) error {
	if err := cobra.ExactArgs(1)(cmd, args); err != nil {
		return err
	}
	if args[0] == "" {
		return errors.New("say which product: its SKU is empty")
	}
	return nil
}

// onStock corrects a product's stock.
func (a *actFlags) onStock(ctx context.Context, out io.Writer, r *operationsv1.AdjustStockRequest) error {
	var resp *inventoryv1.AdjustStockResponse
	err := a.do(ctx, "adjust the stock of "+r.GetSku(), func(o e2e.Operator, key string) (err error) {
		resp, err = o.AdjustStock(ctx, key, r)
		return err
	})
	if err != nil {
		return err
	}
	return printStock(out, &inventoryv1.GetItemResponse{Item: resp.GetItem(), Adjustments: []*inventoryv1.StockAdjustment{resp.GetAdjustment()}})
}
