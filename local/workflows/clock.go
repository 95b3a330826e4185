package workflows

import (
	"context"
	"time"
)

// Clock is the time workflows see: sys.now, sys.sleep and retry delays. Tests
// replace it so as not to wait.
type Clock interface {
	Now() time.Time
	// Sleep waits for d or until ctx ends, and then gives the cause of its end.
	Sleep(ctx context.Context, d time.Duration) error
}

// Worker is a clock that is told whether executions work, so that a virtual one
// can let time jump once none does.
//
// The engine calls Work(1) when a thread of an execution begins to work, before
// its goroutine starts or after it was woken; and Work(-1) when it ends or waits
// for something other than time: another thread, a callback, a place to run. A
// thread that calls Sleep does not call Work: Sleep itself counts that it stops
// and goes on, in one with noting until when, lest time jumps too far between.
type Worker interface {
	Clock
	Work(n int)
}

// Deadliner is a clock whose time also decides when an HTTP call is over time.
// Without it that is real time.
type Deadliner interface {
	WithTimeout(parent context.Context, d time.Duration) (context.Context, context.CancelFunc)
}

// threadKey is the key of the number of a thread in the context of its calls.
type threadKey struct{}

// ThreadOf is the number of the thread that sleeps with ctx or makes an HTTP
// call with it, as in [StepTrace]; 0 is the main one. A virtual clock lets those
// that are due at the same time go on in this order, so that each run is alike.
func ThreadOf(ctx context.Context) int64 {
	n, _ := ctx.Value(threadKey{}).(int64)
	return n
}

func work(c Clock, n int) {
	if w, ok := c.(Worker); ok {
		w.Work(n)
	}
}

// withTimeout is context.WithTimeout by a clock.
func withTimeout(parent context.Context, c Clock, d time.Duration) (context.Context, context.CancelFunc) {
	if t, ok := c.(Deadliner); ok {
		return t.WithTimeout(parent, d)
	}
	return context.WithTimeout(parent, d)
}

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
