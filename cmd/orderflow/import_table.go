package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	importingv1 "orderflow.dev/gen/orderflow/importing/v1"
	"orderflow.dev/local/stack"
)

// conclude prints what became of an import and fetches its rejects, if a file is named for them. An import that failed is
// an error, and so is a file that could be read in part only; rejected rows are not.
func conclude(ctx context.Context, out io.Writer, im *importingv1.Import, rejects string) error {
	printImport(out, im)
	if rejects != "" && im.GetRejectsUri() != "" {
		if err := download(ctx, im.GetRejectsUri(), rejects); err != nil {
			return err
		}
	}
	printVerdict(out, im, rejects)
	switch {
	case im.GetState() == importingv1.ImportState_IMPORT_STATE_FAILED:
		return fmt.Errorf("the import failed: %s", im.GetProblem())
	case im.GetProblem() != "":
		return errors.New("the file could not be read to its end: " + im.GetProblem())
	}
	return nil
}

// printImport prints the table of an import that has ended.
func printImport(out io.Writer, im *importingv1.Import) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(what, value string, args ...any) {
		fmt.Fprintf(t, "%s\t"+value+"\n", append([]any{what}, args...)...)
	}
	row("import", "%s  %s", im.GetImportId(), importState(im))
	row("file", "%s  %s", im.GetFile(), bytesText(int(im.GetSize())))
	row("rows", "%d", im.GetRows())
	if ofProducts(im) {
		row("products set", "%d", im.GetItems())
		row("left as a newer file has them", "%d", im.GetSuperseded())
		row("rejected", "%s", rejected(im))
	} else {
		row("orders made", "%d", im.GetOrders())
		row("orders already there", "%d", im.GetAlreadyThere())
		row("orders rejected", "%s", rejected(im))
	}
	for _, reason := range slices.Sorted(maps.Keys(im.GetRejectedByReason())) {
		row("  "+reason, "%d", im.GetRejectedByReason()[reason])
	}
	if !ofProducts(im) {
		row("orders made cost", "%s", money(im))
	}
	row("took", "%s", took(im))
	row("chunks", "%s", chunks(im))
	row("summary", "%s", im.GetSummaryUri())
	if im.GetRejectsUri() != "" {
		row("rejected rows", "%s", im.GetRejectsUri())
	}
	t.Flush()
}

// printVerdict says what is to be done now.
func printVerdict(out io.Writer, im *importingv1.Import, rejects string) {
	switch {
	case im.GetRejectsUri() != "" && rejects != "":
		fmt.Fprintf(out, "\n✗ rejected: %s. They are in %[2]s, with the reasons: correct them, then\n  orderflow import %[2]s %[3]s\n", rejected(im), rejects, whose(im))
	case im.GetRejectsUri() != "":
		fmt.Fprintf(out, "\n✗ rejected: %s. To see them with the reasons:\n  orderflow import --follow %s --rejects rejects%s\n", rejected(im), im.GetImportId(), path.Ext(im.GetRejectsUri()))
	case im.GetProblem() == "":
		fmt.Fprintln(out, "\n✓ every row is "+role(im))
	}
	if im.GetRejectsUri() == "" && rejects != "" {
		fmt.Fprintf(out, "no row was rejected: %s was not written\n", rejects)
	}
}

// ofProducts says that an import is of a catalogue's file: one of orders has a source.
func ofProducts(im *importingv1.Import) bool { return im.GetSource() == "" }

// whose is the flag that another file of the same kind and source takes.
func whose(im *importingv1.Import) string {
	if ofProducts(im) {
		return "--catalog"
	}
	return "--source " + im.GetSource()
}

// role is what a good row is.
func role(im *importingv1.Import) string {
	if ofProducts(im) {
		return "a product"
	}
	return "part of an order"
}

// importState is the state for people: done.
func importState(im *importingv1.Import) string {
	return strings.ToLower(strings.TrimPrefix(im.GetState().String(), "IMPORT_STATE_"))
}

func rejected(im *importingv1.Import) string {
	if im.GetRejectedRows() == 0 {
		return "0"
	}
	if ofProducts(im) {
		return fmt.Sprintf("%d rows", im.GetRejectedRows())
	}
	return fmt.Sprintf("%d (%d rows)", im.GetRejectedOrders(), im.GetRejectedRows())
}

func money(im *importingv1.Import) string {
	if len(im.GetTotals()) == 0 {
		return "nothing"
	}
	var totals []string
	for _, m := range im.GetTotals() {
		totals = append(totals, stack.Price(m))
	}
	return strings.Join(totals, ", ")
}

// took is from when the upload was first seen to the report.
func took(im *importingv1.Import) string {
	d := im.GetEndTime().AsTime().Sub(im.GetCreateTime().AsTime())
	return fmt.Sprintf("%s (%.0f rows/s)", d.Round(100*time.Millisecond), float64(im.GetRows())/max(d.Seconds(), 0.001))
}

func chunks(im *importingv1.Import) string {
	if im.GetSequential() == "" {
		return fmt.Sprint(im.GetChunks())
	}
	return fmt.Sprintf("%d: %s", im.GetChunks(), im.GetSequential())
}
