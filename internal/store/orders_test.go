package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/store"
)

func TestOrderComesBackAsItWasStored(t *testing.T) {
	t.Parallel()
	s, _, _ := orders()
	want := placed("o1", moment)
	want.Address = &order.Address{Recipient: "Ada", Lines: []string{"1 High St", "Flat 2"}, City: "Bath", PostalCode: "BA1", CountryCode: "GB"}
	want.Note, want.Attempts = "ring\ntwice", 3
	create(t, s, want)
	got, err := s.Get(t.Context(), "o1")
	if err != nil {
		t.Fatal(err)
	}
	want.NextAttempt = want.NextAttempt.Truncate(time.Microsecond)
	want.Journal.Published = 0
	same(t, "order", want, got)
}

func TestIDIsTakenOnce(t *testing.T) {
	t.Parallel()
	s, _, p := orders()
	create(t, s, placed("o1", moment))
	p.ids()
	other := placed("o1", moment.Add(time.Hour))
	other.Note = "other"
	if err := s.Create(t.Context(), other); !errors.Is(err, order.ErrExists) {
		t.Errorf("a second create answers %v", err)
	}
	if o, err := s.Get(t.Context(), "o1"); err != nil || o.Note != "" || len(p.ids()) > 0 {
		t.Errorf("after a second create the order is %+v, %v", o, err)
	}
}

func TestIDsThatAreNotOursAreNotFoundAndNotAskedFor(t *testing.T) {
	t.Parallel()
	s, db, _ := orders()
	db.Before = func(op string, _ []store.Write) error { t.Errorf("the database was asked: %s", op); return nil }
	for _, id := range []string{"", "../o1", "o1/x/y", ".", "..", "O1", "o 1", "ö", "__o1__", strings.Repeat("a", 65)} {
		if _, err := s.Get(t.Context(), id); !errors.Is(err, order.ErrNotFound) {
			t.Errorf("get of %q answers %v", id, err)
		}
		if _, err := s.Update(t.Context(), id, cancel); !errors.Is(err, order.ErrNotFound) {
			t.Errorf("update of %q answers %v", id, err)
		}
	}
}

// countCommits counts the commits of a database.
func countCommits(n *int) func(string, []store.Write) error {
	return func(op string, _ []store.Write) error {
		if op == "commit" {
			*n++
		}
		return nil
	}
}

func TestUpdateThatChangesNothingWritesNothing(t *testing.T) {
	t.Parallel()
	later := func(o *order.Order) error { o.NextAttempt = moment.Add(time.Hour); return nil } // in nanoseconds
	for name, c := range map[string]struct {
		change func(*order.Order) error
		err    error
		want   int
	}{
		"nothing":                           {func(*order.Order) error { return nil }, nil, 0},
		"evidence alone":                    {func(o *order.Order) error { o.Journal.Witness(1); return nil }, nil, 0},
		"a refusal, whatever it changed":    {func(o *order.Order) error { return errors.Join(cancel(o), order.ErrExists) }, order.ErrExists, 0},
		"its next attempt is as it was":     {func(o *order.Order) error { o.NextAttempt = moment.Add(2 * time.Minute); return nil }, nil, 0},
		"another next attempt":              {later, nil, 1},
		"no next attempt":                   {func(o *order.Order) error { o.NextAttempt = time.Time{}; return nil }, nil, 1},
		"another attempt":                   {func(o *order.Order) error { o.Attempts++; return nil }, nil, 1},
		"an event":                          {cancel, nil, 1},
		"the last event, and then its mark": {confirm, nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, db, _ := orders()
			create(t, s, placed("o1", moment))
			commits := 0
			db.Before = countCommits(&commits)
			if _, err := s.Update(t.Context(), "o1", c.change); !errors.Is(err, c.err) {
				t.Errorf("error %v, want %v", err, c.err)
			}
			if commits != c.want {
				t.Errorf("%d commits, want %d", commits, c.want)
			}
		})
	}
}

func TestUpdateThatMeetsAnotherWriterStartsAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, db, _ := orders()
		create(t, s, placed("o1", moment))
		others := 3
		db.Before = func(op string, writes []store.Write) error {
			if op == "commit" && others > 0 {
				others--
				n := others
				db.Before, others = nil, 0
				update(t, s, "o1", func(o *order.Order) error { o.Attempts++; return nil })
				others = n
			}
			return nil
		}
		again := db.Before
		var seen []int
		got := update(t, s, "o1", func(o *order.Order) error {
			db.Before = again
			seen = append(seen, o.Attempts)
			return confirm(o)
		})
		same(t, "attempts it was changed at", []int{0, 1, 2, 3}, seen)
		if status, _ := got.Status(); status != order.Confirmed || got.Attempts != 3 || got.Journal.Next() != 3 {
			t.Errorf("answered %s with %d attempts and %d events, want what was written", status, got.Attempts, got.Journal.Next()-1)
		}
	})
}

func TestUpdateGivesUpSomeTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, db, _ := orders()
		create(t, s, placed("o1", moment))
		commits := 0
		db.Before = func(op string, _ []store.Write) error {
			if op == "commit" {
				commits++
				return store.ErrConflict
			}
			return nil
		}
		if _, err := s.Update(t.Context(), "o1", cancel); !errors.Is(err, store.ErrConflict) || commits != 17 {
			t.Errorf("after %d commits the update answers %v", commits, err)
		}
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer stop()
		if _, err := s.Update(ctx, "o1", cancel); fault.Code(err) != codes.DeadlineExceeded {
			t.Errorf("an update that has no more time answers %v", err)
		}
	})
}

// The order that an update answers must be the one that was written, not the one read before.
func TestUpdateAnswersWhatItWrote(t *testing.T) {
	t.Parallel()
	s, _, _ := orders()
	create(t, s, placed("o1", moment))
	if status, _ := update(t, s, "o1", confirm).Status(); status != order.Confirmed {
		t.Errorf("answered %s", status)
	}
	if o, err := s.Update(t.Context(), "o1", func(*order.Order) error { return order.ErrExists }); o != nil || err == nil {
		t.Errorf("a refused update answers %+v, %v", o, err)
	}
}

func TestFinalOrderIsDueNoMore(t *testing.T) {
	t.Parallel()
	s, _, _ := orders()
	for i := range 8 {
		create(t, s, placed(idOf(i), moment.Add(time.Duration(i)*time.Minute)))
	}
	update(t, s, idOf(1), confirm)
	due, err := s.Due(t.Context(), moment.Add(5*time.Minute), 100) // those of minute 0 to 3, which wait 2
	if err != nil {
		t.Fatal(err)
	}
	same(t, "due", []string{idOf(0), idOf(2), idOf(3)}, sorted(idsOf(due)))
}

func TestDueIsBounded(t *testing.T) {
	t.Parallel()
	s, _, _ := orders()
	for i := range 40 {
		create(t, s, placed(idOf(i), moment))
	}
	due, err := s.Due(t.Context(), moment.Add(time.Hour), 12)
	if err != nil || len(due) != 12 {
		t.Errorf("%d due, %v, want 12", len(due), err)
	}
}

func TestOneOrderThatCannotBeReadIsNamedAndTheOthersAreDue(t *testing.T) {
	t.Parallel()
	s, db, _ := orders()
	for i := range 8 {
		create(t, s, placed(idOf(i), moment))
	}
	corrupt(t, db, "orders/broken", store.Fields{"sweep_shard": int64(0), "next_attempt_time": moment})
	due, err := s.Due(t.Context(), moment.Add(time.Hour), 100)
	if len(due) != 8 {
		t.Errorf("%d orders are due, want 8", len(due))
	}
	if fault.Code(err) != codes.DataLoss || !strings.Contains(err.Error(), "orders/broken") {
		t.Errorf("error %v, want DataLoss that names the document", err)
	}
}

func idsOf(orders []*order.Order) (ids []string) {
	for _, o := range orders {
		ids = append(ids, o.ID)
	}
	return ids
}
