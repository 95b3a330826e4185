package eventarc

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"orderflow.dev/internal/backoff"
)

// Event is a CloudEvent that one of Google's services emits.
type Event struct {
	ID         string
	Time       time.Time
	Attributes map[string]string // headers of HTTP's binary mode: ce-… and Content-Type
	Data       []byte
}

// Source is a service that emits events, and keeps each until it is done.
type Source interface {
	// Next waits for an event that it has not answered yet.
	Next(context.Context) (Event, error)
	// Done says that an event was delivered, or given up.
	Done(id string) error
}

const (
	triggerMinBackoff = time.Second
	triggerMaxBackoff = 10 * time.Second
	triggerRetention  = 24 * time.Hour
)

// Trigger delivers the events of a service to a function, each at least once.
type Trigger struct {
	// Name is told by Delivery as its subscription.
	Name string
	// Endpoint is the function's URL.
	Endpoint string
	Source   Source
	// Timeout is how long one delivery may take; 10 s if zero.
	Timeout time.Duration
	// MinBackoff and MaxBackoff bound the pause before a redelivery, which doubles; 1 s and 10 s if zero.
	MinBackoff, MaxBackoff time.Duration
	// Retention is how old an event may become before it is given up; 24 h if zero, as Eventarc does.
	Retention time.Duration
	// Concurrency is how many deliveries are under way at most; 32 if zero. A pause is none.
	Concurrency int
	// Token is a token for an audience, which is Endpoint: the delivery's bearer. None if nil.
	Token func(ctx context.Context, audience string) (string, error)
}

func (t Trigger) withDefaults() Trigger {
	t.Timeout = cmp.Or(t.Timeout, defaultAckDeadline)
	t.MinBackoff = cmp.Or(t.MinBackoff, triggerMinBackoff)
	t.MaxBackoff = cmp.Or(t.MaxBackoff, triggerMaxBackoff)
	t.Retention = cmp.Or(t.Retention, triggerRetention)
	t.Concurrency = cmp.Or(t.Concurrency, defaultConcurrency)
	return t
}

// RunTriggers delivers events until ctx ends; deliveries under way are finished then. Error: a source that fails.
func RunTriggers(ctx context.Context, triggers []Trigger, o Options) error {
	group, ctx := errgroup.WithContext(ctx)
	client := httpClient(o.HTTP)
	for _, t := range triggers {
		t = t.withDefaults()
		d := &deliverer{trigger: t, http: client, report: o.OnDelivery, slots: make(chan struct{}, t.Concurrency)}
		group.Go(func() error { return d.run(ctx) })
	}
	return group.Wait()
}

// deliverer serves one trigger.
type deliverer struct {
	trigger Trigger
	http    *http.Client
	report  func(Delivery)
	slots   chan struct{} // one for each delivery under way
}

func (d *deliverer) run(ctx context.Context) error {
	var events sync.WaitGroup
	defer events.Wait()
	for {
		e, err := d.trigger.Source.Next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("trigger %s: next event: %w", d.trigger.Name, err)
		}
		events.Go(func() { d.deliver(ctx, e) })
	}
}

// deliver tries until the function acknowledges, the event is too old, or ctx ends: then the event stays with its
// source, as it does if that cannot forget it.
func (d *deliverer) deliver(ctx context.Context, e Event) {
	for attempt := 1; ; attempt++ {
		tried := d.attempt(ctx, e, attempt)
		if tried.Err == nil || time.Since(e.Time) > d.trigger.Retention {
			if tried.Err != nil {
				tried.Err = fmt.Errorf("given up after %s: %w", d.trigger.Retention, tried.Err)
			}
			tried.Err = errors.Join(tried.Err, d.trigger.Source.Done(e.ID))
			d.tell(tried)
			return
		}
		if ctx.Err() != nil {
			return
		}
		d.tell(tried)
		if backoff.Wait(ctx, attempt-1, d.trigger.MinBackoff, d.trigger.MaxBackoff) != nil {
			return
		}
	}
}

// attempt waits for its turn. It does not end with ctx once it has begun.
func (d *deliverer) attempt(ctx context.Context, e Event, n int) Delivery {
	tried := Delivery{Subscription: d.trigger.Name, EventID: e.ID, Type: e.Attributes["ce-type"], Attempt: n}
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	case <-ctx.Done():
		tried.Err = ctx.Err()
		return tried
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.trigger.Timeout)
	defer cancel()
	began := time.Now()
	tried.Status, tried.Err = d.post(ctx, e)
	tried.Duration = time.Since(began)
	return tried
}

func (d *deliverer) tell(tried Delivery) {
	if d.report != nil {
		d.report(tried)
	}
}

func (d *deliverer) post(ctx context.Context, e Event) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.trigger.Endpoint, bytes.NewReader(e.Data))
	if err != nil {
		return 0, fmt.Errorf("deliver to %q: %w", d.trigger.Endpoint, err)
	}
	setAttributes(req, e.Attributes)
	if d.trigger.Token != nil {
		token, err := d.trigger.Token(ctx, d.trigger.Endpoint)
		if err != nil {
			return 0, fmt.Errorf("get a token for %s: %w", d.trigger.Endpoint, err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return send(d.http, req, d.trigger.Timeout)
}
