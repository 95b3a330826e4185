package eventarc

import (
	"context"
	"errors"
	"net"
	"net/http"
	"syscall"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"golang.org/x/sync/errgroup"

	"orderflow.dev/local/pubsub/filter"
)

// Options configures Run. The zero value works.
type Options struct {
	// HTTP makes the deliveries; its redirects are never followed. If nil, a
	// client with a large pool of connections is used.
	HTTP *http.Client
	// OnDelivery is told of every delivery after it ended and before it is
	// acknowledged. It is called concurrently.
	OnDelivery func(Delivery)
}

// Delivery is one attempt to hand a message to a function.
type Delivery struct {
	Subscription string
	// EventID and Type are the CloudEvent's; for other messages EventID is the
	// Pub/Sub message's and Type is empty.
	EventID, Type string
	// Attempt counts from 1; 0 if the server does not count.
	Attempt int
	// Status is the HTTP status, 0 if there was no answer.
	Status int
	// Err says why the message was not acknowledged; nil if it was.
	Err      error
	Duration time.Duration
}

// Run delivers the messages of all subscriptions, which must exist, until ctx
// ends; deliveries under way are finished then. Error: a filter that is not
// understood, or a subscription that cannot be pulled from.
func Run(ctx context.Context, client *pubsub.Client, subs []Subscription, o Options) error {
	if err := validate(subs); err != nil {
		return err
	}
	pushers := make([]*pusher, len(subs))
	httpClient := httpClient(o.HTTP)
	for i, s := range subs {
		f, err := filter.Parse(s.Filter)
		if err != nil {
			return err // validated above
		}
		pushers[i] = &pusher{sub: s.withDefaults(), filter: f, http: httpClient, report: o.OnDelivery}
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range pushers {
		group.Go(func() error { return p.run(ctx, client) })
	}
	return group.Wait()
}

// httpClient never follows redirects: to Pub/Sub they are failures.
func httpClient(given *http.Client) *http.Client {
	client := &http.Client{Transport: Transport()}
	if given != nil {
		*client = *given
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}

// Transport keeps a connection for every delivery that may be under way, since
// all functions may share one address, and waits for a function that is being
// started again.
func Transport() *http.Transport {
	return &http.Transport{
		DialContext:         dial,
		MaxIdleConnsPerHost: 512,
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  true,
	}
}

// startsWithin is how long a request waits for a function that is being started
// again. Cloud Run holds it for 10 s at least
// (https://cloud.google.com/run/docs/about-instance-autoscaling); a process here
// is back sooner, and the shortest ack deadline must not hide what happened.
const startsWithin = 3 * time.Second

// dial waits while nobody listens.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: 5 * time.Second}
	for began := time.Now(); ; {
		conn, err := d.DialContext(ctx, network, address)
		if !errors.Is(err, syscall.ECONNREFUSED) || time.Since(began) > startsWithin {
			return conn, err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, err
		}
	}
}
