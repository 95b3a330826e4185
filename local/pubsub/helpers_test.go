package pubsub

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	inProject = "projects/p"
	topics    = inProject + "/topics/"
	subs      = inProject + "/subscriptions/"
)

// virtually runs a test in virtual time.
func virtually(t *testing.T, test func(*testing.T, *world)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		test(t, w)
		w.server.stopTimers()
	})
}

// world is a server that is called without a network.
type world struct {
	t      *testing.T
	server *Server
	pub    publisher
	sub    subscriber
	schema schemaService
}

func newWorld(t *testing.T, o Options) *world {
	s := New(o)
	return &world{t: t, server: s, pub: publisher{Server: s}, sub: subscriber{Server: s}, schema: schemaService{Server: s}}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) topic(id string, set ...func(*pubsubpb.Topic)) {
	w.t.Helper()
	topic := &pubsubpb.Topic{Name: topics + id}
	for _, f := range set {
		f(topic)
	}
	_, err := w.pub.CreateTopic(w.t.Context(), topic)
	w.must(err)
}

func (w *world) subscription(id, topic string, set ...func(*pubsubpb.Subscription)) {
	w.t.Helper()
	sub := &pubsubpb.Subscription{Name: subs + id, Topic: topics + topic}
	for _, f := range set {
		f(sub)
	}
	_, err := w.sub.CreateSubscription(w.t.Context(), sub)
	w.must(err)
}

// publish publishes each text as a message of its own.
func (w *world) publish(topic string, texts ...string) {
	w.t.Helper()
	for _, text := range texts {
		w.publishMessage(topic, &pubsubpb.PubsubMessage{Data: []byte(text)})
	}
}

func (w *world) publishKey(topic, key string, texts ...string) {
	w.t.Helper()
	for _, text := range texts {
		w.publishMessage(topic, &pubsubpb.PubsubMessage{Data: []byte(text), OrderingKey: key})
	}
}

func (w *world) publishMessage(topic string, m *pubsubpb.PubsubMessage) {
	w.t.Helper()
	_, err := w.pub.Publish(w.t.Context(), &pubsubpb.PublishRequest{
		Topic: topics + topic, Messages: []*pubsubpb.PubsubMessage{m},
	})
	w.must(err)
}

// pull takes what is there now.
func (w *world) pull(sub string, limit int) received {
	w.t.Helper()
	resp, err := w.sub.Pull(w.t.Context(), atOnce(subs+sub, limit))
	w.must(err)
	return resp.GetReceivedMessages()
}

// atOnce asks for what is there now.
func atOnce(sub string, limit int) *pubsubpb.PullRequest {
	//lint:ignore SA1019 in virtual time a long poll would let time pass
	return &pubsubpb.PullRequest{Subscription: sub, MaxMessages: int32(limit), ReturnImmediately: true}
}

func (w *world) ack(sub string, r received) {
	w.t.Helper()
	_, err := w.sub.Acknowledge(w.t.Context(), &pubsubpb.AcknowledgeRequest{Subscription: subs + sub, AckIds: r.ackIDs()})
	w.must(err)
}

func (w *world) nack(sub string, r received) { w.t.Helper(); w.extend(sub, r, 0) }

func (w *world) extend(sub string, r received, seconds int32) {
	w.t.Helper()
	_, err := w.sub.ModifyAckDeadline(w.t.Context(), &pubsubpb.ModifyAckDeadlineRequest{
		Subscription: subs + sub, AckIds: r.ackIDs(), AckDeadlineSeconds: seconds,
	})
	w.must(err)
}

func (w *world) seek(sub string, to time.Time) {
	w.t.Helper()
	_, err := w.sub.Seek(w.t.Context(), &pubsubpb.SeekRequest{
		Subscription: subs + sub, Target: &pubsubpb.SeekRequest_Time{Time: timestamppb.New(to)},
	})
	w.must(err)
}

// expect pulls and compares the texts, in order.
func (w *world) expect(sub string, want ...string) received {
	w.t.Helper()
	got := w.pull(sub, 1000)
	if !slices.Equal(got.texts(), want) {
		w.t.Fatalf("pulled %q from %s, want %q", got.texts(), sub, want)
	}
	return got
}

// pass lets virtual time pass, and what is due happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

type received []*pubsubpb.ReceivedMessage

func (r received) texts() []string {
	var all []string
	for _, m := range r {
		all = append(all, string(m.GetMessage().GetData()))
	}
	return all
}

func (r received) ackIDs() []string {
	var all []string
	for _, m := range r {
		all = append(all, m.GetAckId())
	}
	return all
}

func wantCode(t *testing.T, err error, want codes.Code) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Errorf("code %s, want %s: %v", got, want, err)
	}
}

func ordered(s *pubsubpb.Subscription) { s.EnableMessageOrdering = true }

func retaining(s *pubsubpb.Subscription) { s.RetainAckedMessages = true }

func deadLetters(topic string, attempts int32) func(*pubsubpb.Subscription) {
	return func(s *pubsubpb.Subscription) {
		s.DeadLetterPolicy = &pubsubpb.DeadLetterPolicy{DeadLetterTopic: topics + topic, MaxDeliveryAttempts: attempts}
	}
}

// serve serves on a port, for clients.
func serve(t testing.TB, s *Server) (host string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	stop = func() {
		cancel()
		if err, open := <-served; open && err != nil {
			t.Errorf("Serve: %v", err)
		}
	}
	return l.Addr().String(), stop
}

func dial(t testing.TB, host string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(host, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func numbers(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint(i)
	}
	return all
}

func errorInfo(t *testing.T, err error) *errdetails.ErrorInfo {
	t.Helper()
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info
		}
	}
	t.Fatalf("no ErrorInfo in %v", err)
	return nil
}

// deployed is a schema of ours.
func deployed(t testing.TB, name string) *pubsubpb.Schema {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../terraform/modules/pipeline/schemas", name+".proto"))
	if err != nil {
		t.Fatal(err)
	}
	return protobuf(string(text))
}

func newClosedListener(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return l
}
