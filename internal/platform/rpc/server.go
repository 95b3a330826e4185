// Package rpc serves a gRPC service as a Cloud Run service and calls one. Each method answers gRPC and, at the same
// path, JSON in Connect's unary form, through the same interceptors: Go callers speak gRPC, Workflows speaks JSON.
package rpc

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/sethvargo/go-envconfig"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/problem"
	"orderflow.dev/internal/platform/telemetry"
)

// Registration puts a service's implementation on a server. It is called once.
type Registration func(grpc.ServiceRegistrar)

var services = map[string]func(context.Context) (Registration, error){}

// Service makes name a service. wire builds it from its configuration when it is started, not before, and returns once it
// is ready to answer.
func Service[C any](name string, wire func(context.Context, C) (Registration, error)) {
	services[name] = func(ctx context.Context) (Registration, error) {
		var cfg C
		if err := envconfig.Process(ctx, &cfg); err != nil {
			return nil, fmt.Errorf("configuration of service %s: %w", name, err)
		}
		return wire(ctx, cfg)
	}
}

// drainTime is how long requests in flight may take to finish after SIGTERM. Cloud Run kills after ten seconds.
const drainTime = 9 * time.Second

// Main serves the one service of this program on PORT until SIGTERM, then drains. It listens once the service is ready:
// Cloud Run's startup probe waits for the port.
func Main(name string) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	err := func() error {
		handler, err := start(ctx, name)
		if err != nil {
			return err
		}
		l, err := net.Listen("tcp", net.JoinHostPort(os.Getenv("HOST"), port()))
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		return serve(ctx, name, handler, l)
	}()
	switch {
	case err == nil:
	case ctx.Err() == nil:
		telemetry.Log(ctx, slog.LevelError, "service "+name+" ended", slog.String("error", err.Error()))
		os.Exit(1)
	default:
		telemetry.Log(ctx, slog.LevelWarn, "service "+name+" was stopped", slog.String("error", err.Error()))
	}
}

func port() string {
	if p := os.Getenv("PORT"); p != "" {
		return p
	}
	return "8080"
}

// Serve serves a registered service until ctx ends, then drains. Requests that come before it is ready wait in l's queue.
func Serve(ctx context.Context, name string, l net.Listener) error {
	handler, err := start(ctx, name)
	if err != nil {
		l.Close()
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	return serve(ctx, name, handler, l)
}

func start(ctx context.Context, name string) (http.Handler, error) {
	wire, ok := services[name]
	if !ok {
		return nil, fmt.Errorf("no service is called %q", name)
	}
	register, err := wire(ctx)
	if err != nil {
		return nil, fmt.Errorf("start service %s: %w", name, err)
	}
	return Handler(name, register), nil
}

// Bounds of one connection. Streams that are reset count until their calls have ended, so resetting them gains nothing.
const (
	idleTime   = 10 * time.Minute // longer than Cloud Run keeps one
	maxHeader  = 64 << 10         // bytes
	maxStreams = 250              // calls at once: more than a service's concurrency
)

func serve(ctx context.Context, name string, handler http.Handler, l net.Listener) error {
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true) // Cloud Run speaks h2c to the container
	srv := &http.Server{
		Handler: handler, Protocols: protocols, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: maxStreams, SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second, WriteByteTimeout: 30 * time.Second},
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve %s: %w", name, err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := srv.Shutdown(drain); err != nil {
		return fmt.Errorf("requests are in flight after %s: %w", drainTime, err)
	}
	return nil
}

// Handler answers gRPC and JSON for one service.
func Handler(name string, register Registration) http.Handler {
	intercept := interceptor(name)
	d := &door{
		name: name,
		grpc: grpc.NewServer(grpc.UnaryInterceptor(intercept), grpc.MaxRecvMsgSize(maxMessage)),
		json: http.NewServeMux(), intercept: intercept,
	}
	healthv1.RegisterHealthServer(d.grpc, health.NewServer())
	register(d)
	return d
}

// maxMessage is the largest request, in bytes.
const maxMessage = 1 << 20

// interceptor runs one RPC: trace, panics, log line, and the domain's error as a gRPC status.
func interceptor(service string) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (resp any, err error) {
		if strings.HasPrefix(info.FullMethod, "/grpc.health.") {
			return handle(ctx, req)
		}
		md, _ := metadata.FromIncomingContext(ctx)
		ctx, inv := telemetry.Start(ctx, service, telemetry.Continue(first(md, "traceparent"), first(md, "x-request-id")))
		telemetry.Annotate(ctx, "method", info.FullMethod[strings.LastIndex(info.FullMethod, "/")+1:])
		if o, ok := req.(interface{ GetOrderId() string }); ok {
			telemetry.Annotate(ctx, "order_id", o.GetOrderId())
		}
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
			outcome := "ok"
			if err != nil {
				f := fault.Of(err)
				outcome = problem.CodeName(f.Code)
				if f.Reason != "" {
					outcome = f.Reason
				}
			}
			inv.End(problem.Level(err), outcome, err)
			if err != nil {
				err = toStatus(err)
			}
		}()
		return handle(ctx, req)
	}
}

func first(md metadata.MD, key string) string {
	if v := md.Get(key); len(v) > 0 {
		return v[0]
	}
	return ""
}
