package order

import (
	"context"
	"errors"
	"sync"
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
	Overdue                            time.Duration // how long ago the first of those that were due should have ended
}

// sweepLimit bounds one run, sweepParallel how many orders are attended to at once.
const (
	sweepLimit    = 1000
	sweepParallel = 16
)

// maxBackoff is the longest an unfinished order waits for another saga.
const maxBackoff = 10 * time.Minute

// Sweep looks at every order whose time has come, until Workflows throttles: then it has enough to do. One order's error
// does not keep it from the others.
func (s Sweeping) Sweep(ctx context.Context) (Swept, error) {
	due, unread := s.Orders.Due(ctx, s.Now(), sweepLimit)
	var (
		mu     sync.Mutex
		done   = Swept{Due: len(due)}
		failed = []error{unread} // what could not be read keeps nobody from the others
		wg     sync.WaitGroup
		places = make(chan struct{}, sweepParallel)
	)
	for _, o := range due {
		done.Overdue = max(done.Overdue, s.Now().Sub(o.Created().GetExpireTime().AsTime()))
	}
	for _, o := range due {
		places <- struct{}{}
		mu.Lock()
		throttled := done.Throttled > 0
		mu.Unlock()
		if throttled {
			break
		}
		wg.Go(func() {
			defer func() { <-places }()
			did, err := s.attend(ctx, o)
			mu.Lock()
			defer mu.Unlock()
			done.add(did)
			if err != nil {
				failed = append(failed, err)
			}
		})
	}
	wg.Wait()
	return done, errors.Join(failed...)
}

func (s *Swept) add(did Swept) {
	s.Restarted += did.Restarted
	s.Expired += did.Expired
	s.Throttled += did.Throttled
}

// attend claims the order before it acts, so that two sweeps do not both start a saga.
func (s Sweeping) attend(ctx context.Context, seen *Order) (Swept, error) {
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
			return s.cancel(o, Expired, Act{}, false) // its event starts the saga
		}
		o.Attempts++
		o.NextAttempt = next(o, now, s.Patience)
		return nil
	})
	switch {
	case err != nil || !claimed:
		return Swept{}, err
	case expired:
		return Swept{Expired: 1}, nil
	}
	err = s.Saga.Start(ctx, fulfilment(o, 0))
	if fault.Code(err) == codes.ResourceExhausted {
		return Swept{Throttled: 1}, nil
	}
	return Swept{Restarted: 1}, err
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
