package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/e2e"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/problem"
)

func refused(status int) error { return &e2e.Refused{Problem: problem.Problem{Status: status}} }

func TestOnlyTroubleIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{refused(400), false}, {refused(422), false}, {refused(429), true}, {refused(502), true}, {refused(503), true},
		{errors.New("connection reset"), true},
		{fmt.Errorf("load products: %w", fault.New(codes.Unavailable, "", "connection refused")), true},
		{fmt.Errorf("load products: %w", fault.New(codes.InvalidArgument, "", "a price is negative")), false},
	} {
		if got := trouble(tt.err); got != tt.want {
			t.Errorf("%v is trouble: %v, want %v", tt.err, got, tt.want)
		}
	}
}

func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, n := time.Now(), 0
		err := patiently(t.Context(), func() error {
			if n++; n < 3 {
				return refused(503)
			}
			return nil
		})
		if err != nil || n != 3 {
			t.Errorf("%d attempts, %v; want 3 and success", n, err)
		}
		if err := patiently(t.Context(), func() error { return refused(503) }); err == nil || time.Since(start) > 2*patience {
			t.Errorf("%v after %s of trouble, want an error after %s", err, time.Since(start), patience)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		start = time.Now()
		if err := patiently(ctx, func() error { return refused(503) }); err == nil || time.Since(start) > 0 {
			t.Errorf("%v %s after Ctrl-C, want an error at once", err, time.Since(start))
		}
	})
}
