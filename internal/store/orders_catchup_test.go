package store_test

import (
	"errors"
	"testing"
	"time"

	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

// history is a confirmed order as it was before it was lost, and what became of each event's trace.
func history(t *testing.T) *order.Order {
	t.Helper()
	s, _, _ := orders()
	ctx := telemetry.WithTrace(t.Context(), telemetry.Continue("", "request"))
	if err := s.Create(ctx, placed("o1", moment)); err != nil {
		t.Fatal(err)
	}
	o, err := s.Update(ctx, "o1", confirm)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// rebuilt is an order with the first n events of a history, all of them published.
func rebuilt(o *order.Order, history *order.Order, n int) *order.Order {
	if o == nil {
		o = &order.Order{ID: history.ID, Origin: order.RebuiltOrigin}
	}
	o.Journal = journal.Journal{Entries: history.Journal.Entries[:n], Published: int64(n)}
	if o.NextAttempt = (time.Time{}); !o.Final() {
		o.NextAttempt = moment
	}
	return o
}

// A journal that is caught up is stored as it was, in a document like any other, and nothing is published again.
func TestCaughtUpOrderIsAsItWas(t *testing.T) {
	t.Parallel()
	want := history(t)
	for kept := range 3 { // events that were not lost
		s, db, p := orders()
		if kept > 0 {
			o := placed("o1", moment)
			create(t, s, o)
			if kept == 2 {
				update(t, s, "o1", confirm)
			}
			p.ids()
		}
		ctx := telemetry.WithTrace(t.Context(), telemetry.Continue("", "the repair's"))
		for n := max(1, kept); n <= 2; n++ {
			if err := s.CatchUp(ctx, "o1", func(o *order.Order) *order.Order {
				if (o == nil) != (kept == 0 && n == 1) { // the first time
					t.Errorf("%d events kept: given %+v", kept, o)
				}
				return rebuilt(o, want, n)
			}); err != nil {
				t.Fatal(err)
			}
			wantMark(t, db, "orders/o1", int64(n), false)
		}
		got, err := s.Get(t.Context(), "o1")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "entries", want.Journal.Entries, got.Journal.Entries)
		if got.Rebuilt() != (kept == 0) || !got.NextAttempt.IsZero() {
			t.Errorf("%d events kept: stored as %+v", kept, got)
		}
		if ids := p.ids(); len(ids) > 0 {
			t.Errorf("%v were published again", ids)
		}
		list, _, err := s.List(t.Context(), order.ListQuery{CustomerID: "customer", Status: order.Confirmed, PageSize: 10})
		if err != nil || len(list) != 1 {
			t.Errorf("its customer sees %d orders, %v", len(list), err)
		}
	}
}

func TestRebuiltOrderThatHasNotEndedIsSwept(t *testing.T) {
	t.Parallel()
	want := history(t)
	s, _, _ := orders()
	if err := s.CatchUp(t.Context(), "o1", func(*order.Order) *order.Order { return rebuilt(nil, want, 1) }); err != nil {
		t.Fatal(err)
	}
	if due, err := s.Due(t.Context(), moment, 10); err != nil || len(due) != 1 {
		t.Errorf("%d are due, %v", len(due), err)
	}
}

// Somebody else may place or change the order at the same moment: then it is looked at again.
func TestCatchingUpYieldsToOtherWriters(t *testing.T) {
	t.Parallel()
	want := history(t)
	for name, there := range map[string]bool{"placed meanwhile": false, "confirmed meanwhile": true} {
		s, db, _ := orders()
		if there {
			create(t, s, placed("o1", moment))
		}
		seen := 0
		other := store.NewOrders(db, &publisher{}, clock)
		err := s.CatchUp(t.Context(), "o1", func(o *order.Order) *order.Order {
			if seen++; seen > 1 {
				if o == nil || there && len(o.Journal.Entries) != 2 {
					t.Errorf("%s: then given %+v", name, o)
				}
				return nil
			}
			if there {
				update(t, other, "o1", confirm)
			} else {
				create(t, other, placed("o1", moment))
			}
			return rebuilt(o, want, 2)
		})
		if err != nil || seen != 2 {
			t.Errorf("%s: looked %d times, %v", name, seen, err)
		}
	}
}

func TestLookTellsWhatIsThere(t *testing.T) {
	t.Parallel()
	s, db, _ := orders()
	create(t, s, placed("o1", moment))
	corrupt(t, db, "orders/o2", store.Fields{})
	there, unread, err := s.Look(t.Context(), []string{"o1", "o2", "o3", "../o4"})
	if err != nil || len(there) != 1 || there["o1"] == nil || len(unread) != 1 || unread["o2"] == nil {
		t.Errorf("there are %v, unread %v, %v", there, unread, err)
	}
	if there, _, err := s.Look(t.Context(), nil); err != nil || len(there) > 0 {
		t.Errorf("of nothing: %v, %v", there, err)
	}
	db.Before = func(string, []store.Write) error { return memory.ErrUnavailable }
	if _, _, err := s.Look(t.Context(), []string{"o1"}); !errors.Is(err, memory.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
	if err := s.CatchUp(t.Context(), "../o1", nil); !errors.Is(err, order.ErrNotFound) {
		t.Errorf("of an id that is none: %v", err)
	}
}
