package iam

import (
	"context"
	"errors"
	"io"
	"math"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
)

// leading says to which connection a call goes, by its method and first message, or why it is refused.
type leading func(method string, first []byte) (*grpc.ClientConn, error)

// serve passes gRPC calls on, and answers the address where it does.
func (g *Guard) serve(lead leading) (address string, err error) {
	l, err := listen()
	if err != nil {
		return "", err
	}
	server := grpc.NewServer(
		grpc.UnknownServiceHandler(func(_ any, in grpc.ServerStream) error { return g.forward(in, lead) }),
		grpc.ForceServerCodecV2(raw{}), grpc.MaxRecvMsgSize(math.MaxInt32),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
	)
	go server.Serve(l)
	g.closers = append(g.closers, server.Stop)
	return l.Addr().String(), nil
}

// dial connects to what is behind, when it is first called. A lost connection is tried again soon: units have less patience
// than the second that grpc-go waits.
func (g *Guard) dial(address string) (*grpc.ClientConn, error) {
	conn, err := grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy(),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(raw{}), grpc.MaxCallRecvMsgSize(math.MaxInt32)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.6, MaxDelay: time.Second},
			MinConnectTimeout: 20 * time.Second,
		}))
	if err == nil {
		g.closers = append(g.closers, func() { conn.Close() })
	}
	return conn, err
}

// forward passes one call on, in both directions, until it ends.
func (g *Guard) forward(in grpc.ServerStream, lead leading) error {
	method, _ := grpc.MethodFromServerStream(in)
	var first message
	if err := in.RecvMsg(&first); err != nil {
		return err
	}
	defer first.data.Free()
	head := first.data.MaterializeToBuffer(mem.DefaultBufferPool()) // no copy, if it came in one piece
	defer head.Free()
	conn, err := lead(method, head.ReadOnlyData())
	if err != nil {
		return err
	}
	ctx, cut := context.WithCancel(in.Context()) // which ends with this call
	defer cut()
	return g.between(method, head.ReadOnlyData(), cut, func() error {
		first.data.Ref() // who sends it gives it away
		return pass(ctx, in, conn, method, &first)
	})
}

// pass makes the call at the other end.
func pass(ctx context.Context, in grpc.ServerStream, conn *grpc.ClientConn, method string, first *message) error {
	headers, _ := metadata.FromIncomingContext(ctx)
	out, err := conn.NewStream(metadata.NewOutgoingContext(ctx, headers), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, method)
	if err != nil {
		first.data.Free()
		return err
	}
	if err := out.SendMsg(first); err != nil && !errors.Is(err, io.EOF) { // io.EOF: it was answered already
		return err
	}
	go func() {
		for {
			var m message
			if in.RecvMsg(&m) != nil {
				_ = out.CloseSend() // it never fails
				return
			}
			if out.SendMsg(&m) != nil { // why, out.RecvMsg says
				return
			}
		}
	}()
	return answer(in, out)
}

func answer(in grpc.ServerStream, out grpc.ClientStream) error {
	if headers, err := out.Header(); err == nil && len(headers) > 0 {
		if err := in.SetHeader(headers); err != nil {
			return err
		}
	}
	for {
		var m message
		if err := out.RecvMsg(&m); err != nil {
			in.SetTrailer(out.Trailer())
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := in.SendMsg(&m); err != nil {
			return err
		}
	}
}

// message is a message as it travels.
type message struct{ data mem.BufferSlice }

// raw is a codec that leaves messages as they are. Who sends one gives its buffers away.
type raw struct{}

func (raw) Marshal(v any) (mem.BufferSlice, error) { return v.(*message).data, nil }

func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	data.Ref()
	v.(*message).data = data
	return nil
}

func (raw) Name() string { return "proto" }
