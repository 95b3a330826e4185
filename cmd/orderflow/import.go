package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"orderflow.dev/e2e"
	importingv1 "orderflow.dev/gen/orderflow/importing/v1"
	"orderflow.dev/local/stack"
)

type importFlags struct {
	source, name, columns string // of an upload
	follow                string // an import's id, instead of an upload
	rejects               string // a file to write
	catalog               bool   // the file is of products, not of orders
}

func importCommand() *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "import FILE | --follow ID",
		Short: "Import a file of orders, or of products, into the running stack and follow it to its end",
		Long: `Uploads a file of orders (CSV or NDJSON, plain or gzip; a row is a product of an order, an order's rows stand together)
to the bucket of uploads, follows it until its report is there, and prints what became of it. Rows that cannot be an order
are rejected one by one and never keep the others from being made; importing a file again makes no order twice.
With --catalog a row is a product (sku, name, unit_price, currency, stock): what it costs and how many are there.
Exits 1 if the file cannot be read. Ctrl-C leaves the import running.`,
		Example: `  orderflow import orders.csv
  orderflow import orders.csv.gz --source shop --columns columns.json   # which of their columns is which of ours
  orderflow import orders.csv --source shop --rejects rejects.csv       # correct them, and import rejects.csv
  orderflow import products.csv --catalog
  orderflow import --follow ID                                          # look again`,
		Args: func(_ *cobra.Command, args []string) error { return f.check(args) },
		RunE: func(cmd *cobra.Command, args []string) error {
			return runImport(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), args, f)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.source, "source", "local", "whose file it is: an order_ref is unique within a source")
	fl.BoolVar(&f.catalog, "catalog", false, "the file is of products: it states their prices and stock")
	fl.StringVar(&f.name, "name", "", "what to call the upload (default: the file's name)")
	fl.StringVar(&f.columns, "columns", "", "a columns.json for this upload alone")
	fl.StringVar(&f.follow, "follow", "", "upload nothing: follow the import of this id")
	fl.StringVar(&f.rejects, "rejects", "", "write the rejected rows, with the reasons, to this file")
	for _, upload := range []string{"source", "name", "columns", "catalog"} {
		c.MarkFlagsMutuallyExclusive("follow", upload)
	}
	c.MarkFlagsMutuallyExclusive("source", "catalog")
	return c
}

// check refuses anything but one file, or an id to follow.
func (f importFlags) check(args []string) error {
	switch {
	case f.follow != "" && len(args) > 0:
		return errors.New("either a FILE is imported or an import is followed: leave out one of FILE and --follow")
	case f.follow == "" && len(args) != 1:
		return fmt.Errorf("import takes one FILE, or --follow ID; it got %d files", len(args))
	}
	return nil
}

func runImport(ctx context.Context, out, progressOut io.Writer, args []string, f importFlags) error {
	var u *upload
	if f.follow == "" {
		var err error
		if u, err = newUpload(args[0], f); err != nil {
			return err
		}
	}
	e, err := stack.Running()
	if err != nil {
		return err
	}
	e.Use()
	id, grace := f.follow, time.Duration(0)
	if u != nil {
		if id, err = u.send(ctx, newByteProgress(progressOut, u.size)); err != nil {
			return err
		}
		grace = takenUpWithin
		fmt.Fprintf(out, "import %s  %s  %s\n", id, u.object, bytesText(u.size))
	}
	im, err := follower{e, id, grace}.follow(ctx, progressOut)
	if err != nil {
		return err
	}
	return conclude(ctx, out, im, f.rejects)
}

// takenUpWithin is how long an upload may take to become an import.
const takenUpWithin = 2 * time.Minute

// left is the end of a command by Ctrl-C that does not end what it watched: it says what is left.
type left string

func (l left) Error() string { return string(l) }

// follower waits for the end of an import.
type follower struct {
	stack stack.Endpoints
	id    string
	grace time.Duration // how long there may be no such import yet
}

// follow shows how far the import is, and answers it once nothing happens to it any more.
func (f follower) follow(ctx context.Context, progressOut io.Writer) (*importingv1.Import, error) {
	token, err := stack.Token(ctx, f.stack, "team", "imports.read")
	if err != nil {
		return nil, f.interrupted(ctx, err)
	}
	c := e2e.Customer{Gateway: f.stack.Gateway, Token: token}
	bar := newByteProgress(progressOut, 0)
	defer bar.Done()
	im, err := f.await(ctx, func() (*importingv1.Import, error) { return c.Import(ctx, f.id) }, func(im *importingv1.Import) {
		bar.total = max(int(im.GetSize()), 1)
		bar.Say(int(im.GetDone()), remark(im))
	})
	return im, f.interrupted(ctx, err)
}

// await reads the import until its end. Trouble is waited out.
func (f follower) await(ctx context.Context, get func() (*importingv1.Import, error), show func(*importingv1.Import)) (*importingv1.Import, error) {
	for began := time.Now(); ; {
		var im *importingv1.Import
		err := patiently(ctx, func() (err error) {
			im, err = get()
			return err
		})
		switch {
		case err == nil:
			show(im)
			if finalImport(im) {
				return im, nil
			}
		case !unknownImport(err) || f.grace == 0:
			return nil, err
		case time.Since(began) > f.grace:
			return nil, fmt.Errorf("the upload is there, but nobody made it an import within %s; look again: orderflow import --follow %s", f.grace, f.id)
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// interrupted says what Ctrl-C leaves.
func (f follower) interrupted(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return left(fmt.Sprintf("the import goes on; look again: orderflow import --follow %s", f.id))
}

// unknownImport says that there is no such import, or not yet.
func unknownImport(err error) bool {
	r, ok := errors.AsType[*e2e.Refused](err)
	return ok && r.Reason == "import_not_found"
}

func finalImport(im *importingv1.Import) bool {
	return im.GetState() == importingv1.ImportState_IMPORT_STATE_DONE || im.GetState() == importingv1.ImportState_IMPORT_STATE_FAILED
}

// remark is what the bar says beside the bytes.
func remark(im *importingv1.Import) string {
	if ofProducts(im) {
		return fmt.Sprintf("%s  %d rows  %d products", importState(im), im.GetRows(), im.GetItems()+im.GetSuperseded())
	}
	return fmt.Sprintf("%s  %d rows  %d orders", importState(im), im.GetRows(), im.GetOrders()+im.GetAlreadyThere())
}
