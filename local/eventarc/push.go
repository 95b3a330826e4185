package eventarc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/pubsub/filter"
)

// pusher serves one subscription. It pulls call by call: Google's emulator keeps
// giving messages to streams that the Pub/Sub client has left, which it does
// every minute since this emulator does not answer its pings, and each lies
// there until its lease ends.
type pusher struct {
	sub    Subscription
	name   string // in full
	filter filter.Filter
	http   *http.Client
	report func(Delivery)

	slots     chan struct{} // one for each delivery under way
	answers   answers
	delivered sync.WaitGroup
}

func (p *pusher) run(ctx context.Context, client *pubsub.Client) error {
	p.name = client.Subscriber(p.sub.ID).String()
	p.slots = make(chan struct{}, p.sub.Concurrency)
	p.answers = newAnswers(client, p.name)
	err := p.pull(ctx, client)
	p.delivered.Wait() // what is under way ends within its ack deadline
	return errors.Join(err, p.answers.close())
}

func (p *pusher) pull(ctx context.Context, client *pubsub.Client) error {
	for {
		n := p.takeSlots(ctx)
		if n == 0 {
			return nil
		}
		pulled, err := client.SubscriptionAdminClient.Pull(ctx, &pubsubpb.PullRequest{Subscription: p.name, MaxMessages: int32(n)})
		for _, m := range pulled.GetReceivedMessages() {
			p.delivered.Go(func() {
				defer func() { <-p.slots }()
				p.answers.send(m.GetAckId(), p.handle(ctx, message(m)))
			})
		}
		for range n - len(pulled.GetReceivedMessages()) {
			<-p.slots
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !mayPass(err):
			return fmt.Errorf("pull from %s: %w", p.name, err)
		case err != nil || len(pulled.GetReceivedMessages()) == 0:
			select {
			case <-time.After(10 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	}
}

// takeSlots waits for one slot, and takes all that are free; none once ctx ends.
func (p *pusher) takeSlots(ctx context.Context) (n int) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return 0
	}
	for n = 1; n < cap(p.slots); n++ {
		select {
		case p.slots <- struct{}{}:
		default:
			return n
		}
	}
	return n
}

// mayPass says of an error that the next pull may do better.
func mayPass(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Aborted:
		return true
	}
	return false
}

func message(m *pubsubpb.ReceivedMessage) *pubsub.Message {
	attempt := int(m.GetDeliveryAttempt())
	out := &pubsub.Message{
		ID: m.GetMessage().GetMessageId(), Data: m.GetMessage().GetData(), Attributes: m.GetMessage().GetAttributes(),
		PublishTime: m.GetMessage().GetPublishTime().AsTime(), OrderingKey: m.GetMessage().GetOrderingKey(),
	}
	if attempt > 0 {
		out.DeliveryAttempt = &attempt
	}
	return out
}

// handle delivers one message and says whether it is acknowledged. It does not end with ctx, so that a shutdown lets
// deliveries under way finish.
func (p *pusher) handle(ctx context.Context, m *pubsub.Message) (acknowledged bool) {
	if !p.filter(m.Attributes) {
		return true
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
	return err == nil
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
