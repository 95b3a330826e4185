package main

import (
	"context"
	"time"

	"orderflow.dev/e2e"
	"orderflow.dev/internal/fault"
)

// patience is how long what ends in trouble is tried again: a process that was killed is back within seconds.
const patience = 30 * time.Second

// patiently tries again what ends in trouble, which must be safe to do twice.
func patiently(ctx context.Context, do func() error) error {
	for deadline := time.Now().Add(patience); ; {
		err := do()
		if !trouble(err) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// trouble says that the same may succeed later, whether it went over HTTP or gRPC.
func trouble(err error) bool { return e2e.Trouble(err) && !fault.Permanent(err) }
