package backoff_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"orderflow.dev/internal/backoff"
)

const (
	first = 2 * time.Millisecond
	most  = 250 * time.Millisecond
)

// waited is how long a Wait took.
func waited(t *testing.T, ctx context.Context, n int, first, most time.Duration) time.Duration {
	t.Helper()
	start := time.Now()
	if err := backoff.Wait(ctx, n, first, most); err != nil {
		t.Errorf("wait %d: %v", n, err)
	}
	return time.Since(start)
}

func none(time.Duration) time.Duration        { return 0 }
func all(below time.Duration) time.Duration   { return below - 1 }
func third(below time.Duration) time.Duration { return below / 3 }

func TestWaitsDoubleUpToTheMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for n, want := range map[int]time.Duration{
			-1: 2, 0: 2, 1: 4, 2: 8, 6: 128, 7: 250, 8: 250, 61: 250, 62: 250, 63: 250, 64: 250, math.MaxInt: 250, math.MinInt: 2,
		} {
			want *= time.Millisecond
			if got := waited(t, backoff.WithChance(t.Context(), none), n, first, most); got != want/2 {
				t.Errorf("attempt %d: the shortest wait is %v, want %v", n, got, want/2)
			}
			if got := waited(t, backoff.WithChance(t.Context(), all), n, first, most); got != want-1 {
				t.Errorf("attempt %d: the longest wait is %v, want %v", n, got, want-1)
			}
		}
	})
}

func TestHalfOfAWaitIsByChance(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := map[time.Duration]bool{}
		for range 1000 {
			got := waited(t, t.Context(), 3, first, most)
			if got < 8*time.Millisecond || got >= 16*time.Millisecond {
				t.Fatalf("waited %v, want 8 ms to 16 ms", got)
			}
			seen[got.Truncate(time.Millisecond)] = true
		}
		if len(seen) != 8 {
			t.Errorf("a thousand waits took %v", seen)
		}
	})
}

func TestOddDurationsAreNoPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			n                 int
			first, most, want time.Duration
		}{
			{0, 0, 0, 0}, {5, 0, 0, 0}, {math.MaxInt, 0, most, 0}, {5, first, 0, 0}, {0, 1, 1, 1}, {3, 1, 1, 1}, {1, 1, 2, 1},
			{0, most, first, first / 2}, {1, 2, 5, 2}, {-5, -1, -1, 0}, {70, 1, math.MaxInt64, math.MaxInt64/2 + 1},
		} {
			if got := waited(t, backoff.WithChance(t.Context(), none), c.n, c.first, c.most); got != c.want {
				t.Errorf("%+v: waited %v", c, got)
			}
			if c.most < time.Hour {
				waited(t, t.Context(), c.n, c.first, c.most)
			}
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := backoff.Wait(ctx, 0, time.Hour, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the context's", err)
		}
		for _, d := range []time.Duration{0, 1, time.Hour} { // ended before it began
			if err := backoff.Wait(ctx, 0, d, d); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a wait of %v: error %v, want the context's", d, err)
			}
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("that took %v, want a second", took)
		}
	})
}

func TestChanceIsTheContexts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := backoff.WithChance(backoff.WithChance(t.Context(), all), third) // the inner one's
		if got := waited(t, context.WithoutCancel(ctx), 0, 6, 6); got != 4 {
			t.Errorf("waited %v, want half and a third of half: 4 ns", got)
		}
	})
}
