package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"orderflow.dev/e2e"
	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/local/stack"
)

// demoCatalogue is what `up` and `demo` sell.
var demoCatalogue = []*inventoryv1.StatedItem{
	stated(e2e.Plenty, "Blue mug", 950, 100_000),
	stated(e2e.Scarce, "Copper lamp", 8900, 2),
	stated("tea-darjeeling", "Darjeeling, 250 g", 1275, 5_000),
	stated("teapot-white", "White teapot", 3450, 400),
}

func stated(sku, name string, pence, stock int64) *inventoryv1.StatedItem {
	return &inventoryv1.StatedItem{Sku: sku, Name: name, UnitPrice: &typev1.Money{CurrencyCode: "GBP", MinorUnits: pence}, Stock: stock}
}

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
			if err := loadCatalogue(cmd.Context(), e, items, bar.Set); err != nil {
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
		it := stated(row[at["sku"]], row[at["name"]], price, stock)
		it.UnitPrice.CurrencyCode = row[at["currency"]]
		items = append(items, it)
	}
}

// minorUnits reads a decimal amount with at most two decimals, without floating point.
func minorUnits(s string) (int64, error) {
	whole, frac, _ := strings.Cut(strings.TrimSpace(s), ".")
	if len(frac) > 2 || strings.ContainsAny(s, "+-") {
		return 0, fmt.Errorf("price %q: want a positive amount with at most two decimals", s)
	}
	n, err := strconv.ParseInt(whole+(frac + "00")[:2], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("price %q is no amount", s)
	}
	return n, nil
}

// loadCatalogue states items, a few hundred at a time.
func loadCatalogue(ctx context.Context, e stack.Endpoints, items []*inventoryv1.StatedItem, progress func(int)) error {
	in, err := stack.Inspect(ctx, e)
	if err != nil {
		return err
	}
	done := 0
	for batch := range slices.Chunk(items, 200) {
		if _, err := in.Inventory().UpsertItems(ctx, &inventoryv1.UpsertItemsRequest{Items: batch}); err != nil {
			return fmt.Errorf("load products %s to %s: %w", batch[0].GetSku(), batch[len(batch)-1].GetSku(), err)
		}
		if done += len(batch); progress != nil {
			progress(done)
		}
	}
	return nil
}
