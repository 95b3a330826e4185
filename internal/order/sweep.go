package order

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
)

// Sweeping brings every order to its end, whatever was lost on the way: it starts another saga for an order whose last
// one died, with backoff, and cancels an order that expired.
type Sweeping struct {
	Cancellation
	Saga Saga
}

// Swept is what a sweep did.
type Swept struct {
	Due, Restarted, Expired, Throttled int
}

// sweepLimit bounds one run.
const sweepLimit = 500

// maxBackoff is the longest an unfinished order waits for another saga.
const maxBackoff = 10 * time.Minute

// errThrottled ends a sweep early: Workflows has enough to do.
var errThrottled = fault.New(codes.ResourceExhausted, "throttled", "Workflows takes no more executions now")

// Sweep looks at every order whose time has come. One order's error does not keep it from the others.
func (s Sweeping) Sweep(ctx context.Context) (Swept, error) {
	var (
		done   Swept
		failed []error
	)
	due, err := s.Orders.Due(ctx, s.Now(), sweepLimit)
	failed = append(failed, err)
	done.Due = len(due)
	for _, o := range due {
		err := s.attend(ctx, o, &done)
		if errors.Is(err, errThrottled) {
			done.Throttled++
			break
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	return done, errors.Join(failed...)
}

// attend claims the order before it acts, so that two sweeps do not both start a saga.
func (s Sweeping) attend(ctx context.Context, seen *Order, done *Swept) error {
	now := s.Now()
	var claimed, expired bool
	o, err := s.Orders.Update(ctx, seen.ID, func(o *Order) error {
		claimed, expired = false, false
		if o.Final() || o.NextAttempt.After(now) {
			return nil
		}
		claimed = true
		if status, _ := o.Status(); status == Placed && !now.Before(o.Created().GetExpireTime().AsTime()) {
			expired = true
			return s.cancel(o, Expired, false) // its event starts the saga
		}
		o.Attempts++
		o.NextAttempt = next(o, now, s.Patience)
		return nil
	})
	if err != nil || !claimed {
		return err
	}
	if expired {
		done.Expired++
		return nil
	}
	done.Restarted++
	err = s.Saga.Start(ctx, fulfilment(o, 0))
	if fault.Code(err) == codes.ResourceExhausted {
		return errThrottled
	}
	return err
}

// next doubles the wait from attempt to attempt, but never sleeps through the order's expiry.
func next(o *Order, now time.Time, patience time.Duration) time.Time {
	wait := patience << min(o.Attempts, 10)
	at := now.Add(min(wait, max(maxBackoff, patience)))
	if expiry := o.Created().GetExpireTime().AsTime(); now.Before(expiry) && at.After(expiry) {
		return expiry
	}
	return at
}
