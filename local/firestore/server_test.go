package firestore

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type silentStream struct{ grpc.ServerStream }

func (silentStream) Context() context.Context { return context.Background() }

func TestAPanicIsAnInternalError(t *testing.T) {
	before := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	defer slog.SetDefault(before)
	_, err := answer(t.Context(), nil, &grpc.UnaryServerInfo{FullMethod: "/x/Y"}, func(context.Context, any) (any, error) { panic("ouch") })
	if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "ouch") {
		t.Errorf("a call: %v", err)
	}
	err = untilEnd(t.Context())(nil, silentStream{}, &grpc.StreamServerInfo{}, func(any, grpc.ServerStream) error { panic("ouch") })
	if status.Code(err) != codes.Internal {
		t.Errorf("a stream: %v", err)
	}
}

func TestAStreamEndsWithTheServer(t *testing.T) {
	t.Parallel()
	end, stop := context.WithCancel(t.Context())
	err := untilEnd(end)(nil, silentStream{}, &grpc.StreamServerInfo{}, func(_ any, s grpc.ServerStream) error {
		stop()
		<-s.Context().Done()
		return s.Context().Err()
	})
	if status.Code(err) != codes.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestServingOnAClosedListenerIsAnError(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := New(Options{}).Serve(t.Context(), l); err == nil {
		t.Error("no error")
	}
}
