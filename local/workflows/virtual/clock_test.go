package virtual_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"orderflow.dev/local/workflows"
	"orderflow.dev/local/workflows/virtual"
)

var (
	start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

	_ workflows.Worker    = (*virtual.Clock)(nil)
	_ workflows.Deadliner = (*virtual.Clock)(nil)
)

// woke is that a worker woke for the nth time, and when.
type woke struct {
	worker, n int
	at        time.Duration
}

// TestEveryScheduleIsKeptInOrder: whatever workers sleep, each wakes at the sum of
// its sleeps, all in the order of time, and only one works at a time.
func TestEveryScheduleIsKeptInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		plans := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(-1, 4), 1, 6), 1, 5).Draw(t, "plans")
		c := virtual.NewClock(start)
		var got []woke // no lock: the race detector sees if two work at once
		var group sync.WaitGroup
		c.Work(len(plans))
		ready := make(chan struct{})
		for worker, plan := range plans {
			group.Go(func() {
				<-ready
				for n, d := range plan {
					if err := c.Sleep(context.Background(), time.Duration(d)*time.Hour); err != nil {
						panic(err)
					}
					got = append(got, woke{worker, n, c.Now().Sub(start)})
				}
				c.Work(-1)
			})
		}
		close(ready)
		group.Wait()
		var want []woke
		for worker, plan := range plans {
			at := time.Duration(0)
			for n, d := range plan {
				at += max(0, time.Duration(d)*time.Hour)
				want = append(want, woke{worker, n, at})
			}
		}
		if !slices.IsSortedFunc(got, func(a, b woke) int { return cmp.Compare(a.at, b.at) }) {
			t.Fatalf("not in the order of time: %v", got)
		}
		byWorker := func(a, b woke) int { return cmp.Or(cmp.Compare(a.worker, b.worker), cmp.Compare(a.n, b.n)) }
		slices.SortFunc(got, byWorker)
		if !slices.Equal(got, want) {
			t.Fatalf("woke\n%v, want\n%v", got, want)
		}
	})
}

func TestTimeStandsStillWhileAnythingWorks(t *testing.T) {
	t.Parallel()
	c := virtual.NewClock(start)
	c.Work(2)
	woken := make(chan error, 1)
	go func() { woken <- c.Sleep(context.Background(), time.Hour) }()
	select {
	case <-woken:
		t.Fatal("time passed although something works")
	case <-time.After(50 * time.Millisecond):
	}
	if now := c.Now(); !now.Equal(start) {
		t.Fatalf("it is %v, want %v", now, start)
	}
	c.Work(-1)
	if err := <-woken; err != nil || !c.Now().Equal(start.Add(time.Hour)) {
		t.Errorf("woke at %v with %v, want an hour later", c.Now(), err)
	}
}

func TestThoseDueTogetherWakeOneAfterTheOtherInTheOrderTheyFellAsleep(t *testing.T) {
	t.Parallel()
	c := virtual.NewClock(start)
	const n = 5
	c.Work(n + 1)
	var order []int
	var group sync.WaitGroup
	for i := range n {
		asleep := make(chan struct{})
		group.Go(func() {
			close(asleep)
			c.Sleep(context.Background(), time.Duration(n-i)*time.Minute) // all wake at n minutes
			c.Sleep(context.Background(), time.Duration(i)*time.Minute)
			order = append(order, i)
			c.Work(-1)
		})
		<-asleep
	}
	c.Work(-1)
	group.Wait()
	if want := []int{4, 3, 2, 1, 0}; !slices.Equal(order, want) {
		t.Errorf("woke in the order %v, want %v", order, want)
	}
}

func TestASleeperThatIsCancelledWorksAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := virtual.NewClock(start)
		c.Work(2)
		why := errors.New("why")
		ctx, cancel := context.WithCancelCause(context.Background())
		woken := make(chan error)
		go func() { woken <- c.Sleep(ctx, time.Hour) }()
		synctest.Wait() // it sleeps
		cancel(why)
		if err := <-woken; !errors.Is(err, why) {
			t.Errorf("error %v, want the cause", err)
		}
		c.Work(-1) // the other one still works: an hour must not pass
		if err := c.Sleep(context.Background(), time.Minute); err != nil || !c.Now().Equal(start.Add(time.Minute)) {
			t.Errorf("it is %v (%v), want a minute after the start", c.Now(), err)
		}
		if err := c.Sleep(ctx, 0); !errors.Is(err, why) {
			t.Errorf("sleeping in an ended context: %v, want the cause", err)
		}
	})
}

// TestOneThatWokeWorks: what it starts works beside it, and time waits for both.
func TestOneThatWokeWorks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := virtual.NewClock(start)
		c.Work(1)
		c.Sleep(context.Background(), time.Hour)
		c.Work(1)
		go func() {
			c.Sleep(context.Background(), time.Hour)
			c.Work(-1)
		}()
		synctest.Wait()
		if got := c.Now().Sub(start); got != time.Hour {
			t.Errorf("%v have passed while one works, want 1h", got)
		}
		c.Work(-1)
		synctest.Wait()
		if got := c.Now().Sub(start); got != 2*time.Hour {
			t.Errorf("%v have passed when nobody works, want 2h", got)
		}
	})
}

func TestADeadlineComesBeforeALongerSleep(t *testing.T) {
	t.Parallel()
	c := virtual.NewClock(start)
	c.Work(1)
	outer, cancel := c.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	inner, cancelInner := c.WithTimeout(outer, time.Hour)
	defer cancelInner()
	if err := c.Sleep(inner, 19*time.Second); err != nil || c.Late(inner) {
		t.Fatalf("before the deadline: %v, late %v", err, c.Late(inner))
	}
	if err := c.Sleep(inner, time.Minute); !errors.Is(err, context.DeadlineExceeded) || !c.Late(inner) {
		t.Errorf("after the deadline: %v, late %v", err, c.Late(inner))
	}
	if got := c.Now().Sub(start); got != 20*time.Second {
		t.Errorf("%v have passed, want 20s", got)
	}
	if err := c.Sleep(context.Background(), time.Minute); err != nil {
		t.Error(err)
	}
	if err := c.Sleep(inner, time.Minute); !errors.Is(err, context.DeadlineExceeded) || c.Now().Sub(start) != 80*time.Second {
		t.Errorf("after a deadline long past: %v, and it is %v after the start", err, c.Now().Sub(start))
	}
	if c.Late(context.Background()) {
		t.Error("what has no deadline is late")
	}
	cancel()
	if inner.Err() == nil {
		t.Error("the context outlives its parent")
	}
}
