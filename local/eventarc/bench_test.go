package eventarc_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"github.com/google/uuid"

	"orderflow.dev/local/cloud"
	"orderflow.dev/local/eventarc"
)

const project = "test-project"

// TestMain runs the tests against a Pub/Sub of their own.
func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	stores, err := cloud.Start(context.Background(), cloud.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer stores.Stop()
	stores.Serve()
	if err := os.Setenv("PUBSUB_EMULATOR_HOST", stores.PubSub); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func connect(t *testing.T) *pubsub.Client {
	t.Helper()
	client, err := pubsub.NewClient(context.WithoutCancel(t.Context()), project)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// request is what a function got.
type request struct {
	header http.Header
	body   string
}

// bench is a subscription, the function behind it, and what came of it.
type bench struct {
	t          *testing.T
	client     *pubsub.Client
	sub        eventarc.Subscription
	requests   chan request
	deliveries chan eventarc.Delivery
	stop       func() error // ends Run and returns its error
}

// deliver sets the subscription up on a topic of its own and runs it.
func deliver(t *testing.T, sub eventarc.Subscription, handle http.HandlerFunc) *bench {
	t.Helper()
	b := &bench{t: t, client: connect(t), requests: make(chan request, 100), deliveries: make(chan eventarc.Delivery, 100)}
	function := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		b.requests <- request{r.Header, string(body)}
		handle(w, r)
	}))
	t.Cleanup(function.Close)
	name := "test-" + uuid.NewString()
	sub.ID, sub.Topic = name, name
	if sub.Endpoint == "" {
		sub.Endpoint = function.URL
	}
	b.sub = sub
	subs := []eventarc.Subscription{sub}
	if err := eventarc.Setup(t.Context(), b.client, project, nil, subs); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() {
		done <- eventarc.Run(ctx, b.client, subs, eventarc.Options{OnDelivery: func(d eventarc.Delivery) { b.deliveries <- d }})
	}()
	b.stop = func() error { cancel(); err := <-done; done <- nil; return err }
	t.Cleanup(func() { _ = b.stop() })
	return b
}

func (b *bench) publish(m *pubsub.Message) string {
	b.t.Helper()
	publisher := b.client.Publisher(b.sub.Topic)
	publisher.EnableMessageOrdering = m.OrderingKey != ""
	defer publisher.Stop()
	id, err := publisher.Publish(b.t.Context(), m).Get(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

// next waits for an item; the limit is there to fail and not to measure.
func next[T any](t *testing.T, items <-chan T) T {
	t.Helper()
	select {
	case item := <-items:
		return item
	case <-time.After(time.Minute):
		t.Fatal("nothing came within a minute")
		panic("unreachable")
	}
}

func ok(http.ResponseWriter, *http.Request) {}
