package importing_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/importing/rows"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

const catalogueHead = "sku,name,unit_price,currency,stock\n"

// shop is the inventory, and a world whose workers set its products.
type shop struct {
	*world
	inventory memory.Database
	upserts   int
}

func newShop(w *world) *shop { return &shop{world: w} }

func (s *shop) items() *store.Items { return store.NewItems(&s.inventory, &s.inventory) }

// setting is the inventory as one process sees it.
type setting struct {
	*shop
	by *process
}

func (s setting) Upsert(ctx context.Context, generation int64, items []importing.Item) (others map[string]importing.Statement, err error) {
	err = s.by.do(ctx, "set", func() error {
		s.upserts++
		var stated []inventory.Stated
		for _, it := range items {
			if strings.HasPrefix(it.SKU, "no-") {
				return fault.Invalid([]fault.Field{{Name: "sku", Message: it.SKU + " is not ours"}})
			}
			stated = append(stated, inventory.Stated{Stock: it.Stock, Line: it.Line, Item: inventory.Item{
				SKU: it.SKU, Name: it.Name, UnitPrice: &typev1.Money{CurrencyCode: it.Currency, MinorUnits: it.UnitPrice},
			}})
		}
		ignored, err := inventory.Stocking{Items: s.items()}.Upsert(ctx, generation, stated)
		others = map[string]importing.Statement{}
		for _, i := range ignored {
			others[i.SKU] = importing.Statement{Generation: i.Generation, Line: i.Line}
		}
		return err
	})
	return others, err
}

func (s *shop) work(by *process, m message) error {
	w := s.worker(by)
	w.Items = setting{s, by}
	return w.Work(s.t.Context(), m.id, m.chunk)
}

func (s *shop) drain() {
	s.t.Helper()
	for m, ok := s.take(); ok; m, ok = s.take() {
		if err := s.work(nil, m); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *shop) plan(f importing.File) {
	s.t.Helper()
	if err := s.planner(nil).Plan(s.t.Context(), f); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) upload(name, data string) *importing.Import {
	s.t.Helper()
	f := s.uploads.put(name, data, nil)
	s.plan(f)
	s.drain()
	return s.ended(f)
}

// ended checks what holds for every catalogue at its end: it is reported, nobody is told of orders, and nothing is left.
func (s *shop) ended(f importing.File) *importing.Import {
	s.t.Helper()
	im := s.of(f)
	if !im.State.Final() || !im.Announced || !im.NextLook.IsZero() || im.Ended.IsZero() || im.Kind != rows.Catalogue {
		s.t.Errorf("import ended as %+v", im)
	}
	if len(s.announced) > 0 || len(s.orders.all()) > 0 {
		s.t.Errorf("orders were announced: %v", s.announced)
	}
	var summary importing.Import
	if err := json.Unmarshal([]byte(s.reports.text(importing.SummaryName(im.ID))), &summary); err != nil {
		s.t.Errorf("summary: %v", err)
	}
	s.same("summary", im.Tally, summary.Tally)
	if got := s.rejects(im) != ""; got != (im.Tally.RejectedRows > 0) {
		s.t.Errorf("there is a file of rejects: %v, with %d rejected rows", got, im.Tally.RejectedRows)
	}
	return im
}

// product is a product in short: "Tea GBP 250, 10+0", of which 10 are available and none is held.
func (s *shop) product(sku string) string {
	it, err := s.items().Get(s.t.Context(), sku)
	if errors.Is(err, inventory.ErrNotFound) {
		return "none"
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return fmt.Sprintf("%s %s %d, %d+%d", it.Name, it.UnitPrice.GetCurrencyCode(), it.UnitPrice.GetMinorUnits(), it.Available, it.Held)
}

func (s *shop) hold(order, sku string, n int32) {
	s.t.Helper()
	r := inventory.NewReserving(store.NewInventory(&s.inventory), time.Millisecond)
	if _, err := r.Reserve(s.t.Context(), order, map[string]int32{sku: n}); err != nil {
		s.t.Fatal(err)
	}
}

func TestCatalogueSetsProductsAndRejectsBadRowsAlone(t *testing.T) {
	for name, pack := range map[string]func(string) string{"plain": func(s string) string { return s }, "gzip": zipped} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, w *world) {
				s := newShop(w)
				im := s.upload("catalog/products.csv", pack(catalogueHead+
					"A,Tea,2.50,GBP,10\n"+
					"B,Mug,many,GBP,1\n"+
					"\n"+
					"C,\"Tee, white\",300,JPY,0\n"+
					"A,Tea again,1.00,GBP,99\n"+
					"no-D,Dust,1.00,GBP,1\n"+
					"E\n"))
				w.same("tally", importing.Tally{
					Rows: 6, Items: 2, RejectedRows: 4, Reasons: map[string]int64{"bad_row": 1, "wrong_field_count": 1, "repeated_sku": 1, "invalid_request": 1},
				}, im.Tally)
				w.same("A", "Tea GBP 250, 10+0", s.product("A"))
				w.same("B", "none", s.product("B"))
				w.same("C", "Tee, white JPY 300, 0+0", s.product("C"))
				w.says("rejects", w.rejects(im), "sku,name,unit_price,currency,stock,rejected_line,rejected_reason\nB,Mug,many,GBP,1,3,",
					`unit_price is ""many"": it must be digits`, "A,Tea again,1.00,GBP,99,6,sku A is on line 2 already", "no-D,Dust,1.00,GBP,1,7,", "is not ours", "E,8,")
				if im.State != importing.Done || im.Chunks != 1 || im.Sequential == "" || im.Source != "" {
					t.Errorf("import %+v", im)
				}
				w.same("uploads", []string{"done/" + im.ID + "/products.csv"}, w.uploads.names())
				corrected := strings.NewReplacer("many", "4.00", "Tea again", "Tea", "no-D", "D", "E,8", "E,Egg,1,GBP,12,8").Replace(w.rejects(im))
				im = s.upload("catalog/rejects.csv", corrected)
				w.same("tally of the corrected rejects", importing.Tally{Rows: 4, Items: 4}, im.Tally)
				w.same("E", "Egg GBP 100, 12+0", s.product("E"))
			})
		})
	}
}

func TestReservationsSurviveANewCatalogue(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		s := newShop(w)
		s.upload("catalog/a.csv", catalogueHead+"A,Tea,2.50,GBP,10\n")
		s.hold("o1", "A", 4)
		s.upload("catalog/a.csv", catalogueHead+"A,Tea,3.00,GBP,7\n")
		w.same("A", "Tea GBP 300, 3+4", s.product("A"))
		s.upload("catalog/a.csv", catalogueHead+"A,Tea,3.00,GBP,1\n") // less than is held
		w.same("A", "Tea GBP 300, -3+4", s.product("A"))
	})
}

// The older file was uploaded first and is worked last.
func TestAnOlderCatalogueWorkedLaterChangesNothing(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		s := newShop(w)
		older := s.uploads.put("catalog/monday.csv", catalogueHead+"A,Tea,2.50,GBP,10\nB,Mug,1.00,GBP,5\n", nil)
		s.plan(older)
		late, _ := s.take()
		s.upload("catalog/tuesday.csv", catalogueHead+"A,Green tea,3.00,GBP,20\n")
		s.hold("o1", "A", 3)
		if err := s.work(nil, late); err != nil {
			t.Fatal(err)
		}
		w.same("tally of the older", importing.Tally{Rows: 2, Items: 1, Superseded: 1}, s.ended(older).Tally)
		w.same("A", "Green tea GBP 300, 17+3", s.product("A"))
		w.same("B", "Mug GBP 100, 5+0", s.product("B"))
	})
}

// manyItems is a catalogue of n products, and what their stock is: n of each.
func manyItems(n int) string {
	var b strings.Builder
	b.WriteString(catalogueHead)
	for i := range n {
		fmt.Fprintf(&b, "S%d,Item %d,1.00,GBP,%d\n", i, i, n)
	}
	fmt.Fprintf(&b, "S0,Item 0 again,2.00,GBP,1\n") // far behind the first
	return b.String()
}

// Workers die at any operation, before or after it took effect, messages come twice, and goods are sold all the while.
func TestCatalogueThroughCrashesIsSetOnce(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			run(t, func(t *testing.T, w *world) {
				const n = 1200
				s, rnd := newShop(w), rand.New(rand.NewPCG(seed, 0))
				w.budget = 0 // every batch is handed on
				f := s.uploads.put("catalog/a.csv", manyItems(n), nil)
				s.plan(f)
				dies := func() *process {
					p := &process{}
					at, after := rnd.IntN(12), rnd.IntN(2) == 0
					fate := func(string) error {
						if at--; at < 0 {
							return p.die()
						}
						return nil
					}
					if after {
						p.after = fate
					} else {
						p.before = fate
					}
					return p
				}
				before := inventory.Stated{Item: inventory.Item{SKU: "S1", Name: "x", UnitPrice: &typev1.Money{CurrencyCode: "GBP"}}, Stock: 5}
				if _, err := s.items().Upsert(t.Context(), 0, []inventory.Stated{before}); err != nil {
					t.Fatal(err)
				}
				s.hold("o0", "S1", 1)
				for i := range 30 {
					m := message{idOf(f), 0}
					_ = s.work(dies(), m)
					if i == 10 {
						s.hold("o1", "S1", 1)
					}
				}
				for !s.of(f).Announced {
					time.Sleep(patience)
					s.sweep()
					s.drain()
				}
				im := s.ended(f)
				w.same("tally", importing.Tally{Rows: n + 1, Items: n, RejectedRows: 1, Reasons: map[string]int64{"repeated_sku": 1}}, im.Tally)
				w.says("rejects", w.rejects(im), fmt.Sprintf("S0,Item 0 again,2.00,GBP,1,%d,sku S0 is on line 2 already", n+2))
				w.same("S0", "Item 0 GBP 100, 1200+0", s.product("S0"))
				w.same("S1", "Item 1 GBP 100, 1198+2", s.product("S1"))
				if lines := strings.Count(w.rejects(im), "\n"); lines != 2 {
					t.Errorf("rejects have %d lines, want 2:\n%s", lines, w.rejects(im))
				}
			})
		})
	}
}

// Trouble is not the rows' fault, whatever its kind: nothing is rejected, and the chunk comes again.
func TestTroubleRejectsNoProduct(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		s := newShop(w)
		f := s.uploads.put("catalog/a.csv", manyItems(10), nil)
		s.plan(f)
		m, _ := s.take()
		for _, code := range []codes.Code{codes.Unavailable, codes.PermissionDenied, codes.NotFound, codes.Unimplemented} {
			p := &process{before: func(op string) error {
				if op == "set" {
					return fault.New(code, "", "trouble")
				}
				return nil
			}}
			if err := s.work(p, m); fault.Code(err) != code {
				t.Errorf("%v: error %v", code, err)
			}
		}
		if im := s.of(f); im.State != importing.Working || im.Tally.Rows != 0 {
			t.Errorf("import %+v", im)
		}
		s.queue = append(s.queue, m)
		s.drain()
		if im := s.ended(f); im.Tally.Items != 10 {
			t.Errorf("tally %+v", im.Tally)
		}
	})
}

func TestCatalogueThatCannotBeReadFailsAndSaysWhy(t *testing.T) {
	for name, c := range map[string]struct{ file, word string }{
		"empty":       {"", "sku, name, unit_price, currency and stock"},
		"header only": {catalogueHead, "no rows"},
		"orders":      {many(3), "no column name, unit_price, currency and stock"},
		"cut gzip":    {zipped(manyItems(2000))[:40], "gzip"},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, w *world) {
				s := newShop(w)
				im := s.upload("catalog/a.csv", c.file)
				if im.State != importing.Failed || s.upserts > 0 {
					t.Errorf("import %+v, %d upserts", im, s.upserts)
				}
				w.says("problem", im.Problem, c.word)
			})
		})
	}
}

func TestCatalogueIsFoundBySweepAndItsColumnsAreMapped(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		s := newShop(w)
		s.uploads.put("catalog/columns.json", `{"columns": {"StockCode": "sku", "Description": "name"}, "defaults": {"currency": "GBP"}}`, nil)
		f := s.uploads.put("catalog/sub/a.csv", "StockCode,Description,unit_price,stock\nA,Tea,2.50,10\n", nil)
		time.Sleep(grace)
		if swept := w.sweep(); swept.Planned != 1 {
			t.Errorf("swept %+v", swept)
		}
		s.drain()
		s.ended(f)
		w.same("A", "Tea GBP 250, 10+0", s.product("A"))
		own := s.uploads.put("catalog/b.csv", "sku,name,unit_price,currency,stock\nA,Tea,2.60,GBP,10\n", map[string]string{"columns": `{"columns": {"x": "quantity"}}`})
		s.plan(own)
		w.says("problem", s.ended(own).Problem, "quantity", "none of sku, name")
	})
}
