// Bulk imports a large generated file into a stack of its own, every function in a process of its own, kills the worker
// on the way, and counts: every order of the file must be there once. It prints how fast that was beside reading the file
// alone and beside what the store takes at most.
//
//	go run ./scripts/bulk -mb 30
//	go run ./scripts/bulk -mb 1000 -firestore-heap 8g -pubsub-heap 4g    # 1 GB is 960,000 orders
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"text/tabwriter"
	"time"

	"orderflow.dev/e2e"
	importingv1 "orderflow.dev/gen/orderflow/importing/v1"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/bucket"
	"orderflow.dev/internal/platform/object"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/stack"
)

type options struct {
	megabytes int64
	kills     int
	parallel  int
	starts    int
	firestore string
	pubsub    string
	dir       string
}

func main() {
	stack.BeUnit()
	var o options
	flag.Int64Var(&o.megabytes, "mb", 30, "about how large the file is, in 10^6 bytes")
	flag.IntVar(&o.kills, "kills", 3, "how often the worker is killed")
	flag.IntVar(&o.parallel, "parallel", 16, "orders that one call of the worker places at once")
	flag.IntVar(&o.starts, "starts", 1, "sagas started a second, as if that were the quota: fulfilment waits behind the import")
	flag.StringVar(&o.firestore, "firestore-heap", "2g", "java's -Xmx of the Firestore emulator, which keeps all documents in memory")
	flag.StringVar(&o.pubsub, "pubsub-heap", "1g", "java's -Xmx of the Pub/Sub emulator, which keeps all messages")
	flag.StringVar(&o.dir, "dir", "", "keep state and logs here (default: temporary)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bulk:", err)
		os.Exit(1)
	}
}

var began = time.Now()

func say(format string, args ...any) {
	fmt.Printf("%6.1fs  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "bulk-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	f, err := generate(dir, o.megabytes*1_000_000)
	if err != nil {
		return err
	}
	say("a file of %d MB: %d rows, %d orders", f.size/1_000_000, f.rows(), f.orders)
	read, err := copyAlone(f)
	if err != nil {
		return err
	}
	parsed, err := parse(f)
	if err != nil {
		return err
	}
	os.Setenv("IMPORT_RATE", "0")
	os.Setenv("IMPORT_PARALLEL", strconv.Itoa(o.parallel))
	os.Setenv("IMPORT_PATIENCE", "2m")
	s, err := stack.Start(ctx, stack.Options{
		Dir: o.dir, Isolate: true, FirestoreHeap: o.firestore, PubSubHeap: o.pubsub,
		StartsPerSecond: o.starts, SagaPatience: 24 * time.Hour, SweepEvery: time.Hour, // orders wait: the emulator sorts all of them for every query of a sweep
	})
	if err != nil {
		return err
	}
	defer s.Stop()
	say("a stack is up")
	if err := e2e.LoadCatalogue(ctx, s.Endpoints, e2e.Catalogue, nil); err != nil {
		return err
	}
	created, err := createRate(ctx, o.parallel, 10*time.Second)
	if err != nil {
		return err
	}
	say("the store alone takes %.0f such orders a second", created)
	im, used, err := importFile(ctx, s, f, o.kills)
	if err != nil {
		return err
	}
	table(os.Stdout, f, im, used, read, parsed, created)
	if err := count(ctx, s, f); err != nil {
		return err
	}
	return agrees(im, f)
}

// importFile uploads the file and follows it to its report.
func importFile(ctx context.Context, s *stack.Stack, f file, kills int) (*importingv1.Import, usage, error) {
	o, err := upload(ctx, f)
	if err != nil {
		return nil, nil, err
	}
	say("uploaded")
	token, err := stack.Token(ctx, s.Endpoints, "team", "imports.read")
	if err != nil {
		return nil, nil, err
	}
	c, id := e2e.Customer{Gateway: s.Gateway, Token: token}, importing.ID(o.Bucket, o.Name, o.Generation)
	return watch(ctx, s, func() (*importingv1.Import, error) {
		im, err := c.Import(ctx, id)
		if r, ok := errors.AsType[*e2e.Refused](err); ok && r.Reason == "import_not_found" || e2e.Trouble(err) {
			return &importingv1.Import{Size: 1}, nil // not yet, or not just now
		}
		return im, err
	}, kills)
}

func upload(ctx context.Context, f file) (object.Object, error) {
	bucket, err := bucket.Open(ctx, unit.BucketName(stack.Project, "uploads"))
	if err != nil {
		return object.Object{}, err
	}
	defer bucket.Close()
	src, err := os.Open(f.path)
	if err != nil {
		return object.Object{}, err
	}
	defer src.Close()
	w := bucket.Replace(ctx, "orders/"+source+"/bulk.csv", "text/csv", nil)
	defer w.Abort()
	if _, err := io.Copy(w, src); err != nil {
		return object.Object{}, err
	}
	if err := w.Close(); err != nil {
		return object.Object{}, err
	}
	return w.Object(), nil
}

// agrees holds the report against the file.
func agrees(im *importingv1.Import, f file) error {
	if im.GetRows() != int64(f.rows()) || im.GetOrders() != int64(f.orders) || im.GetAlreadyThere() != 0 || im.GetRejectedRows() != 0 {
		return fmt.Errorf("the report does not agree with the file's %d rows and %d orders: %v", f.rows(), f.orders, im)
	}
	return nil
}

// count looks each order of the file up, and counts that there are no others: an order is made once if each is there.
func count(ctx context.Context, s *stack.Stack, f file) error {
	look, err := stack.Inspect(ctx, s.Endpoints)
	if err != nil {
		return err
	}
	const page = 3000
	found := 0
	for from := 0; from < f.orders; from += page {
		var ids []string
		for n := from; n < min(from+page, f.orders); n++ {
			ids = append(ids, orderID(n))
		}
		orders, err := look.Orders(ctx, ids)
		if err != nil {
			return err
		}
		for i, o := range orders {
			if err := whole(o); err != nil {
				return fmt.Errorf("order %s: %w", ref(from+i), err)
			}
			found++
		}
	}
	all, err := look.CountOrders(ctx)
	if err != nil {
		return err
	}
	if all != int64(found) {
		return fmt.Errorf("there are %d orders, the file has %d", all, found)
	}
	say("all %d orders of the file are there, each of its %d rows, and no other", found, rowsPerOrder)
	return nil
}

func whole(o *order.Order) error {
	if o == nil {
		return errors.New("it is missing")
	}
	items := 0 // a row is one
	for _, l := range o.Created().GetLines() {
		items += int(l.GetQuantity())
	}
	if items != rowsPerOrder {
		return fmt.Errorf("it is of %d rows, want %d", items, rowsPerOrder)
	}
	return nil
}

func table(out io.Writer, f file, im *importingv1.Import, used usage, read, parsed time.Duration, created float64) {
	took := im.GetEndTime().AsTime().Sub(im.GetCreateTime().AsTime())
	rate := float64(f.rows()) / took.Seconds()
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\n\trows/s\torders/s\tratio of the import\n")
	line := func(what string, rows float64) {
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.4f\n", what, rows, rows/rowsPerOrder, rate/rows)
	}
	line("import, upload to report", rate)
	line("reading the file alone", float64(f.rows())/read.Seconds())
	line("reading and parsing it alone", float64(f.rows())/parsed.Seconds())
	line("creating orders in the store alone", created*rowsPerOrder)
	fmt.Fprintf(t, "\nprocess\tmemory of its own\twith its program's pages\n")
	for _, key := range []string{"plan-import", "import-chunk"} {
		fmt.Fprintf(t, "%s\t%.1f MiB\t%.1f MiB\n", key, float64(used[key].own)/(1<<20), float64(used[key].all)/(1<<20))
	}
	fmt.Fprintf(t, "\n%d chunks, %s\n\n", im.GetChunks(), took.Round(100*time.Millisecond))
	t.Flush()
}
