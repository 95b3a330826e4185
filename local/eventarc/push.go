package eventarc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"cloud.google.com/go/pubsub/v2"
)

// pusher serves one subscription.
type pusher struct {
	sub    Subscription
	name   string // in full
	filter filter
	http   *http.Client
	report func(Delivery)

	active atomic.Int64 // deliveries under way
}

func (p *pusher) run(ctx context.Context, client *pubsub.Client) error {
	subscriber := client.Subscriber(p.sub.ID)
	subscriber.ReceiveSettings = receiveSettings(p.sub)
	p.name = subscriber.String()
	received := make(chan error, 1)
	go func() { received <- subscriber.Receive(ctx, p.handle) }()
	select {
	case err := <-received:
		return p.receiveError(ctx, err)
	case <-ctx.Done():
		return p.receiveError(ctx, p.drain(received))
	}
}

func (p *pusher) receiveError(ctx context.Context, err error) error {
	if err == nil || (ctx.Err() != nil && errors.Is(err, context.Canceled)) {
		return nil
	}
	return fmt.Errorf("pull from %s: %w", p.name, err)
}

// drain waits until deliveries under way are finished and acknowledged. The
// Pub/Sub client would wait for ever for a server that is gone, so there is a
// limit to the time in which nothing is under way.
func (p *pusher) drain(received <-chan error) error {
	const step, limit = 50 * time.Millisecond, 2 * time.Second
	tick := time.NewTicker(step)
	defer tick.Stop()
	for idle := time.Duration(0); idle < limit; {
		select {
		case err := <-received:
			return err
		case <-tick.C:
		}
		if idle += step; p.active.Load() > 0 {
			idle = 0
		}
	}
	return errors.New("the server does not take the last acknowledgements")
}

// receiveSettings bound the deliveries under way. Servers that ignore the bound
// hand out more, which then waits here: its lease is extended for as long as
// that takes, or it would be delivered twice. A delivery has its own time-out.
func receiveSettings(s Subscription) pubsub.ReceiveSettings {
	return pubsub.ReceiveSettings{
		MaxOutstandingMessages: s.Concurrency,
		MaxOutstandingBytes:    -1,
		NumGoroutines:          1,
		MaxExtension:           time.Hour,
	}
}

// handle delivers one message. It does not end with ctx, so that a shutdown lets
// deliveries under way finish.
func (p *pusher) handle(ctx context.Context, m *pubsub.Message) {
	p.active.Add(1)
	defer p.active.Add(-1)
	if !p.filter(m.Attributes) {
		m.Ack()
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.sub.AckDeadline)
	defer cancel()
	began := time.Now()
	status, err := p.push(ctx, m)
	if p.report != nil {
		p.report(Delivery{
			Subscription: p.sub.ID, EventID: eventID(m), Type: m.Attributes["ce-type"],
			Attempt: attemptOf(m), Status: status, Err: err, Duration: time.Since(began),
		})
	}
	if err != nil {
		m.Nack()
		return
	}
	m.Ack()
}

func eventID(m *pubsub.Message) string {
	if id := m.Attributes["ce-id"]; id != "" {
		return id
	}
	return m.ID
}

func (p *pusher) push(ctx context.Context, m *pubsub.Message) (int, error) {
	req, err := newRequest(ctx, p.sub, p.name, m)
	if err != nil {
		return 0, err
	}
	return send(p.http, req, p.sub.AckDeadline)
}

// send returns the status, if there was one, and an error unless the status
// acknowledges the delivery.
func send(client *http.Client, req *http.Request, deadline time.Duration) (int, error) {
	resp, err := client.Do(req)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("no answer within the ack deadline of %s: %w", deadline, err)
		}
		return 0, err
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // lets the connection be used again
	if !acknowledges(resp.StatusCode) {
		return resp.StatusCode, fmt.Errorf("%s answered %s: %s", req.URL, resp.Status, answer)
	}
	return resp.StatusCode, nil
}

// acknowledges are Pub/Sub's rules for push endpoints.
func acknowledges(status int) bool {
	switch status {
	case http.StatusProcessing, http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent:
		return true
	}
	return false
}
