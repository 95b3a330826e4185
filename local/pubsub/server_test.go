package pubsub

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

func TestAPanicEndsOneCallOnly(t *testing.T) {
	t.Parallel()
	unary := &grpc.UnaryServerInfo{FullMethod: "/google.pubsub.v1.Publisher/Publish"}
	_, err := recoverUnary(t.Context(), nil, unary, func(context.Context, any) (any, error) { panic("oh") })
	wantCode(t, err, codes.Internal)
	if !strings.Contains(err.Error(), "Publish panicked: oh") {
		t.Errorf("error %v", err)
	}
	stream := &grpc.StreamServerInfo{FullMethod: "/google.pubsub.v1.Subscriber/StreamingPull"}
	wantCode(t, recoverStream(nil, nil, stream, func(any, grpc.ServerStream) error { panic("oh") }), codes.Internal)
	if err := recoverStream(nil, nil, stream, func(any, grpc.ServerStream) error { return io.EOF }); !errors.Is(err,
		io.EOF) {
		t.Errorf("error %v", err)
	}
}

func TestServeReportsABrokenListener(t *testing.T) {
	t.Parallel()
	l := newClosedListener(t)
	if err := New(Options{}).Serve(t.Context(), l); err == nil {
		t.Error("no error")
	}
}
