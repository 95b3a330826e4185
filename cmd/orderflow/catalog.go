package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"orderflow.dev/e2e"
	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	"orderflow.dev/internal/importing/rows"
	"orderflow.dev/local/stack"
)

func catalogCommand() *cobra.Command {
	c := &cobra.Command{Use: "catalog", Short: "The catalogue of the running stack"}
	c.AddCommand(&cobra.Command{
		Use:   "load FILE.csv",
		Short: "Load products, prices and stock from a CSV file",
		Long: `Loads a CSV file with the columns sku, name, unit_price (decimal), currency and stock, in any order, or the same
as NDJSON: the files that the folder catalog/ of the uploads takes, but for bad rows, of which there must be none.
stock is what is physically there, goods held for orders included: loading a file again changes nothing.`,
		Example: "  orderflow catalog load catalog.csv",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := stack.Running()
			if err != nil {
				return err
			}
			items, err := readCatalogue(args[0])
			if err != nil {
				return err
			}
			bar := newProgress(cmd.ErrOrStderr(), "products", len(items))
			defer bar.Done()
			err = patiently(cmd.Context(), func() error { return e2e.LoadCatalogue(cmd.Context(), e, items, bar.Set) })
			if err != nil {
				return err
			}
			bar.Done()
			fmt.Fprintf(cmd.OutOrStdout(), "%d products loaded\n", len(items))
			return nil
		},
	})
	return c
}

// readCatalogue reads all products of a file that has no bad row.
func readCatalogue(path string) ([]*inventoryv1.StatedItem, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := rows.Open(f, rows.Columns{Kind: rows.Catalogue}, rows.Limits{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var items []*inventoryv1.StatedItem
	for {
		row, err := r.Next()
		switch {
		case err == io.EOF:
			return items, nil
		case err != nil:
			return nil, fmt.Errorf("read %s: %w", path, err)
		case row.Err != nil:
			return nil, fmt.Errorf("%s line %d: %w", path, row.Line, row.Err)
		}
		it := e2e.Stated(row.SKU, row.Name, *row.UnitPrice, row.Stock)
		it.UnitPrice.CurrencyCode = row.Currency
		items = append(items, it)
	}
}
