// Package backoff is how long to wait between attempts.
package backoff

import (
	"context"
	"math/rand/v2"
	"time"
)

// Wait waits after attempt n, counted from 0, and before the next: first doubled n times but at most most, half of it by
// chance. It returns ctx's error if ctx ends before that.
func Wait(ctx context.Context, n int, first, most time.Duration) error {
	d := most
	if n = max(n, 0); first <= most>>n { // first<<n <= most, where first<<n may be more than a Duration holds
		d = first << n
	}
	if half := d / 2; half > 0 {
		d = d - half + chanceOf(ctx)(half)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

type chanceKey struct{}

// WithChance has Wait take its chance, a duration from 0 to below another, from a function: so it can be repeated.
func WithChance(ctx context.Context, chance func(below time.Duration) time.Duration) context.Context {
	return context.WithValue(ctx, chanceKey{}, chance)
}

func chanceOf(ctx context.Context) func(below time.Duration) time.Duration {
	if chance, ok := ctx.Value(chanceKey{}).(func(time.Duration) time.Duration); ok {
		return chance
	}
	return rand.N[time.Duration]
}
