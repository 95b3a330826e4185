package store_test

import (
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

// backlog is more unpublished journals than a page of every shard holds.
const backlog = 1200

func backlogged(t *testing.T) (*memory.Database, *publisher) {
	t.Helper()
	s, db, p := orders()
	p.fail = always
	for i := range backlog {
		create(t, s, placed(idOf(i), moment))
	}
	p.fail = nil
	return db, p
}

func TestSweepGoesOnUntilNothingIsLeft(t *testing.T) {
	t.Parallel()
	db, p := backlogged(t)
	if n := sweep(t, db, p, "orders"); n != backlog || len(p.ids()) != backlog {
		t.Errorf("the sweep found %d journals, want %d, each published once", n, backlog)
	}
	if n := sweep(t, db, p, "orders"); n != 0 {
		t.Errorf("a second sweep found %d", n)
	}
}

// What cannot be done now is found again and again: the sweep says so and ends, and does not publish it all over.
func TestSweepThatGetsNowhereEnds(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*memory.Database, *publisher){
		"nothing can be published": func(_ *memory.Database, p *publisher) { p.fail = func(event.Event) bool { return true } },
		"no mark can be written":   func(db *memory.Database, _ *publisher) { db.Before = refuseMarks() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, p := backlogged(t)
			spoil(db, p)
			swept, err := store.Sweep(t.Context(), db, p, "orders", moment.Add(time.Minute), time.Minute)
			if fault.Code(err) != codes.Unavailable || swept.Found > backlog || len(p.ids()) > backlog {
				t.Errorf("the sweep answers %+v, %v", swept, err)
			}
		})
	}
}

// refuseMarks fails every mark, and in the end everything, so that nothing goes on for ever.
func refuseMarks() memory.Hook {
	var ops atomic.Int64
	return func(op string, writes []store.Write) error {
		if isMark(writes) || ops.Add(1) > 2*backlog {
			return memory.ErrUnavailable
		}
		return nil
	}
}
