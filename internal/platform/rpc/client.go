package rpc

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"time"

	"google.golang.org/api/idtoken"
	"google.golang.org/grpc"
	connect "google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/credentials/oauth"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"orderflow.dev/internal/backoff"
	"orderflow.dev/internal/platform/telemetry"
)

// Retries of a call that was answered UNAVAILABLE: it cannot have run, or may run twice, as every RPC here is idempotent.
// A gRPC service config cannot do it: grpc-go retries no answer that came with headers, and a server behind net/http, as
// ours and Cloud Run's front end are, always sends them (google.golang.org/grpc, csAttempt.shouldRetry).
const (
	maxAttempts = 4
	firstWait   = 50 * time.Millisecond
	mostWait    = 200 * time.Millisecond
)

// Timeout bounds a call whose caller set no deadline.
const Timeout = 5 * time.Second

// reconnect is how soon a lost connection is tried again: by default grpc-go waits a second first, and all attempts of a
// call would be over by then.
var reconnect = connect.Config{BaseDelay: firstWait, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second}

// Dial connects to a service by its root URL. Over https each call carries an ID token for that URL; plain http is for
// loopback only. Errors of calls are the domain's (fault.Error).
func Dial(ctx context.Context, serviceURL string) (*grpc.ClientConn, error) {
	u, err := url.Parse(serviceURL)
	if err != nil {
		return nil, fmt.Errorf("service URL: %w", err)
	}
	options := []grpc.DialOption{grpc.WithUnaryInterceptor(call), grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: Timeout})}
	target := u.Host
	switch {
	case u.Scheme == "https":
		tokens, err := idtoken.NewTokenSource(ctx, serviceURL)
		if err != nil {
			return nil, fmt.Errorf("ID tokens for %s: %w", serviceURL, err)
		}
		options = append(options,
			grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})),
			grpc.WithPerRPCCredentials(oauth.TokenSource{TokenSource: tokens}))
		if u.Port() == "" {
			target = net.JoinHostPort(u.Hostname(), "443")
		}
	case u.Scheme == "http" && loopback(u.Hostname()):
		options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	default:
		return nil, fmt.Errorf("service URL %q: want https, or http on loopback", serviceURL)
	}
	return grpc.NewClient(target, options...)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// call carries the trace, bounds the time and turns statuses into the domain's errors.
func call(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, Timeout)
		defer cancel()
	}
	if t := telemetry.TraceOf(ctx); t.TraceID != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "traceparent", t.Traceparent(), "x-request-id", t.RequestID)
	}
	for n := 0; ; n++ {
		telemetry.Count(ctx, "calls", 1)
		err := invoke(ctx, method, req, reply, cc, opts...)
		if status.Code(err) != codes.Unavailable || n+1 == maxAttempts || backoff.Wait(ctx, n, firstWait, mostWait) != nil {
			return fromStatus(err)
		}
	}
}
