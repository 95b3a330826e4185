package inventory_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

func TestGroupIsDecidedInOrderOfArrival(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		group []asked
		want  string
		left  [2]int64 // of X, of which there are 5 available and 0 held
	}{
		"what fits is held":                {[]asked{reserve("a", "X", 2), reserve("b", "X", 3)}, "HELD HELD", [2]int64{0, 5}},
		"the rest is refused":              {[]asked{reserve("a", "X", 3), reserve("b", "X", 3), reserve("c", "X", 2)}, "HELD out_of_stock HELD", [2]int64{0, 5}},
		"twice the same":                   {[]asked{reserve("a", "X", 3), reserve("a", "X", 3)}, "HELD HELD", [2]int64{2, 3}},
		"twice the same, refused":          {[]asked{reserve("a", "X", 6), reserve("a", "X", 1)}, "out_of_stock out_of_stock", [2]int64{5, 0}},
		"held, then released":              {[]asked{reserve("a", "X", 5), release("a")}, "cancelled RELEASED", [2]int64{5, 0}},
		"what is released is free again":   {[]asked{reserve("a", "X", 5), release("a"), reserve("b", "X", 5)}, "cancelled RELEASED HELD", [2]int64{0, 5}},
		"released before it is reserved":   {[]asked{release("a"), reserve("a", "X", 5), release("a")}, "RELEASED cancelled RELEASED", [2]int64{5, 0}},
		"refused, then released":           {[]asked{reserve("a", "X", 6), release("a")}, "out_of_stock REFUSED", [2]int64{5, 0}},
		"a product that is not":            {[]asked{reserve("a", "none", 1), reserve("b", "X", 1)}, "out_of_stock HELD", [2]int64{4, 1}},
		"all of an order or none":          {[]asked{{"a", map[string]int32{"X": 5, "none": 1}}, {"b", map[string]int32{"X": 5}}}, "out_of_stock HELD", [2]int64{0, 5}},
		"one that another in it makes fit": {[]asked{reserve("a", "X", 5), reserve("b", "X", 1), release("a")}, "cancelled out_of_stock RELEASED", [2]int64{5, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.upsert(stated("X", 1, 5))
				n := w.count()
				same(t, "answers", c.want, strings.Join(w.group(c.group...), " "))
				commits := 0
				for op, times := range n {
					if strings.HasPrefix(op, "commit") {
						commits += times
					}
				}
				if commits != 1 || n["get"] > 2 {
					t.Errorf("operations %v, want one commit", n)
				}
				w.wantStock("X", c.left[0], c.left[1])
				for i, again := range c.group { // retries, one by one, are answered as the last word was
					if got, want := w.group(again)[0], strings.Fields(c.want)[i]; got != want {
						t.Errorf("request %d again: %s, was %s", i, got, want)
					}
				}
				w.wantStock("X", c.left[0], c.left[1])
			})
		})
	}
}

func TestHotProductCostsACommitAGroup(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.upsert(stated("X", 1, 60))
		n := w.count()
		var requests []asked
		for i := range 100 {
			requests = append(requests, reserve(fmt.Sprint(i), "X", 1))
		}
		got := w.group(requests...)
		for i, answer := range got {
			if want := map[bool]string{true: "HELD", false: "out_of_stock"}[i < 60]; answer != want {
				t.Errorf("request %d: %s, want %s", i, answer, want)
			}
		}
		same(t, "operations", map[string]int{"get": 2, "commit 101": 1}, maps.Clone(n))
		w.wantStock("X", 0, 60)
	})
}

func TestRefusalStandsThoughStockComesIn(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.upsert(stated("X", 1, 1), stated("Y", 1, 0))
		_, err := w.reserving.Reserve(t.Context(), "a", map[string]int32{"Y": 1, "X": 2})
		if f := fault.Of(err); f.Code != codes.FailedPrecondition || f.Reason != "out_of_stock" || !strings.HasSuffix(f.Message, "of X") {
			t.Errorf("refused with %v, want the first product that is short, in the order of their names", err)
		}
		w.upsert(stated("X", 1, 10), stated("Y", 1, 10))
		same(t, "again", []string{"out_of_stock"}, w.group(asked{"a", map[string]int32{"Y": 1, "X": 2}}))
		same(t, "another", []string{"HELD"}, w.group(asked{"b", map[string]int32{"Y": 1, "X": 2}}))
	})
}

func TestLargeGroupsAreSplit(t *testing.T) {
	for name, c := range map[string]struct{ requests, lines, want int }{
		"requests":  {inventory.MaxGroup + 1, 1, 2},
		"documents": {5, 900, 3}, // two of 901 documents a commit
		"a giant":   {2, 1000, 2},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				n := w.count()
				var requests []asked
				for i := range c.requests {
					a := asked{fmt.Sprint(i), map[string]int32{}}
					for j := range c.lines {
						a.quantities[fmt.Sprint(j)] = 1
					}
					requests = append(requests, a)
				}
				w.group(requests...)
				commits := 0
				for op, times := range n {
					if strings.HasPrefix(op, "commit") {
						commits += times
					}
				}
				same(t, "commits", c.want, commits)
			})
		})
	}
}

func TestBadRequestsAreRefusedByNameAndAlone(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		tooMany := map[string]int32{}
		for i := range inventory.MaxLines + 1 {
			tooMany[fmt.Sprint(i)] = 1
		}
		w.db.Before = func(op string, _ []store.Write) error { t.Errorf("the database was asked: %s", op); return nil }
		for name, c := range map[string]struct {
			a    asked
			want string
		}{
			"no order":          {asked{"", map[string]int32{"X": 1}}, "order_id"},
			"nothing":           {asked{"a", map[string]int32{}}, "quantities"},
			"too many":          {asked{"a", tooMany}, "quantities"},
			"none of it":        {reserve("a", "X", 0), "quantities.X"},
			"less than none":    {reserve("a", "X", -1), "quantities.X"},
			"too many of it":    {reserve("a", "X", inventory.MaxQuantity+1), "quantities.X"},
			"of no product":     {reserve("a", "", 1), "quantities."},
			"of a long product": {reserve("a", strings.Repeat("é", inventory.MaxSKU+1), 1), "quantities." + strings.Repeat("é", inventory.MaxSKU+1)},
			"of an odd product": {reserve("a", "\xff", 1), "quantities.\xff"},
			"a long order":      {reserve(strings.Repeat("a", 65), "X", 1), "order_id"},
		} {
			_, err := w.reserving.Reserve(t.Context(), c.a.id, c.a.quantities)
			if f := fault.Of(err); f.Code != codes.InvalidArgument || len(f.Fields) != 1 || f.Fields[0].Name != c.want {
				t.Errorf("%s: error %v, want InvalidArgument of %s", name, err, c.want)
			}
		}
		for _, id := range []string{"", strings.Repeat("a", 65)} {
			if _, err := w.reserving.Release(t.Context(), id); fault.Code(err) != codes.InvalidArgument {
				t.Errorf("release of order %q: error %v", id, err)
			}
		}
	})
}

func TestLostAnswerIsFoundAgainAndHeldOnce(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.upsert(stated("X", 1, 5))
		w.db.After = func(op string, _ []store.Write) error {
			if op == "commit" {
				return memory.ErrDeadline
			}
			return nil
		}
		same(t, "lost", []string{"Unavailable", "Unavailable"}, w.group(reserve("a", "X", 3), reserve("b", "X", 3)))
		w.db.After = nil
		same(t, "again", []string{"out_of_stock", "HELD"}, w.group(reserve("b", "X", 3), reserve("a", "X", 3)))
		w.wantStock("X", 2, 3)
	})
}

func TestGroupThatMeetsAnotherProcessDecidesAgain(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.upsert(stated("X", 1, 5))
		other := inventory.NewReserving(store.NewInventory(w.db), 0)
		met := false
		w.db.Before = func(op string, _ []store.Write) error {
			if op == "commit" && !met {
				met = true
				same(t, "the other", "HELD", do(t.Context(), other, reserve("b", "X", 4)))
			}
			return nil
		}
		same(t, "mine", []string{"out_of_stock"}, w.group(reserve("a", "X", 2)))
		w.wantStock("X", 1, 4)
	})
}

func TestConflictsWithoutEndAreUnavailable(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.db.Before = func(op string, _ []store.Write) error {
			if op == "commit" {
				return store.ErrConflict
			}
			return nil
		}
		start := time.Now()
		same(t, "answers", []string{"Unavailable", "Unavailable"}, w.group(reserve("a", "X", 2), release("b")))
		if took := time.Since(start); took > gather+inventory.GroupTimeout {
			t.Errorf("that took %v of the bubble's time", took)
		}
	})
}

// A caller that gives up leaves alone: the others of its group are answered, and it finds its answer later.
func TestCallerThatGivesUpLeavesAlone(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.upsert(stated("X", 1, 5))
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		var leader, other string
		wg.Go(func() { leader = do(ctx, w.reserving, reserve("a", "X", 2)) })
		synctest.Wait()
		wg.Go(func() { other = do(t.Context(), w.reserving, reserve("b", "X", 2)) })
		synctest.Wait()
		stop()
		wg.Wait()
		same(t, "answers", [2]string{"Unavailable", "HELD"}, [2]string{leader, other})
		same(t, "again", []string{"HELD"}, w.group(reserve("a", "X", 2)))
		w.wantStock("X", 1, 4)
	})
}
