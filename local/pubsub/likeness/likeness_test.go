package likeness

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"pgregory.net/rapid"

	"orderflow.dev/local/google"
	"orderflow.dev/local/pubsub"
)

var emulate = flag.String("google", "",
	"`host:port` of a Pub/Sub emulator of Google's, or \"required\": fail if it is not installed")

// startTimeout bounds the start of the emulator on a busy machine.
const startTimeout = 2 * time.Minute

// googleHost is where Google's emulator serves, if missing is nil.
var (
	googleHost, ourHost string
	missing             *google.Missing
)

func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "300"); err != nil {
		panic(err)
	}
	flag.Parse()
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "likeness:", err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	serving, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- pubsub.New(pubsub.Options{}).Serve(serving, l) }()
	defer func() {
		stop()
		<-served
	}()
	ourHost = l.Addr().String()
	if *emulate != "" && *emulate != "required" {
		googleHost = *emulate
		return m.Run(), nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	emulators, err := google.Start(ctx, google.Options{})
	if errors.As(err, &missing) && *emulate == "" {
		fmt.Fprintf(os.Stderr, "likeness: NOTHING IS COMPARED WITH GOOGLE'S EMULATOR: %v\n", err)
		return m.Run(), nil
	}
	if err != nil {
		return 0, err
	}
	defer emulators.Stop()
	googleHost = emulators.PubSubHost
	return m.Run(), nil
}

// needGoogle skips a test where the emulator is not installed.
func needGoogle(t testing.TB) {
	t.Helper()
	if missing != nil {
		t.Skipf("NOT COMPARED: %v", missing)
	}
}

// server is one of the two that are compared.
type server struct {
	name string
	pub  pubsubpb.PublisherClient
	sub  pubsubpb.SubscriberClient
	acks map[string]map[string]string // the last ack id, by subscription and text
}

func dial(t testing.TB, name, host string) *server {
	t.Helper()
	conn, err := grpc.NewClient(host, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &server{
		name: name, pub: pubsubpb.NewPublisherClient(conn), sub: pubsubpb.NewSubscriberClient(conn),
		acks: map[string]map[string]string{},
	}
}

// atOnce asks for what is there now.
func atOnce(sub string, limit int32) *pubsubpb.PullRequest {
	//lint:ignore SA1019 to see that there is nothing a long poll would take too long
	return &pubsubpb.PullRequest{Subscription: sub, MaxMessages: limit, ReturnImmediately: true}
}

// projects keeps sequences apart.
var projects atomic.Int64

// TestBothAnswerAlike makes random calls in a project of their own, again and again.
func TestBothAnswerAlike(t *testing.T) {
	needGoogle(t)
	t.Parallel()
	ours, theirs := dial(t, "ours", ourHost), dial(t, "Google's", googleHost)
	tally := newTally()
	rapid.Check(t, func(r *rapid.T) {
		s := newSequence(r, ours, theirs, tally, fmt.Sprintf("projects/p%d", projects.Add(1)))
		for range rapid.IntRange(10, 30).Draw(r, "calls") {
			s.act()
		}
	})
	t.Logf("\n%s", tally)
	if tally.compared < 1000 || tally.messages < 200 {
		t.Error("too little was compared to mean anything")
	}
}
