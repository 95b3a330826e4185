package importing_test

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"orderflow.dev/internal/importing"
)

// generated is a bucket with one file, which is made as it is read.
type generated struct {
	importing.Bucket
	header string
	block  func(n int) string
	blocks int
}

func (g generated) Read(_ context.Context, name string, _, offset, length int64) (io.ReadCloser, error) {
	if !strings.HasPrefix(name, "done/") {
		return nil, errGone // there is no columns.json
	}
	r := &generating{of: g, left: []byte(g.header)}
	if _, err := io.CopyN(io.Discard, r, offset); err != nil {
		return nil, err
	}
	if length >= 0 {
		return io.NopCloser(io.LimitReader(r, length)), nil
	}
	return io.NopCloser(r), nil
}

func (g generated) Copy(_ context.Context, _ string, _ int64, to string) (importing.File, error) {
	return importing.File{Name: to, Generation: 2, Size: 1 << 60}, nil
}

func (g generated) Delete(context.Context, string, int64) error { return nil }

type generating struct {
	of   generated
	n    int
	left []byte
}

func (r *generating) Read(p []byte) (int, error) {
	if len(r.left) == 0 {
		if r.n == r.of.blocks {
			return 0, io.EOF
		}
		r.left = []byte(r.of.block(r.n))
		r.n++
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}

// forgetting is a bucket that keeps nothing of what is written, and looks at memory whenever something is.
type forgetting struct {
	importing.Bucket
	written *counter
	weighs  *weighing
}

func (f forgetting) Write(_ context.Context, _, _ string, write func(io.Writer) error) error {
	f.weighs.weigh()
	return write(f.written)
}

func (f forgetting) Read(context.Context, string, int64, int64, int64) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(nil)), nil
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// weighing takes orders, and looks now and then at how much memory is in use.
type weighing struct {
	n, most atomic.Int64
}

func (o *weighing) Place(_ context.Context, w importing.Order) (importing.Placed, error) {
	if o.n.Add(1)%1000 == 0 {
		o.weigh()
	}
	return importing.Placed{ImportID: w.ImportID, FirstLine: w.FirstLine, Currency: "GBP", MinorUnits: 1}, nil
}

// weigh takes the least of a few looks: what others allocate while garbage is collected counts as in use.
func (o *weighing) weigh() {
	if now := min(live(), live(), live()); now > o.most.Load() {
		o.most.Store(now)
	}
}

func live() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Not in parallel: others would be weighed too.
func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	const (
		most  = 16 << 20
		block = 1000 // rows
	)
	wide := strings.Repeat("x", 900)
	for name, c := range map[string]struct {
		size int
		row  func(i int) string
	}{
		"good":                     {50 << 20, func(i int) string { return "o" + strconv.Itoa(i/10) + ",c,a,1," + wide }},
		"every row is bad":         {20 << 20, func(i int) string { return "o" + strconv.Itoa(i/10) + ",c,a,0," + wide }},
		"no order_ref can be read": {20 << 20, func(int) string { return ",c,a,1," + wide }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			orders := &weighing{}
			written := new(counter)
			rowsOf := func(n int) string {
				var b strings.Builder
				for i := range block {
					b.WriteString(c.row(n*block+i) + "\n")
				}
				return b.String()
			}
			blocks := c.size / len(rowsOf(0))
			planner, worker := w.planner(nil), w.worker(nil)
			planner.ChunkSize = 1 << 50 // as of a gzip file
			planner.Uploads = generated{header: "order_ref,customer_id,sku,quantity,note\n", block: rowsOf, blocks: blocks}
			worker.Uploads, worker.Orders, worker.Budget = planner.Uploads, orders, time.Hour
			reports := forgetting{written: written, weighs: orders}
			planner.Reports, worker.Reports = reports, reports
			before := live()
			f := importing.File{Name: "orders/acme/a.csv", Generation: 1, Size: int64(c.size)}
			if err := planner.Plan(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			if err := worker.Work(t.Context(), idOf(f), 0); err != nil {
				t.Fatal(err)
			}
			im := w.of(f)
			if im.State != importing.Done || im.Tally.Rows != int64(blocks*block) {
				t.Errorf("import %+v", im)
			}
			if im.Tally.RejectedRows > 0 && int(*written) < c.size*9/10 {
				t.Errorf("%d bytes of rejects of a file of %d", *written, c.size)
			}
			grown := orders.most.Load() - before
			t.Logf("%d MiB at the most", grown>>20)
			if grown > most {
				t.Errorf("%d MiB are in use", grown>>20)
			}
		})
	}
}
