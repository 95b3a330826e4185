package eventarc_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"orderflow.dev/local/cloud"
	"orderflow.dev/local/eventarc"
)

func TestShutdownFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	b := deliver(t, eventarc.Subscription{}, func(http.ResponseWriter, *http.Request) { <-release })
	b.publish(&pubsub.Message{Data: []byte("x")})
	next(t, b.requests)
	stopped := make(chan error, 1)
	go func() { stopped <- b.stop() }()
	close(release)
	if err := next(t, stopped); err != nil {
		t.Errorf("Run = %v", err)
	}
	if d := next(t, b.deliveries); d.Err != nil || d.Status != 200 {
		t.Errorf("delivery %+v", d)
	}
	request := &pubsubpb.PullRequest{Subscription: "projects/" + project + "/subscriptions/" + b.sub.ID, MaxMessages: 1}
	request.ReturnImmediately = true //lint:ignore SA1019 nothing else asks without waiting
	pull, err := b.client.SubscriptionAdminClient.Pull(t.Context(), request)
	if err != nil || len(pull.ReceivedMessages) != 0 {
		t.Errorf("left after the shutdown: %v, %v", pull, err)
	}
}

// TestShutdownWithoutTheServer ends Run although the acknowledgement of the last
// delivery reaches nobody.
func TestShutdownWithoutTheServer(t *testing.T) {
	t.Parallel()
	server, err := cloud.Start(t.Context(), cloud.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	server.Serve()
	conn, err := grpc.NewClient(server.PubSub, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client, err := pubsub.NewClient(t.Context(), project, option.WithGRPCConn(conn))
	if err != nil {
		t.Fatal(err)
	}
	arrived, release := make(chan struct{}), make(chan struct{})
	function := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(arrived)
		<-release
	}))
	defer function.Close()
	subs := []eventarc.Subscription{{ID: "sub", Topic: "topic", Endpoint: function.URL}}
	if err := eventarc.Setup(t.Context(), client, project, nil, subs); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- eventarc.Run(ctx, client, subs, eventarc.Options{}) }()
	if _, err := client.Publisher("topic").Publish(t.Context(), &pubsub.Message{Data: []byte("x")}).Get(t.Context()); err != nil {
		t.Fatal(err)
	}
	next(t, arrived)
	server.Stop()
	cancel()
	close(release)
	if err := next(t, done); err == nil || !strings.Contains(err.Error(), "last acknowledgements") {
		t.Errorf("Run = %v", err)
	}
}

func TestRunFailsWithoutTheSubscription(t *testing.T) {
	t.Parallel()
	subs := []eventarc.Subscription{{ID: "not-there", Topic: "nor-this", Endpoint: "http://x"}}
	err := eventarc.Run(t.Context(), connect(t), subs, eventarc.Options{})
	if err == nil || !strings.Contains(err.Error(), "subscriptions/not-there") {
		t.Errorf("Run = %v", err)
	}
}
