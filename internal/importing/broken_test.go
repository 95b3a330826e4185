package importing_test

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/store"
)

// What cannot be read ends in a report that says why, with nothing half made.
func TestUnreadableFilesAreReported(t *testing.T) {
	for name, c := range map[string]struct {
		file  string
		words []string
	}{
		"empty":             {"", []string{"empty", "order_ref"}},
		"header only":       {head, []string{"header", "no rows"}},
		"blank rows only":   {head + "\n\n  \n", []string{"no rows"}},
		"wrong header":      {"ref,customer,sku,qty\no1,c1,a,1\n", []string{"order_ref", "quantity", `"qty"`}},
		"binary":            {"PK\x03\x04" + strings.Repeat("\x00\x01\xff", 500), []string{"zip", "Excel"}},
		"zeroes":            {strings.Repeat("\x00", 5000), []string{"not text"}},
		"truncated gzip":    {zipped(many(2000))[:2000], []string{"gzip", "ends in the middle"}},
		"damaged gzip":      {strings.Replace(zipped(many(2)), "\x1f\x8b\x08", "\x1f\x8b\x09", 1), []string{"gzip"}},
		"gzip of nothing":   {zipped(""), []string{"empty"}},
		"gzip of gzip":      {zipped(zipped(many(2))), []string{"gzip"}},
		"zip bomb":          {zipped(head + strings.Repeat(" ", 8<<20)), []string{"unpacks"}},
		"a very wide head":  {head[:len(head)-1] + strings.Repeat(",x", 100_000) + "\no1,c1,a,1\n", []string{"header is longer"}},
		"a 5 MB first line": {strings.Repeat("x", 5<<20), []string{"first line is longer"}},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, w *world) {
				im := w.upload("orders/acme/a.csv", c.file)
				w.ended(im)
				if im.State != importing.Failed || im.Tally.Rows != 0 || len(w.orders.all()) != 0 || len(w.announced[im.ID]) != 1 {
					t.Errorf("import %+v", im)
				}
				w.says("problem", im.Problem, c.words...)
				time.Sleep(time.Hour)
				if swept := w.sweep(); swept != (importing.Swept{}) {
					t.Errorf("a sweep still finds %+v", swept)
				}
			})
		})
	}
}

func TestColumnsThatCannotBeUsedAreExplained(t *testing.T) {
	for columns, word := range map[string]string{
		`{"columns": {"a": "b"}}`: `"b"`, `{"colums": {}}`: `"colums"`, `no json`: "columns.json", `{"columns": "x`: "columns.json",
		`{"defaults": {"quantity": "0"}}`: "at least 1", `{"columns": {"x": "sku", "X": "note"}}`: "both",
		`{"columns": {` + strings.Repeat(" ", 70<<10) + `}}`: "columns.json",
	} {
		t.Run(word, func(t *testing.T) {
			run(t, func(t *testing.T, w *world) {
				w.uploads.put("orders/acme/columns.json", columns, nil)
				im := w.upload("orders/acme/a.csv", many(1))
				w.ended(im)
				w.says("problem", im.Problem, "columns.json cannot be used: ", word)
				if _, ok := w.uploads.live["orders/acme/columns.json"]; !ok || im.State != importing.Failed {
					t.Errorf("%s, columns are left: %v", im.State, ok)
				}
			})
		})
	}
}

func TestVeryLongRowIsOneBadRow(t *testing.T) {
	for name, c := range map[string]struct {
		pack func(string) string
		size int
	}{"plain": {func(s string) string { return s }, 5 << 20}, "gzip": {zipped, 3 << 19}} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, w *world) {
				w.chunk = 100
				block := make([]byte, 50<<10) // longer than gzip looks back, so that it is no bomb
				random := rand.NewChaCha8([32]byte{})
				random.Read(block)
				noise := strings.Repeat(hex.EncodeToString(block), c.size/len(block)/2)
				im := w.upload("orders/acme/a.csv", c.pack(head+"o1,c1,a,1\no2,c1,"+noise+",1\no3,c1,a,1\n"))
				w.ended(im)
				if im.Tally.Orders != 2 || im.Tally.RejectedRows != 1 || im.State != importing.Done {
					t.Errorf("import %+v", im.Tally)
				}
				r := w.rejects(im)
				w.says("rejects", r, "o2,c1,", ",3,", "longer than")
				if len(r) > 10_000 {
					t.Errorf("rejects have %d bytes", len(r))
				}
			})
		})
	}
}

func TestUploadThatIsGoneIsReported(t *testing.T) {
	for name, befall := range map[string]func(w *world, f importing.File){
		"deleted":     func(w *world, f importing.File) { w.uploads.remove(f.Name) },
		"overwritten": func(w *world, f importing.File) { w.uploads.put(f.Name, many(3), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, w *world) {
				f := w.uploads.put("orders/acme/a.csv", many(2), nil)
				befall(w, f)
				im := w.finish(f)
				w.ended(im)
				w.says("problem", im.Problem, "deleted or overwritten", "upload it again")
				if im.State != importing.Failed || len(w.orders.all()) != 0 {
					t.Errorf("import %+v", im)
				}
				time.Sleep(grace)
				w.sweep() // finds what it was overwritten with
				w.drain()
				if want := map[string]int{"deleted": 0, "overwritten": 3}[name]; len(w.orders.all()) != want {
					t.Errorf("%d orders, want %d", len(w.orders.all()), want)
				}
			})
		})
		// Once it is kept, it does not matter any more.
		t.Run(name+" while it is read", func(t *testing.T) {
			run(t, func(t *testing.T, w *world) {
				f := w.uploads.put("orders/acme/a.csv", many(2), nil)
				p := &process{}
				var once atomic.Bool
				p.before = func(op string) error {
					if op == "reading" && once.CompareAndSwap(false, true) {
						befall(w, f)
					}
					return nil
				}
				if err := w.planner(p).Plan(t.Context(), f); err != nil {
					t.Fatal(err)
				}
				w.drain()
				im := w.of(f)
				w.ended(im)
				if im.Tally.Orders != 2 {
					t.Errorf("import %+v", im)
				}
				if _, left := w.uploads.live[f.Name]; left != (name == "overwritten") {
					t.Errorf("another upload of that name is there: %v", left)
				}
			})
		})
	}
}

// What we keep is gone only by somebody's hand; then too there is a report, and nothing loops.
func TestKeptCopyThatIsGoneIsReported(t *testing.T) {
	t.Run("while planned", func(t *testing.T) {
		run(t, func(t *testing.T, w *world) {
			f := w.uploads.put("orders/acme/a.csv", many(2), nil)
			p := &process{after: func(op string) error {
				if op == "copy" {
					w.uploads.remove("done/" + idOf(f) + "/a.csv")
				}
				return nil
			}}
			if err := w.planner(p).Plan(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			w.ended(w.of(f))
			w.says("problem", w.of(f).Problem, "deleted")
		})
	})
	t.Run("while worked on", func(t *testing.T) {
		run(t, func(t *testing.T, w *world) {
			w.budget, w.chunk = 0, 14_000
			f := w.uploads.put("orders/acme/a.csv", many(2000), nil)
			if err := w.planner(nil).Plan(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			m, _ := w.take()
			if err := w.worker(nil).Work(t.Context(), m.id, m.chunk); err != nil {
				t.Fatal(err)
			}
			w.uploads.remove(w.of(f).Kept.Name)
			w.drain()
			im := w.of(f)
			w.ended(im)
			w.says("problem", im.Problem, "deleted")
			if n := len(w.orders.all()); im.Chunks < 2 || n == 0 || n == 2000 || int64(n) != im.Tally.Orders || im.State != importing.Done {
				t.Errorf("%d orders: %+v", n, im)
			}
		})
	})
}

// A bucket that refuses must not cost anybody his file: that is not the file's fault.
func TestBucketsRefusalIsNotTheFilesFault(t *testing.T) {
	for _, op := range []string{"copy", "read", "reading"} {
		t.Run(op, func(t *testing.T) {
			run(t, func(t *testing.T, w *world) {
				f := w.uploads.put("orders/acme/a.csv", many(2), nil)
				p := &process{before: func(o string) error {
					if o == op {
						return fault.New(codes.InvalidArgument, "", "the request is malformed")
					}
					return nil
				}}
				if err := w.planner(p).Plan(t.Context(), f); err == nil {
					t.Error("no error")
				}
				if im := w.of(f); im.State != importing.Planning {
					t.Errorf("import %+v", im)
				}
				if _, ok := w.uploads.live[f.Name]; !ok {
					t.Error("the upload is gone")
				}
				time.Sleep(patience)
				w.sweep() // all is well again
				w.drain()
				w.ended(w.of(f))
			})
		})
	}
}

// An order of any size is rejected in bounded memory, and its rows are all in the rejects.
func TestOrderThatIsTooLarge(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		const n = 12_345
		im := w.upload("orders/acme/a.csv", head+"o0,c,a,1\n"+strings.Repeat("o1,c,a,1\n", n)+"o2,c,a,1\n")
		w.ended(im)
		w.same("tally", importing.Tally{
			Rows: n + 2, Orders: 2, RejectedOrders: 1, RejectedRows: n, Reasons: map[string]int64{"bad_order": 1}, Money: map[string]int64{"GBP": 2 * price},
		}, im.Tally)
		if lines := strings.Count(w.rejects(im), "\n"); lines != n+1 {
			t.Errorf("rejects have %d lines", lines)
		}
	})
}

func TestLostMessagesAreAskedAgain(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.chunk = 1000
		f := w.uploads.put("orders/acme/a.csv", many(300), nil)
		if err := w.planner(nil).Plan(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		lost := len(w.queue)
		w.queue = nil
		time.Sleep(patience - time.Second)
		if swept := w.sweep(); swept.Asked != 0 {
			t.Errorf("swept %+v before its time", swept)
		}
		time.Sleep(time.Second)
		if swept := w.sweep(); swept.Asked != lost || len(w.queue) != lost {
			t.Errorf("swept %+v, want %d asked", swept, lost)
		}
		if swept := w.sweep(); swept.Asked != 0 {
			t.Errorf("swept %+v at once again", swept)
		}
		w.drain()
		w.ended(w.of(f))
		time.Sleep(time.Hour)
		if swept := w.sweep(); swept != (importing.Swept{}) {
			t.Errorf("swept %+v of an import that has ended", swept)
		}
	})
}

// Trouble while chunks are asked for has the upload's event delivered again: nobody is to wait for the sweep.
func TestWhatCouldNotBeAskedIsAskedWhenTheEventComesAgain(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.chunk = 1000
		f := w.uploads.put("orders/acme/a.csv", many(300), nil)
		asked := 0
		trouble := &process{before: func(op string) error {
			if op == "ask" {
				if asked++; asked == 2 {
					return errTrouble
				}
			}
			return nil
		}}
		if err := w.planner(trouble).Plan(t.Context(), f); err == nil {
			t.Fatal("the planner met no trouble")
		}
		w.drain() // the first chunk, of which there is nothing to ask again
		if err := w.planner(nil).Plan(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		w.drain()
		w.ended(w.of(f))
		if n := len(w.orders.all()); n != 300 {
			t.Errorf("%d orders", n)
		}
	})
}

func TestLostEventIsPlannedBySweep(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		var files []importing.File
		for i := range 210 { // more than a page
			files = append(files, w.uploads.put(fmt.Sprintf("orders/acme/%d.csv", i), fmt.Sprintf("%so%d,c,a,1\n", head, i), nil))
		}
		time.Sleep(grace - time.Second)
		if swept := w.sweep(); swept != (importing.Swept{}) {
			t.Errorf("swept %+v before its time", swept)
		}
		time.Sleep(time.Second)
		if swept := w.sweep(); swept.Planned != 210 {
			t.Errorf("swept %+v", swept)
		}
		w.drain()
		for _, f := range files {
			w.ended(w.of(f))
		}
		if swept := w.sweep(); swept != (importing.Swept{}) || len(w.orders.all()) != 210 {
			t.Errorf("swept %+v, %d orders", swept, len(w.orders.all()))
		}
	})
}

// An import that cannot be read must not keep those behind it from their end.
func TestSweepGoesAroundWhatIsCorrupt(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		var files []importing.File
		for i := range 30 {
			f := w.uploads.put(fmt.Sprintf("orders/acme/%d.csv", i), fmt.Sprintf("%so%d,c,a,1\n", head, i), nil)
			files = append(files, f)
			if err := w.planner(nil).Plan(t.Context(), f); err != nil {
				t.Fatal(err)
			}
		}
		w.queue = nil
		for _, f := range files[:8] {
			path := "imports/" + idOf(f)
			documents, err := w.db.Get(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.db.Commit(t.Context(), store.Write{Path: path, As: documents[0].UpdateTime, Fields: store.Fields{"record": []byte("{")}}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(patience)
		swept, err := w.sweeper(nil).Sweep(t.Context())
		if fault.Code(err) != codes.DataLoss || swept.Asked != 22 {
			t.Errorf("swept %+v, %v", swept, err)
		}
	})
}

// A planner that dies once the last chunk is saved, and before that is, leaves nothing to read to who goes on.
func TestPlanningGoesOnAtTheFilesEnd(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.chunk = 1
		for n := 100; ; n++ {
			f := w.uploads.put(fmt.Sprintf("orders/s%d/a.csv", n), many(n), nil)
			commits := 0
			p := &process{}
			p.before = func(op string) error {
				if op == "commit" {
					if commits++; commits == 4 { // created, kept, a hundred chunks
						return p.die()
					}
				}
				return nil
			}
			_ = w.planner(p).Plan(t.Context(), f)
			im := w.of(f)
			if im.Chunks != 100 || im.Planned.End != f.Size {
				if im.Chunks < 100 && n < 300 {
					continue // a chunk is more than an order
				}
				t.Fatalf("%d chunks of %d orders", im.Chunks, n)
			}
			w.uploads.open = 0
			w.ended(w.finish(f))
			if im := w.of(f); im.Tally.Orders != int64(n) {
				t.Errorf("tally %+v", im.Tally)
			}
			return
		}
	})
}

// Whoever dies after whichever of its steps, sweeps alone bring the import to its end, as if nothing had happened.
func TestDeathBetweenAnyTwoSteps(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		want importing.Tally
	}{
		"good":       {many(20) + "bad,c,a,0\n", importing.Tally{Rows: 41, Orders: 20, RejectedOrders: 1, RejectedRows: 1, Reasons: map[string]int64{"bad_order": 1}, Money: map[string]int64{"GBP": 60 * price}}},
		"gzip":       {zipped(many(20)), importing.Tally{Rows: 40, Orders: 20, Money: map[string]int64{"GBP": 60 * price}}},
		"unreadable": {"a,b\n", importing.Tally{}},
	} {
		for _, when := range []string{"before", "after"} {
			t.Run(name+" "+when, func(t *testing.T) {
				run(t, func(t *testing.T, _ *world) {
					for step := 1; ; step++ {
						if step > 300 {
							t.Fatal("it does not end")
						}
						steps := 0
						var p *process
						befall := func(string) error {
							if steps++; steps == step {
								return p.die()
							}
							return nil
						}
						p = &process{}
						if when == "before" {
							p.before = befall
						} else {
							p.after = befall
						}
						if died := newWorld(t).deathAt(t, p, step, c.file, c.want); !died {
							return
						}
					}
				})
			})
		}
	}
}

// deathAt has one process, which may die, do everything for an upload, and others make up for it.
func (w *world) deathAt(t *testing.T, p *process, step int, file string, want importing.Tally) (died bool) {
	t.Helper()
	w.parallel, w.chunk = 1, 200
	f := w.uploads.put("orders/acme/a.csv", file, nil)
	err := w.planner(p).Plan(t.Context(), f)
	for err == nil && len(w.queue) > 0 {
		m, _ := w.take()
		err = w.worker(p).Work(t.Context(), m.id, m.chunk)
	}
	w.queue = nil // none comes again
	for range 3 {
		time.Sleep(patience)
		w.sweep()
		w.drain()
	}
	im := w.of(f)
	w.uploads.open, w.reports.open = 0, 0 // a process that dies closes nothing
	w.ended(im)
	w.same("tally", want, im.Tally)
	if wantLines, lines := int(want.RejectedRows)+min(int(want.RejectedRows), 1), strings.Count(w.rejects(im), "\n"); lines != wantLines {
		t.Errorf("rejects have %d lines, want %d", lines, wantLines)
	}
	if t.Failed() {
		t.Fatalf("at step %d: %v", step, err)
	}
	return p.isDead()
}
