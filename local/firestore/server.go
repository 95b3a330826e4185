package firestore

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/firestore/database"
	"orderflow.dev/local/firestore/query"
	"orderflow.dev/local/wal"
)

// Options configure a Server. The zero value keeps everything in memory and runs any query.
type Options struct {
	Log     *wal.Log         // keeps documents across restarts; memory only if nil
	Now     func() time.Time // time.Now if nil
	Indexes *query.Indexes   // refuse queries without an index, as production does (strict mode); nil: run them
}

// Server is all databases of all projects.
type Server struct {
	pb.UnimplementedFirestoreServer
	store   *database.Store
	indexes *query.Indexes
	feeds   *feeds
}

// New returns a server. If it has a log, its documents are there after the log's Recover.
func New(o Options) *Server {
	store := database.NewStore(database.Options{Log: o.Log, Now: o.Now})
	return &Server{store: store, indexes: o.Indexes, feeds: newFeeds()}
}

// Reset empties all databases.
func (s *Server) Reset() { s.store.Reset() }

const (
	mostReceived = 64 << 20        // bytes of a message: more than Firestore takes, which is refused by its own rules
	patience     = 5 * time.Second // with requests that are under way when the server stops
)

// Serve serves until ctx ends.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := grpc.NewServer(
		grpc.MaxRecvMsgSize(mostReceived), grpc.MaxConcurrentStreams(1<<20),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
		grpc.UnaryInterceptor(answer), grpc.StreamInterceptor(untilEnd(ctx)),
	)
	pb.RegisterFirestoreServer(server, s)
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		impatient := time.AfterFunc(patience, server.Stop)
		defer impatient.Stop()
		server.GracefulStop()
	})
	err := server.Serve(l)
	if stop() {
		return fmt.Errorf("serve Firestore on %s: %w", l.Addr(), err)
	}
	<-stopped
	return nil
}

// answer turns a panic into INTERNAL.
func answer(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (_ any, err error) {
	defer recovered(info.FullMethod, &err)
	return handle(ctx, request)
}

// untilEnd is answer for streams. They end with a context, so that those that would go on for ever do not hold up the
// server's end; UNAVAILABLE makes their clients come again.
func untilEnd(end context.Context) grpc.StreamServerInterceptor {
	return func(s any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) (err error) {
		defer recovered(info.FullMethod, &err)
		ctx, cancel := context.WithCancel(stream.Context())
		defer cancel()
		defer context.AfterFunc(end, cancel)()
		err = handle(s, endingStream{stream, ctx})
		if err != nil && end.Err() != nil {
			return status.Error(codes.Unavailable, "the local Firestore stops")
		}
		return err
	}
}

// endingStream is a stream with another context.
type endingStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s endingStream) Context() context.Context { return s.ctx }

func recovered(method string, err *error) {
	if p := recover(); p != nil {
		slog.Error("firestore: a request failed by a defect of the local Firestore",
			"method", method, "panic", p, "stack", string(debug.Stack()))
		*err = status.Errorf(codes.Internal, "the local Firestore has a defect, see its log: %v", p)
	}
}
