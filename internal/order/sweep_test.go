package order_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

// times sweeps every minute for a while and says in which minutes something was started.
func (w *world) startedIn(minutes int) (at []int) {
	for m := 1; m <= minutes; m++ {
		w.pass(time.Minute)
		w.sweep()
		if len(w.saga.ids()) > 0 {
			at = append(at, m)
		}
	}
	return at
}

func TestLostSagaIsStartedAgainWithBackoffUntilTheOrderExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.place("key")
	same(t, "minutes of a saga", []int{2, 6, 14, 24}, w.startedIn(29))
	if got := w.get(o.ID); got.Attempts != 4 {
		t.Errorf("%d attempts, want 4", got.Attempts)
	}
	w.pass(time.Minute)
	same(t, "swept", order.Swept{Due: 1, Expired: 1}, w.sweep())
	after := w.get(o.ID)
	if status, _ := after.Status(); status != order.Cancelling || after.Reason() != order.Expired {
		t.Errorf("the expired order is %s, %s", status, after.Reason())
	}
	if len(w.saga.ids()) > 0 || !after.Journal.Entries[1].Resume {
		t.Error("an expired order's event starts its saga, not the sweep")
	}
	same(t, "minutes of an undoing", []int{2, 6, 14, 24, 34, 44}, w.startedIn(50)) // it never expires
}

func TestBackoffDoublesButNeverSleepsThroughTheExpiry(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		attempts                  int
		patience, age, want, life time.Duration
	}{
		{1, patience, 0, 4 * time.Minute, expiry},
		{2, patience, 0, 8 * time.Minute, expiry},
		{3, patience, 0, order.MaxBackoff, expiry},
		{1 << 30, patience, 0, order.MaxBackoff, expiry},
		{1, time.Hour, 0, time.Hour, 24 * time.Hour}, // more patience than the longest backoff
		{1, patience, expiry - time.Minute, time.Minute, expiry},
		{1, patience, expiry, 4 * time.Minute, expiry}, // cancelling: it has expired already
		{5, patience, 2 * expiry, order.MaxBackoff, expiry},
	} {
		o := &order.Order{ID: "o1", Attempts: c.attempts}
		o.Journal.Append(&eventv1.OrderCreated{OrderId: "o1", Seq: 1, EventTime: timestamppb.New(moment), ExpireTime: timestamppb.New(moment.Add(c.life))}, false)
		now := moment.Add(c.age)
		if got := order.Next(o, now, c.patience).Sub(now); got != c.want {
			t.Errorf("%+v: waits %v", c, got)
		}
	}
}

func TestPendingOrderIsLookedAtAgainAndExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.place("key")
	w.saga.answer = func(f order.Fulfilment) error { // the payment stays pending
		_, err := w.confirming().Confirm(t.Context(), f.OrderID, order.Evidence{Reservation: held, Payment: pending})
		return err
	}
	if err := w.saga.answer(whole(o, 1)); err != nil {
		t.Fatal(err)
	}
	same(t, "minutes of a saga", []int{2, 6, 14, 24}, w.startedIn(29))
	w.pass(time.Minute)
	same(t, "swept", order.Swept{Due: 1, Expired: 1}, w.sweep())
}

func TestSweepSaysHowLateTheLatestOrderIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.place("first")
	w.pass(10 * time.Minute)
	w.place("second")
	w.pass(expiry)
	same(t, "swept", order.Swept{Due: 2, Expired: 2, Overdue: 10 * time.Minute}, w.sweep())
}

func TestTwoSweepsAtOnceStartOneSaga(t *testing.T) {
	t.Parallel()
	for name, age := range map[string]time.Duration{"a saga": patience, "an expiry": expiry} {
		w := newWorld(t)
		o := w.place("key")
		w.pass(age)
		met := false
		var other order.Swept
		w.db.Before = func(op string, _ []store.Write) error {
			if op == "commit" && !met {
				met = true
				other = w.sweep()
			}
			return nil
		}
		mine := w.sweep()
		if mine.Due != 1 || other.Due != 1 || mine.Restarted+mine.Expired != 0 || other.Restarted+other.Expired != 1 {
			t.Errorf("%s: the sweeps did %+v and %+v", name, mine, other)
		}
		if n := len(w.saga.ids()); n != other.Restarted || len(w.get(o.ID).Journal.Entries) != 1+other.Expired {
			t.Errorf("%s: %d sagas, %d events", name, n, len(w.get(o.ID).Journal.Entries))
		}
	}
}

func TestOrderThatEndedMeanwhileIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.place("key")
	w.pass(expiry)
	met := false
	w.db.Before = func(op string, _ []store.Write) error {
		if op == "commit" && !met {
			met = true
			if _, err := w.confirming().Confirm(t.Context(), o.ID, order.Evidence{Reservation: held, Payment: charged}); err != nil {
				t.Error(err)
			}
		}
		return nil
	}
	same(t, "swept", order.Swept{Due: 1}, w.sweep())
	if status, _ := w.get(o.ID).Status(); status != order.Confirmed || len(w.saga.ids()) > 0 {
		t.Errorf("the order is %s", status)
	}
}

func TestThrottledSweepEndsAndGoesOnLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 40 {
		w.place(fmt.Sprint(i))
	}
	w.pass(patience)
	var tried atomic.Int64
	w.saga.answer = func(order.Fulfilment) error {
		tried.Add(1)
		return errThrottled
	}
	if got := w.sweep(); got.Due != 40 || got.Restarted != 0 || got.Throttled < 1 || tried.Load() > 16 {
		t.Errorf("a throttled sweep did %+v, after %d starts", got, tried.Load())
	}
	w.saga.answer = nil
	left := 40 - int(tried.Load())
	same(t, "a second sweep", order.Swept{Due: left, Restarted: left}, w.sweep())
	w.pass(2 * patience)
	same(t, "a later sweep", order.Swept{Due: 40, Restarted: 40}, w.sweep())
}

func TestOneOrdersErrorKeepsTheSweepFromNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ids []string
	for i := range 6 {
		ids = append(ids, w.place(fmt.Sprint(i)).ID)
	}
	slices.Sort(ids)
	w.pass(patience)
	trouble := fault.New(codes.Unavailable, "", "away")
	w.saga.answer = func(f order.Fulfilment) error {
		if f.OrderID == ids[0] {
			return trouble
		}
		return nil
	}
	broken := store.Fields{"journal": []byte("no journal"), "sweep_shard": int64(0), "next_attempt_time": moment}
	if _, err := w.db.Commit(t.Context(), store.Write{Path: "orders/broken", Fields: broken}); err != nil {
		t.Fatal(err)
	}
	_, err := w.sweeping().Sweep(t.Context())
	if !errors.Is(err, trouble) || !strings.Contains(err.Error(), "orders/broken") {
		t.Errorf("error %v, want both", err)
	}
	same(t, "started", ids[1:], w.saga.ids())
}

func TestSweepOfAStoreThatIsAwaySaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.db.Before = func(string, []store.Write) error { return memory.ErrUnavailable }
	if done, err := w.sweeping().Sweep(t.Context()); !errors.Is(err, memory.ErrUnavailable) || done != (order.Swept{}) {
		t.Errorf("the sweep did %+v, %v", done, err)
	}
}

// A claim whose answer is lost is not acted on: the order comes up again after its wait.
func TestClaimWhoseAnswerIsLostStartsNothingNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.place("key")
	w.pass(patience)
	w.db.After = func(op string, _ []store.Write) error {
		if op == "commit" {
			return memory.ErrDeadline
		}
		return nil
	}
	if _, err := w.sweeping().Sweep(t.Context()); !errors.Is(err, memory.ErrDeadline) || len(w.saga.ids()) > 0 {
		t.Errorf("error %v", err)
	}
	w.db.After = nil
	same(t, "minutes of a saga", []int{4, 12}, w.startedIn(13))
}
