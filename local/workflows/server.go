package workflows

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/grpc"
)

// shutdownTime is how long Serve waits for open requests once executions ended.
const shutdownTime = 5 * time.Second

// maxStreams is the number of requests a gRPC connection may have open: one
// client starts executions by the thousands over a single connection.
const maxStreams = 1000

// Handler serves the Executions API: gRPC to requests over HTTP/2 with its
// content type, REST to all others. The server it is mounted in must allow
// unencrypted HTTP/2 for gRPC, as [Engine.Serve] does.
func (e *Engine) Handler() http.Handler {
	api := &api{engine: e}
	rpc := grpc.NewServer()
	executionspb.RegisterExecutionsServer(rpc, api)
	rest := api.routes()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			rpc.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

// Serve answers clients on l until ctx ends. It then cancels the executions that
// run, waits for them and gives nil; the engine starts no more.
func (e *Engine) Serve(ctx context.Context, l net.Listener) error {
	e.address.Store(l.Addr().String())
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{
		Handler:           e.Handler(),
		Protocols:         &protocols,
		ReadHeaderTimeout: 10 * time.Second,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		e.Close()
		return err
	case <-ctx.Done():
	}
	e.Close()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if err := server.Shutdown(grace); errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	} else if err != nil {
		return err
	}
	return nil
}
