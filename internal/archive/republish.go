package archive

import (
	"context"
	"fmt"
	"hash/maphash"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"orderflow.dev/internal/backoff"
	"orderflow.dev/internal/platform/event"
)

// Republishing publishes archived events again.
type Republishing struct {
	Publish  func(context.Context, event.Message) error
	Replay   string  // the replay's id, which the events bear
	Function string  // the only function that it is for; empty: all
	Rate     float64 // events a second, at most
	// Done is told of each event that was published. It is called by one at a time.
	Done func(Event)
}

const (
	lanes        = 16 // publishing at the same time; an aggregate keeps to its own
	tries        = 5
	firstBackoff = 200 * time.Millisecond
	mostBackoff  = 5 * time.Second
)

// Run publishes events, which are in the order of their publish time: those of one aggregate each after the one before
// was taken. It stops at the first that Pub/Sub does not take after some tries, or when ctx ends; from is then the publish
// time from which events may be missing.
func (p Republishing) Run(ctx context.Context, events []Event) (from time.Time, err error) {
	pace := rate.NewLimiter(rate.Limit(p.Rate), 1)
	left := split(events)
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	for i := range left {
		group.Go(func() error {
			for len(left[i]) > 0 {
				if err := p.publish(ctx, pace, left[i][0]); err != nil {
					return err
				}
				mu.Lock()
				p.Done(left[i][0])
				mu.Unlock()
				left[i] = left[i][1:]
			}
			return nil
		})
	}
	err = group.Wait()
	return earliest(left), err
}

// split gives each lane its events, in their order.
func split(events []Event) [][]Event {
	seed, out := maphash.MakeSeed(), make([][]Event, lanes)
	for _, e := range events {
		lane := maphash.String(seed, e.Aggregate) % lanes
		out[lane] = append(out[lane], e)
	}
	return out
}

func earliest(left [][]Event) (from time.Time) {
	for _, lane := range left {
		if len(lane) > 0 && (from.IsZero() || lane[0].PublishTime.Before(from)) {
			from = lane[0].PublishTime
		}
	}
	return from
}

func (p Republishing) publish(ctx context.Context, pace *rate.Limiter, e Event) error {
	m := e.Message
	m.Attributes = maps.Clone(m.Attributes)
	delete(m.Attributes, "ce-replayfor")
	m.Attributes["ce-replay"] = p.Replay
	if p.Function != "" {
		m.Attributes["ce-replayfor"] = p.Function
	}
	var err error
	for try := range tries {
		if err := pace.Wait(ctx); err != nil { // also of a deadline that is too near
			return err
		}
		if err = p.Publish(ctx, m); err == nil {
			return nil
		}
		if backoff.Wait(ctx, try, firstBackoff, mostBackoff) != nil {
			break
		}
	}
	return fmt.Errorf("publish %s again: %w", e.ID(), err)
}
