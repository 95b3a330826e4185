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

// Worker is a clock that wants to know how many threads of executions work or are ready to, so that it can move on when all
// sleep. A thread in Sleep counts as working: Sleep itself knows better.
type Worker interface {
	Clock
	// Work adds n to the number of threads that work.
	Work(n int)
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
