// Package pubsub is Cloud Pub/Sub in this process: the gRPC API (Publisher, Subscriber, SchemaService), as the
// official clients use it by PUBSUB_EMULATOR_HOST.
//
// What it does is done as in production, limits and error codes included. What it does not do answers UNIMPLEMENTED
// and says what: push, BigQuery, Cloud Storage and Bigtable subscriptions, ingestion, message transforms, snapshots,
// Avro schemas, customer-managed keys, storage policies, tags. Subscriptions keep an expiration policy and do not
// expire.
package pubsub

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/wal"
)

const (
	maxRequestBytes = 20 << 20 // what the clients allow themselves; the limit of a publish request is lower
	stopTimeout     = 2 * time.Second
)

// Options configure a Server. The zero value keeps everything in memory.
type Options struct {
	Log *wal.Log         // keeps topics, subscriptions and messages across restarts; memory only if nil
	Now func() time.Time // time.Now if nil
}

// Server is all topics, subscriptions and schemas of all projects.
//
// Locks are taken in this order: the server's, a topic's, a subscription's; of each kind one at a time. Publishing
// holds the server's for reading, so that whoever holds it for writing sees each message in all of its subscriptions
// or in none.
type Server struct {
	log     *wal.Stream
	now     func() time.Time
	ids     atomic.Int64 // of messages, the last one given
	leases  atomic.Int64 // the last one given
	closing chan struct{}

	mu            sync.RWMutex
	topics        map[string]*topic
	subscriptions map[string]*subscription
	schemas       map[string]*revisions
}

// New returns a server. If it has a log, its state is there after the log's Recover.
func New(o Options) *Server {
	s := &Server{
		now: o.Now, closing: make(chan struct{}),
		topics: map[string]*topic{}, subscriptions: map[string]*subscription{}, schemas: map[string]*revisions{},
	}
	if s.now == nil {
		s.now = time.Now
	}
	// Both go on from the time, so that what a server without a log gave is not given again by the next.
	s.ids.Store(s.now().UnixMicro())
	s.leases.Store(s.now().UnixMicro())
	s.log = o.Log.Attach("pubsub", (*part)(s))
	return s
}

// Serve serves until ctx ends, then lets calls under way finish for a moment. It may be called once. The error is the
// listener's.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	g := grpc.NewServer(
		grpc.MaxRecvMsgSize(maxRequestBytes), grpc.MaxSendMsgSize(maxRequestBytes),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
		grpc.UnaryInterceptor(recoverUnary), grpc.StreamInterceptor(recoverStream),
	)
	pubsubpb.RegisterPublisherServer(g, publisher{Server: s})
	pubsubpb.RegisterSubscriberServer(g, subscriber{Server: s})
	pubsubpb.RegisterSchemaServiceServer(g, schemaService{Server: s})
	served := make(chan error, 1)
	go func() { served <- g.Serve(l) }()
	defer s.stopTimers()
	select {
	case err := <-served:
		close(s.closing)
		return fmt.Errorf("serve Pub/Sub on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	close(s.closing)
	force := time.AfterFunc(stopTimeout, g.Stop)
	defer force.Stop()
	g.GracefulStop()
	return nil
}

// stopTimers lets nothing happen any more by itself.
func (s *Server) stopTimers() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.topics {
		t.stop()
	}
	for _, sub := range s.subscriptions {
		sub.stop(errStopping)
	}
}

var errStopping = status.Error(codes.Unavailable, "this server is stopping; connect again")

func recoverUnary(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler,
) (resp any, err error) {
	defer recovered(info.FullMethod, &err)
	return next(ctx, req)
}

func recoverStream(
	srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler,
) (err error) {
	defer recovered(info.FullMethod, &err)
	return next(srv, stream)
}

// recovered makes an error of a panic, so that a mistake here ends one call and not the whole local cloud.
func recovered(method string, err *error) {
	if r := recover(); r != nil {
		slog.Error("Pub/Sub call panicked", "method", method, "panic", r, "stack", string(debug.Stack()))
		*err = status.Errorf(codes.Internal, "%s panicked: %v; the log of this server has the stack", method, r)
	}
}
