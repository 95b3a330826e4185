// Package virtual is a clock that does not wait: its time stands still while
// anything works and jumps to the earliest sleeper once nothing does. Under it
// hours pass in milliseconds, and always in the same order.
package virtual

import (
	"cmp"
	"container/heap"
	"context"
	"sync"
	"time"

	"orderflow.dev/local/workflows"
)

// Clock is a virtual clock. It implements workflows.Worker and
// workflows.Deadliner.
type Clock struct {
	mu       sync.Mutex
	now      time.Time
	working  int
	sleepers sleepers
	slept    int // how many have slept so far
}

// NewClock makes a clock that shows start; nobody works yet.
func NewClock(start time.Time) *Clock { return &Clock{now: start} }

// Now is the time of the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Work notes that n more work, or -n fewer.
func (c *Clock) Work(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.working += n
	c.jump()
}

// Sleep waits until d has passed, the deadline that WithTimeout gave ctx has
// come, or ctx ends otherwise; the error is nil, context.DeadlineExceeded, or the
// cause of the end. The caller must have been counted by Work; while it sleeps it
// is not.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	c.mu.Lock()
	s := &sleeper{until: c.now.Add(d), thread: workflows.ThreadOf(ctx), order: c.slept, woken: make(chan struct{})}
	late := false
	if t, ok := ctx.Value(deadlineKey{}).(time.Time); ok && t.Before(s.until) {
		s.until, late = t, true
	}
	c.slept++
	heap.Push(&c.sleepers, s)
	c.working--
	c.jump()
	c.mu.Unlock()
	select {
	case <-s.woken:
	case <-ctx.Done():
		c.abandon(s)
		return context.Cause(ctx)
	}
	if late {
		return context.DeadlineExceeded
	}
	return nil
}

// jump wakes the earliest sleeper if nobody works; time never goes back. Only that one, although
// others may be due as well: it works from here on, the next one after it. The
// caller holds the lock.
func (c *Clock) jump() {
	if c.working > 0 || len(c.sleepers) == 0 {
		return
	}
	s := heap.Pop(&c.sleepers).(*sleeper)
	if s.until.After(c.now) {
		c.now = s.until
	}
	c.working++
	close(s.woken)
}

// abandon takes back a sleeper that works again before its time.
func (c *Clock) abandon(s *sleeper) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.index >= 0 {
		heap.Remove(&c.sleepers, s.index)
		c.working++
	}
}

// deadlineKey is the key of a context's virtual deadline.
type deadlineKey struct{}

// WithTimeout gives a context with a deadline by this clock. Sleep heeds it, and
// who answers a call asks Late; the context itself ends with its parent or by
// the function returned. Its Deadline is not set: that is real time.
func (c *Clock) WithTimeout(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	t := c.Now().Add(d)
	if earlier, ok := parent.Value(deadlineKey{}).(time.Time); ok && earlier.Before(t) {
		t = earlier
	}
	return context.WithCancel(context.WithValue(parent, deadlineKey{}, t))
}

// Late reports whether the virtual deadline of ctx has come.
func (c *Clock) Late(ctx context.Context) bool {
	t, ok := ctx.Value(deadlineKey{}).(time.Time)
	return ok && !c.Now().Before(t)
}

// sleeper is one call of Sleep.
type sleeper struct {
	until  time.Time
	thread int64 // of those that wake at the same time the lowest is first,
	order  int   // of one thread's the first to sleep
	index  int   // in the heap, -1 once taken out
	woken  chan struct{}
}

// sleepers is a heap, the earliest first.
type sleepers []*sleeper

func (s sleepers) Len() int { return len(s) }

func (s sleepers) Less(i, j int) bool {
	return cmp.Or(s[i].until.Compare(s[j].until), cmp.Compare(s[i].thread, s[j].thread), cmp.Compare(s[i].order, s[j].order)) < 0
}

func (s sleepers) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].index, s[j].index = i, j
}

// Push is for container/heap.
func (s *sleepers) Push(x any) {
	x.(*sleeper).index = len(*s)
	*s = append(*s, x.(*sleeper))
}

// Pop is for container/heap.
func (s *sleepers) Pop() any {
	last := len(*s) - 1
	x := (*s)[last]
	*s, x.index = (*s)[:last], -1
	return x
}
