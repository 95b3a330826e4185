package chaos

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path"
	"sync"
	"syscall"
	"time"
)

// Errors as a network gives them.
var (
	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	errBroken  = errors.New("chaos: the connection broke")
)

// Deliveries comes between Pub/Sub and the functions that it pushes to.
func (c *Chaos) Deliveries(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		subscription := path.Base(r.Header.Get("X-Goog-Pubsub-Subscription-Name"))
		label := subscription
		if label == "." {
			label = "an upload to " + c.unitAt(r.URL.Host)
		}
		c.seen.saw(r.Header.Get("Ce-Id"))
		copied, err := repeatable(r)
		if err != nil {
			return nil, err
		}
		switch {
		case c.fires(DeliveryLost, label):
			return nil, errRefused
		case c.fires(DeliveryTwice, label):
			c.later(next, copied(), c.between(DeliveryTwice, label, 0, 3*time.Second))
		case c.fires(DeliveryLate, label):
			c.pause(c.between(DeliveryLate, label, 500*time.Millisecond, 5*time.Second))
		}
		resp, err := next.RoundTrip(r)
		if err != nil || resp.StatusCode/100 != 2 {
			return resp, err
		}
		c.seen.took(subscription, r.Header.Get("Ce-Id"))
		if c.fires(DeliveryAckLost, label) {
			return nil, lost(resp)
		}
		return resp, nil
	})
}

// Saga comes between the workflow engine and what its steps call.
func (c *Chaos) Saga(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		label := c.unitAt(r.URL.Host)
		if method := path.Base(r.URL.Path); method != "." && method != "/" {
			label += " " + method
		}
		copied, err := repeatable(r)
		if err != nil {
			return nil, err
		}
		switch {
		case c.fires(SagaAway, label):
			return nil, errRefused
		case c.fires(SagaLate, label):
			c.later(next, copied(), c.between(SagaLate, label, time.Second, 20*time.Second))
			return nil, errBroken
		case c.fires(SagaTwice, label):
			c.later(next, copied(), c.between(SagaTwice, label, 0, 3*time.Second))
		}
		resp, err := next.RoundTrip(r)
		if err == nil && c.fires(SagaAnswerLost, label) {
			return nil, lost(resp)
		}
		return resp, err
	})
}

func (c *Chaos) unitAt(host string) string {
	if c.reach.UnitAt == nil {
		return host
	}
	return c.reach.UnitAt(host)
}

// repeatable lets a request be sent more than once.
func repeatable(r *http.Request) (copied func() *http.Request, err error) {
	var body []byte
	if r.Body != nil {
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body.Close()
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return func() *http.Request {
		again := r.Clone(context.WithoutCancel(r.Context()))
		again.Body = io.NopCloser(bytes.NewReader(body))
		return again
	}, nil
}

// later sends a request of its own after a while, whatever becomes of it.
func (c *Chaos) later(next http.RoundTripper, r *http.Request, wait time.Duration) {
	c.spawn(func() {
		c.pause(wait)
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		if resp, err := next.RoundTrip(r.WithContext(ctx)); err == nil {
			_ = lost(resp)
		}
	})
}

// lost drops an answer.
func lost(resp *http.Response) error {
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // lets the connection be used again
	resp.Body.Close()
	return errBroken
}

// deliveries counts how often each subscription took each event, and knows when it was on its way first.
type deliveries struct {
	mu    sync.Mutex
	taken map[taking]int
	first map[string]time.Time // by event
}

type taking struct{ subscription, event string }

func (d *deliveries) took(subscription, event string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.taken[taking{subscription, event}]++
}

func (d *deliveries) saw(event string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, before := d.first[event]; !before {
		d.first[event] = time.Now()
	}
}

// Seen is when an event was first on its way to a subscriber, by this process's clock, which is right; zero: never.
func (c *Chaos) Seen(event string) time.Time {
	c.seen.mu.Lock()
	defer c.seen.mu.Unlock()
	return c.seen.first[event]
}

// Taken is how many events subscriptions took, and how many times they took one that they had taken before.
func (c *Chaos) Taken() (events, duplicates int) {
	c.seen.mu.Lock()
	defer c.seen.mu.Unlock()
	for at, n := range c.seen.taken {
		if at.event != "" {
			events++
			duplicates += n - 1
		}
	}
	return events, duplicates
}
