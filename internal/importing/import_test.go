package importing_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/store"
)

func zipped(text string) string {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	z.Write([]byte(text))
	z.Close()
	return b.String()
}

// many is a file of orders of two rows each, from o1 on.
func many(n int) string {
	var b strings.Builder
	b.WriteString(head)
	for i := range n {
		fmt.Fprintf(&b, "o%d,c%d,a,1\no%d,c%d,b,2\n", i+1, i%7, i+1, i%7)
	}
	return b.String()
}

func TestGoodFileAgreesWithCountingItByHand(t *testing.T) {
	for name, c := range map[string]struct {
		pack       func(string) string
		chunk      int64
		chunks     int
		sequential bool
	}{
		"plain": {func(s string) string { return s }, 1 << 20, 1, false}, "chunks": {func(s string) string { return s }, 60, 2, false},
		"gzip": {zipped, 60, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, w *world) {
				w.chunk = c.chunk
				file := head +
					"o1,c1,a,1\no1,c1,b,2\n" + // 3 * 2.50
					"o2,c2,a,4\n" + // 4 * 2.50
					"\n" +
					"o3,c3,a,0\no3,c3,b,1\n" + // a bad row
					"o4,c4,\"a, large\",1\n" + // 2.50
					"o5,c5,no-such,1\n" + // the catalogue refuses it
					"o6,c6,a,10\n" // 10 * 2.50
				im := w.upload("orders/acme/may.csv", c.pack(file))
				w.ended(im)
				w.same("tally", importing.Tally{
					Rows: 8, Orders: 4, RejectedOrders: 2, RejectedRows: 3, Reasons: map[string]int64{"bad_order": 1, "unknown_sku": 1},
					Money: map[string]int64{"GBP": 18 * price},
				}, im.Tally)
				w.same("orders", []string{"acme/o1", "acme/o2", "acme/o4", "acme/o6"}, w.orders.refs())
				if im.State != importing.Done || im.Problem != "" || im.Chunks != c.chunks || im.ChunksDone != c.chunks || (im.Sequential != "") != c.sequential {
					t.Errorf("import %+v", im)
				}
				if len(w.announced[im.ID]) != 1 {
					t.Errorf("announced %d times", len(w.announced[im.ID]))
				}
				lines := strings.Split(w.rejects(im), "\n")
				for i, want := range []string{"order_ref,customer_id,sku,quantity,rejected_line,rejected_reason", "o3,c3,a,0,6,", "o3,c3,b,1,7,", "o5,c5,no-such,1,9,", ""} {
					if !strings.HasPrefix(lines[i], want) || want == "" && lines[i] != "" {
						t.Errorf("rejects' line %d is %q, want %q", i+1, lines[i], want)
					}
				}
				w.says("rejects", w.rejects(im), "quantity is 0: it must be at least 1", "line 6", "the catalogue has no no-such")
				if strings.Contains(w.rejects(im), "secret") {
					t.Error("rejects tell what is not for others")
				}
				w.same("uploads", []string{"done/" + im.ID + "/may.csv"}, w.uploads.names())
				if o := w.orders.all()["acme/o4"]; o.FirstLine != 8 || o.ImportID != im.ID || o.CustomerID != "c4" || o.Lines[0].SKU != "a, large" {
					t.Errorf("order %+v", o)
				}
			})
		})
	}
}

func TestOnlyUploadsArePlanned(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		for _, name := range []string{
			"done/x/may.csv", "catalog/", "orders/may.csv", "orders//may.csv", "orders/acme/", "orders/acme/sub/",
			"orders/acme/columns.json", "orders/acme/sub/columns.json", "may.csv", "xorders/acme/may.csv",
		} {
			w.uploads.put(name, many(1), nil)
			if err := w.planner(nil).Plan(t.Context(), w.uploads.live[name].File); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		time.Sleep(grace)
		if swept := w.sweep(); swept != (importing.Swept{}) || len(w.queue) != 0 || len(w.uploads.names()) != 10 {
			t.Errorf("swept %+v, %d messages, left %v", swept, len(w.queue), w.uploads.names())
		}
	})
}

func TestSameUploadThreeTimesAtOnceIsOneImport(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.chunk = 500
		f := w.uploads.put("orders/acme/a.csv", many(100), nil)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for w.planner(nil).Plan(t.Context(), f) != nil {
					time.Sleep(time.Second)
				}
			})
		}
		wg.Wait()
		w.drain()
		im := w.of(f)
		w.ended(im)
		if im.Tally.Orders != 100 || im.Tally.Rows != 200 || im.Tally.AlreadyThere+im.Tally.RejectedOrders != 0 || len(w.orders.all()) != 100 {
			t.Errorf("tally %+v", im.Tally)
		}
		if imports, _, err := store.NewImports(&w.db).List(t.Context(), 10, ""); err != nil || len(imports) != 1 {
			t.Errorf("%d imports, %v", len(imports), err)
		}
	})
}

func TestSameFileAgainAddsNothing(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.upload("orders/acme/a.csv", many(50))
		before := w.orders.all()
		for _, name := range []string{"orders/acme/a.csv", "orders/acme/b.csv", "orders/acme/sub/a.csv"} {
			im := w.upload(name, many(50))
			w.ended(im)
			w.same("tally", importing.Tally{Rows: 100, AlreadyThere: 50}, im.Tally)
		}
		w.same("orders", before, w.orders.all())
		if im := w.upload("orders/other/a.csv", many(50)); im.Tally.Orders != 50 {
			t.Errorf("another source's orders are %+v", im.Tally)
		}
	})
}

func TestSameReferenceWithOtherContentIsRejected(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.upload("orders/acme/a.csv", head+"o1,c1,a,1\no2,c1,a,1\n")
		im := w.upload("orders/acme/b.csv", head+"o1,c1,a,2\no2,c1,a,1\n")
		w.ended(im)
		w.same("tally", importing.Tally{Rows: 2, AlreadyThere: 1, RejectedOrders: 1, RejectedRows: 1, Reasons: map[string]int64{importing.AlreadyImported: 1}}, im.Tally)
		w.says("rejects", w.rejects(im), "o1,c1,a,2,2,", "imported before, with other content")
		if q := w.orders.all()["acme/o1"].Lines[0].Quantity; q != 1 {
			t.Errorf("the order has quantity %d now", q)
		}
	})
}

// Within a chunk it is always the later one that is rejected, however many are placed at once.
func TestRepeatedReferenceIsRejectedAndNamesBothLines(t *testing.T) {
	for name, again := range map[string]string{"same content": "o1,c1,a,1\n", "other content": "o1,c1,a,5\n"} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, w *world) {
				w.parallel = 8
				for range 3 {
					source := fmt.Sprint("s", len(w.orders.made))
					w.orders.takes = func(o importing.Order) time.Duration { // the first would end last
						if o.FirstLine == 2 {
							return time.Second
						}
						return time.Millisecond
					}
					im := w.upload("orders/"+source+"/a.csv", head+"o1,c1,a,1\no2,c1,a,1\n"+again)
					w.ended(im)
					w.same("tally", importing.Tally{
						Rows: 3, Orders: 2, RejectedOrders: 1, RejectedRows: 1, Reasons: map[string]int64{"repeated_order_ref": 1},
						Money: map[string]int64{"GBP": 2 * price},
					}, im.Tally)
					w.says("rejects", w.rejects(im), again[:len(again)-1]+",4,", "is on line 2 already")
				}
			})
		})
	}
}

func TestRepeatedReferenceAcrossChunks(t *testing.T) {
	for name, again := range map[string]string{"same content": "o1,c1,a,1\n", "other content": "o1,c1,a,5\n"} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, w *world) {
				w.chunk = 10
				im := w.upload("orders/acme/a.csv", head+"o1,c1,a,1\no2,c1,a,1\no3,c1,a,1\no4,c1,a,1\n"+again)
				w.ended(im)
				if im.Chunks < 2 {
					t.Fatalf("%d chunks", im.Chunks)
				}
				tally := im.Tally
				tally.Money = nil
				w.same("tally", importing.Tally{
					Rows: 5, Orders: 4, RejectedOrders: 1, RejectedRows: 1, Reasons: map[string]int64{"repeated_order_ref": 1},
				}, tally)
				kept, refused := w.orders.all()["acme/o1"].FirstLine, int64(6)
				if kept == 6 {
					refused = 2
				}
				w.says("rejects", w.rejects(im), fmt.Sprintf(",%d,", refused), fmt.Sprintf("is on line %d already", kept))
			})
		})
	}
}

func TestRejectsCorrectedAndUploadedAgainMakeWhatIsMissing(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.chunk = 50
		file := head +
			"good1,c1,a,1\n" +
			"o1,c1,a,0\no1,c1,b,1\n" +
			"o2,c1,a,many\n" +
			"o3,,a,1\n" +
			"o4,c1,,1\n" +
			"o5,c1,a\n" + // a field is missing
			"o6,c1,a,1,too many\n" +
			"good2,c1,a,1\n" +
			"o7,c1,\"a,1\n" + // a quote is not closed
			"good3,c1,a,1\n" +
			"o8,c1,caf\xe9,1\n" +
			"o9,c1,a,99999999999999\n" +
			"o10,c1,a,-1\n" +
			"o11,c1,a,1\no11,c2,a,1\n" + // two customers
			"o12,c1,no-such,1\n" +
			"o13,c1," + strings.Repeat("x", 70) + ",1\n" +
			"good1,c1,a,1\n" // repeated
		im := w.upload("orders/acme/a.csv", file)
		w.ended(im)
		good := []string{"acme/good1", "acme/good2", "acme/good3"}
		w.same("orders", good, w.orders.refs())
		if im.Tally.Rows != 19 || im.Tally.Orders != 3 || im.Tally.RejectedOrders != 14 || im.Tally.RejectedRows != 16 {
			t.Errorf("tally %+v", im.Tally)
		}
		before := w.orders.all()
		same := w.upload("orders/acme/rejects.csv", w.rejects(im)) // as they are
		w.ended(same)
		if same.Tally.Orders != 0 || same.Tally.Rows != im.Tally.RejectedRows {
			t.Errorf("uncorrected rejects make %+v", same.Tally)
		}
		w.same("orders", before, w.orders.all())
		corrected := strings.NewReplacer(
			"o1,c1,a,0,", "o1,c1,a,1,", "a,many,", "a,3,", "o3,,", "o3,c1,", "o4,c1,,", "o4,c1,a,", "o5,c1,a,", "o5,c1,a,1,",
			"too many,", "", `o7,c1,"a,1`, "o7,c1,a,1", "caf\xe9", "café", "99999999999999", "9", "a,-1,", "a,1,", "o11,c2", "o11,c1",
			"no-such", "a", strings.Repeat("x", 70), "x",
		).Replace(w.rejects(im))
		fixed := w.upload("orders/acme/rejects.csv", corrected)
		w.ended(fixed)
		if fixed.Tally.Orders != 13 || fixed.Tally.AlreadyThere != 1 || fixed.Tally.RejectedOrders != 0 || len(w.orders.all()) != 16 {
			t.Errorf("corrected rejects make %+v:\n%s\n%s", fixed.Tally, corrected, w.rejects(fixed))
		}
	})
}

func TestRejectsOfNDJSONCanBeUploadedAgain(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		im := w.upload("orders/acme/a.ndjson", `{"order_ref":"o1","customer_id":"c","sku":"a","quantity":0}`+"\n"+
			`{"order_ref":"o2","customer_id":"c","sku":"a","quantity":1}`+"\nnot json\n")
		w.ended(im)
		if im.Tally.Orders != 0 || im.Tally.RejectedRows != 3 { // the row that is not JSON may be of o2
			t.Errorf("tally %+v: %s", im.Tally, w.rejects(im))
		}
		w.says("rejects", w.rejects(im), `"rejected_line":1`, `"rejected_row":"not json"`, `"rejected_line":3`)
		lines := strings.Split(w.rejects(im), "\n")
		again := w.upload("orders/acme/b.ndjson", strings.Replace(lines[0], `"quantity":0`, `"quantity":7`, 1)+"\n"+lines[1]+"\n")
		if again.Tally.Orders != 2 {
			t.Errorf("tally %+v: %s", again.Tally, w.rejects(again))
		}
	})
}

func TestPricesAreHonouredOfTrustedSourcesOnly(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.trusted = []string{"trusted"}
		file := "order_ref,customer_id,sku,quantity,unit_price,currency\no1,c1,a,2,1.00,GBP\no1,c1,b,1,,\n"
		for source, want := range map[string]int64{"trusted": 2*100 + price, "other": 3 * price} {
			im := w.upload("orders/"+source+"/a.csv", file)
			w.same(source+"'s money", map[string]int64{"GBP": want}, im.Tally.Money)
		}
		o := w.orders.all()
		if l := o["other/o1"].Lines[0]; l.UnitPrice != nil || l.Currency != "" {
			t.Errorf("a price that is not honoured is passed on: %+v", l)
		}
		if l := o["trusted/o1"].Lines; *l[0].UnitPrice != 100 || l[0].Currency != "GBP" || l[1].UnitPrice != nil {
			t.Errorf("lines %+v", l)
		}
	})
}

func TestColumnsAreMapped(t *testing.T) {
	const columns = `{"columns": {"InvoiceNo": "order_ref", "StockCode": "sku", "Quantity": "quantity", "CustomerID": "customer_id"}}`
	const file = "InvoiceNo,StockCode,Description,Quantity,CustomerID\n536365,85123A,\"HOLDER, WHITE\",6,17850\n"
	run(t, func(t *testing.T, w *world) {
		w.ended(w.finish(w.uploads.put("orders/own/a.csv", file, map[string]string{"columns": columns})))
		w.uploads.put("orders/folder/columns.json", columns, nil)
		w.ended(w.upload("orders/folder/a.csv", file))
		w.same("orders", []string{"folder/536365", "own/536365"}, w.orders.refs())
		im := w.finish(w.uploads.put("orders/folder/b.csv", file, map[string]string{"columns": `{"columns": {"InvoiceNo": "invoice"}}`}))
		w.ended(im)
		w.says("problem", im.Problem, "columns.json", "InvoiceNo", "invoice")
	})
}

// A call stops when its budget is spent, and the next goes on from there.
func TestChunkIsHandedOn(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.budget = 30 * time.Second
		w.orders.takes = func(importing.Order) time.Duration { return time.Second }
		f := w.uploads.put("orders/acme/a.csv", many(500), nil)
		if err := w.planner(nil).Plan(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		calls := 0
		for m, ok := w.take(); ok; m, ok = w.take() {
			start := time.Now()
			if err := w.worker(nil).Work(t.Context(), m.id, m.chunk); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took > w.budget+12*time.Second {
				t.Fatalf("a call took %v", took)
			}
			calls++
		}
		im := w.of(f)
		w.ended(im)
		if calls < 3 || im.Tally.Orders != 500 || w.orders.tries != 500 {
			t.Errorf("%d calls placed %d orders %d times", calls, im.Tally.Orders, w.orders.tries)
		}
		seen := map[int]bool{}
		for _, n := range w.sent {
			if seen[n] {
				t.Errorf("two askings are both number %d: %v", n, w.sent)
			}
			seen[n] = true
		}
	})
}

// The last group of a chunk may be that at which it is handed on.
func TestChunkIsHandedOnAtItsEnd(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.budget = 0
		for _, n := range []int{500, 1000} {
			im := w.upload(fmt.Sprintf("orders/s%d/a.csv", n), many(n))
			w.ended(im)
			if im.Tally.Orders != int64(n) {
				t.Errorf("tally %+v", im.Tally)
			}
			gz := w.upload(fmt.Sprintf("orders/z%d/a.csv", n), zipped(many(n)))
			w.ended(gz)
			if gz.Tally.Orders != int64(n) {
				t.Errorf("tally %+v", gz.Tally)
			}
		}
	})
}

// A pace so slow that a whole batch takes longer than a call may still makes progress.
func TestSlowPaceMakesProgress(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.budget = 30 * time.Second
		f := w.uploads.put("orders/acme/a.csv", many(300), nil)
		if err := w.planner(nil).Plan(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		worker := w.worker(nil)
		worker.Pace = rate.NewLimiter(2, 1)
		calls := 0
		for m, ok := w.take(); ok && calls < 20; m, ok = w.take() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if err := worker.Work(ctx, m.id, m.chunk); err != nil {
				t.Errorf("call %d: %v", calls, err)
				w.queue = append(w.queue, m)
			}
			cancel()
			calls++
		}
		w.ended(w.of(f))
		if w.orders.tries != 300 {
			t.Errorf("%d calls tried %d orders", calls, w.orders.tries)
		}
	})
}

// Trouble with one order has the chunk tried again, and in the end everything is as if there had been none.
func TestTroubleIsNotTheOrdersFault(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		f := w.uploads.put("orders/acme/a.csv", many(10), nil)
		if err := w.planner(nil).Plan(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		m, _ := w.take()
		p := &process{after: func(op string) error { // the order is made, and the answer lost
			if op == "place" {
				return errTrouble
			}
			return nil
		}}
		if err := w.worker(p).Work(t.Context(), m.id, m.chunk); err == nil || fault.Permanent(err) {
			t.Fatalf("error %v, want one that has the message come again", err)
		}
		w.queue = append(w.queue, m)
		w.drain()
		im := w.of(f)
		w.ended(im)
		w.same("tally", importing.Tally{Rows: 20, Orders: 10, Money: map[string]int64{"GBP": 30 * price}}, im.Tally)
	})
}

// One worker, ahead of another on the same chunk, must not lose its rejects to the one behind.
func TestWorkersOnOneChunkDoNotMixUpRejects(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		var file strings.Builder
		file.WriteString(head)
		for i := range 300 {
			fmt.Fprintf(&file, "o%d,c,a,%d\n", i, i%2)
		}
		f := w.uploads.put("orders/acme/a.csv", file.String(), nil)
		if err := w.planner(nil).Plan(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		slow, fast := importing.Worker{}, importing.Worker{}
		for i, worker := range []*importing.Worker{&slow, &fast} {
			*worker = w.worker(nil)
			worker.Pace = rate.NewLimiter(rate.Limit(1+i), 1)
			wg.Go(func() { _ = worker.Work(t.Context(), idOf(f), 0) })
		}
		wg.Wait()
		w.drain()
		time.Sleep(patience)
		w.sweep()
		w.drain()
		im := w.of(f)
		w.ended(im)
		if lines := strings.Count(w.rejects(im), "\n"); lines != 151 {
			t.Errorf("rejects have %d lines, want 151", lines)
		}
	})
}

func TestManyChunksEndAtOnce(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.chunk = 20
		f := w.uploads.put("orders/acme/a.csv", many(60), nil)
		if err := w.planner(nil).Plan(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for len(w.queue) > 0 {
			m, _ := w.take()
			wg.Go(func() {
				for {
					err := w.worker(nil).Work(t.Context(), m.id, m.chunk)
					if err == nil {
						return
					}
					if fault.Permanent(err) {
						t.Errorf("chunk %d: %v", m.chunk, err)
						return
					}
				}
			})
		}
		wg.Wait()
		w.ended(w.of(f))
		if im := w.of(f); im.Tally.Orders != 60 {
			t.Errorf("tally %+v", im.Tally)
		}
	})
}

func TestLiveProgress(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.budget, w.chunk = 5*time.Second, 5000
		w.orders.takes = func(importing.Order) time.Duration { return time.Second }
		f := w.uploads.put("orders/acme/a.csv", many(400), nil)
		if err := w.planner(nil).Plan(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		reading := importing.Reading{Imports: store.NewImports(&w.db)}
		last := int64(0)
		for m, ok := w.take(); ok; m, ok = w.take() {
			if err := w.worker(nil).Work(t.Context(), m.id, m.chunk); err != nil {
				t.Fatal(err)
			}
			im, err := reading.Get(t.Context(), idOf(f))
			if err != nil || im.Tally.Orders != int64(len(w.orders.all())) || im.Read <= last || im.Read > im.Kept.Size {
				t.Fatalf("progress of %d orders: %+v, %d bytes after %d, %v", len(w.orders.all()), im.Tally, im.Read, last, err)
			}
			last = im.Read
		}
		if last != int64(len(many(400))-len(head)) {
			t.Errorf("%d bytes were read", last)
		}
		if _, err := reading.Get(t.Context(), "nosuch"); !errors.Is(err, importing.ErrNotFound) {
			t.Errorf("error %v", err)
		}
		for _, size := range []int{-1, 101} {
			if _, _, err := reading.List(t.Context(), size, ""); fault.Code(err) != codes.InvalidArgument {
				t.Errorf("a page of %d: %v", size, err)
			}
		}
		if page, next, err := reading.List(t.Context(), 0, ""); err != nil || next != "" || len(page) != 1 || page[0].ID != idOf(f) {
			t.Errorf("page %v %q, %v", page, next, err)
		}
	})
}
