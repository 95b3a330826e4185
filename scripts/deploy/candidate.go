package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

// healthy asks a revision at its tag's address whether it serves (gRPC health, https://grpc.io/docs/guides/health-checking).
// The token is for audience, the service's root URL: a tag's address is none.
func (d *deploy) healthy(ctx context.Context, address, audience string) error {
	token, err := d.Output(ctx, d.idToken(audience)...)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.Out, "  ask %s whether it serves (gRPC health)\n", address)
	if d.Dry {
		return nil
	}
	conn, err := dial(address, string(bytes.TrimSpace(token)))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Minute) // it may have to start
	defer cancel()
	answer, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{}, grpc.WaitForReady(true))
	if err != nil {
		return fmt.Errorf("ask %s whether it serves: %w", address, err)
	}
	if s := answer.GetStatus(); s != healthv1.HealthCheckResponse_SERVING {
		return fmt.Errorf("%s says that it is %s", address, s)
	}
	return nil
}

// idToken prints an ID token of the build identity for an audience. Cloud Build's metadata server and a human's login give
// none, so it is impersonated, by itself too.
func (d *deploy) idToken(audience string) []string {
	return d.gcloud("auth", "print-identity-token", "--audiences="+audience, "--impersonate-service-account="+d.deployer())
}

// dial connects with the token, over https. Plain http, and then no token, is for loopback.
func dial(address, token string) (*grpc.ClientConn, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	switch ip := net.ParseIP(u.Hostname()); {
	case u.Scheme == "https":
		return grpc.NewClient(net.JoinHostPort(u.Hostname(), "443"),
			grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})),
			grpc.WithPerRPCCredentials(bearer(token)))
	case u.Scheme == "http" && ip != nil && ip.IsLoopback():
		return grpc.NewClient(u.Host, grpc.WithTransportCredentials(insecure.NewCredentials()))
	}
	return nil, fmt.Errorf("the address %q of the new revision is not https", address)
}

// bearer is a token that goes along with each call, and over TLS only.
type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

func (bearer) RequireTransportSecurity() bool { return true }
