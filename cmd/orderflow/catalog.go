package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"orderflow.dev/e2e"
	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	"orderflow.dev/local/stack"
)

func catalogCommand() *cobra.Command {
	c := &cobra.Command{Use: "catalog", Short: "The catalogue of the running stack"}
	c.AddCommand(&cobra.Command{
		Use:   "load FILE.csv",
		Short: "Load products, prices and stock from a CSV file",
		Long: `Loads a CSV file with the columns sku, name, unit_price (decimal), currency and stock, in any order.
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

func readCatalogue(path string) ([]*inventoryv1.StatedItem, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("read the header of %s: %w", path, err)
	}
	at := map[string]int{}
	for i, name := range header {
		at[strings.TrimSpace(name)] = i
	}
	for _, name := range []string{"sku", "name", "unit_price", "currency", "stock"} {
		if _, ok := at[name]; !ok {
			return nil, fmt.Errorf("%s has no column %s: it has %s", path, name, strings.Join(header, ", "))
		}
	}
	var items []*inventoryv1.StatedItem
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return items, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		line, _ := r.FieldPos(0)
		price, perr := minorUnits(row[at["unit_price"]])
		stock, serr := strconv.ParseInt(row[at["stock"]], 10, 64)
		if err := errors.Join(perr, serr); err != nil {
			return nil, fmt.Errorf("%s line %d: %w", path, line, err)
		}
		it := e2e.Stated(row[at["sku"]], row[at["name"]], price, stock)
		it.UnitPrice.CurrencyCode = row[at["currency"]]
		items = append(items, it)
	}
}

// minorUnits reads a decimal amount with at most two decimals, without floating point.
func minorUnits(s string) (int64, error) {
	whole, frac, _ := strings.Cut(strings.TrimSpace(s), ".")
	if whole == "" || len(frac) > 2 || strings.ContainsAny(s, "+-") {
		return 0, fmt.Errorf("price %q: want a positive amount with at most two decimals", s)
	}
	n, err := strconv.ParseInt(whole+(frac + "00")[:2], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("price %q is no amount", s)
	}
	return n, nil
}
