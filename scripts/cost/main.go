// Command cost computes what Orderflow costs on Google Cloud, in US dollars: the operations that a test counted
// (docs/operations.md), what the units say of themselves, and the quantities of quantities.yaml, times the list prices of
// prices.yaml. It does no network call: a price is as old as its looked_up.
//
//	go run ./scripts/cost            # prints the page
//	go run ./scripts/cost -write     # writes docs/costs.md
package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"

	"orderflow.dev/internal/unit"
)

const (
	operationsFile = "docs/operations.md"
	costsFile      = "docs/costs.md"
)

func main() {
	write := flag.Bool("write", false, "write "+costsFile+" instead of printing it")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), `Prints what Orderflow costs, computed from counted operations and list prices. Run it at the root of the repository.

  go run ./scripts/cost            # prints the page
  go run ./scripts/cost -write     # writes %s

`, costsFile)
		flag.PrintDefaults()
	}
	flag.Parse()
	if err := run(*write); err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(1)
	}
}

func run(write bool) error {
	page, err := build(os.DirFS("."))
	if err != nil {
		return err
	}
	if write {
		return os.WriteFile(costsFile, []byte(page), 0o644)
	}
	fmt.Print(page)
	return nil
}

// build makes the page from a tree.
func build(tree fs.FS) (string, error) {
	table, err := fs.ReadFile(tree, operationsFile)
	if err != nil {
		return "", fmt.Errorf("read the counted operations: %w", err)
	}
	endings, err := parseOperations(string(table))
	if err != nil {
		return "", fmt.Errorf("%s: %w", operationsFile, err)
	}
	units, err := unit.Load(tree)
	if err != nil {
		return "", err
	}
	b, err := open(pricesYAML, quantitiesYAML)
	if err != nil {
		return "", err
	}
	if err := b.settings(tree); err != nil {
		return "", err
	}
	m := model{book: b, endings: endings, units: units}
	page := m.page()
	return page, b.err()
}
