package importing_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/store"
)

// TestAnImportThatAlwaysFailsIsNotLookedAtAllTheTime: otherwise enough of them would be all that sweeps do.
func TestAnImportThatAlwaysFailsIsNotLookedAtAllTheTime(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		f := w.uploads.put("orders/acme/a.csv", head+"o1,c,a,0\n", nil)
		if err := w.planner(nil).Plan(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		full := &process{before: func(op string) error {
			if op == "announce" {
				return errTrouble
			}
			return nil
		}}
		m, _ := w.take()
		if err := w.worker(full).Work(t.Context(), m.id, m.chunk); err == nil {
			t.Fatal("the worker met no trouble")
		}
		time.Sleep(patience)
		for n, want := range []int{1, 0, 0} {
			swept, err := w.sweeper(full).Sweep(t.Context())
			if swept.Reported != want || swept.Stalled != time.Duration(want)*patience || (err != nil) != (want > 0) {
				t.Errorf("sweep %d in trouble: %+v, %v", n, swept, err)
			}
		}
		time.Sleep(patience)
		if swept := w.sweep(); swept.Reported != 1 || swept.Stalled != 2*patience {
			t.Errorf("the sweep once all is well: %+v", swept)
		}
		w.ended(w.of(f))
	})
}

// TestManyPartsOfRejectsFitARecord has a hundred batches of nothing but bad rows, and some.
func TestManyPartsOfRejectsFitARecord(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.chunk = 1 << 40
		var file strings.Builder
		file.WriteString(head)
		const orders = 500 * 120
		for n := range orders {
			fmt.Fprintf(&file, "o%d,c,a,0\n", n)
		}
		im := w.upload("orders/acme/a.csv", file.String())
		w.ended(im)
		c, err := store.NewImports(&w.db).Chunk(t.Context(), im.ID, 0)
		if err != nil || len(c.Rejects) != 1+20 {
			t.Errorf("the record has %d names, error %v, want 1 of a hundred parts, and 20", len(c.Rejects), err)
		}
		rejects := strings.Split(strings.TrimSuffix(w.rejects(im), "\n"), "\n")
		if len(rejects) != 1+orders {
			t.Fatalf("%d lines of rejects, want %d and a header", len(rejects), orders)
		}
		for n, line := range rejects[1:] {
			if want := fmt.Sprintf("o%d,c,a,0,%d,", n, n+2); !strings.HasPrefix(line, want) {
				t.Fatalf("line %d of the rejects is %q, want %q…", n+2, line, want)
			}
		}
	})
}

func TestPartsThatWereDeletedDoNotKeepTheReport(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.chunk = 10
		f := w.uploads.put("orders/acme/a.csv", head+"o1,c,a,0\no2,c,a,0\no3,c,a,0\no4,c,a,0\no5,c,a,1\n", nil)
		if err := w.planner(nil).Plan(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		for {
			m, ok := w.take()
			if !ok {
				break
			}
			if len(w.queue) == 0 {
				for _, name := range w.reports.names() {
					w.reports.remove(name)
				}
			}
			if err := w.worker(nil).Work(t.Context(), m.id, m.chunk); err != nil {
				t.Fatal(err)
			}
		}
		im := w.of(f)
		w.ended(im)
		w.says("problem", im.Problem, "deleted", "upload the file again")
		if im.State != importing.Done || im.Tally.RejectedOrders != 4 || im.Tally.Orders != 1 {
			t.Errorf("import %s, tally %+v", im.State, im.Tally)
		}
	})
}

// TestMoneyDoesNotOverflow has so many of the dearest orders that no int64 counts them.
func TestMoneyDoesNotOverflow(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.trusted = []string{"acme"}
		var file strings.Builder
		file.WriteString("order_ref,customer_id,sku,quantity,unit_price,currency\n")
		for n := range 9300 {
			fmt.Fprintf(&file, "o%d,c,a,1,10000000000000.00,GBP\n", n)
		}
		im := w.upload("orders/acme/a.csv", file.String())
		w.ended(im)
		w.same("money", map[string]int64{"GBP": math.MaxInt64}, im.Tally.Money)
	})
}

func TestAFileThatIsTooLargeSaysSo(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		f := w.uploads.put("orders/acme/a.csv", head+"o1,c,a,1\n", nil)
		f.Size = 200 << 30
		im := w.finish(f)
		w.ended(im)
		w.says("problem", im.Problem, "larger than", "split it")
	})
}
