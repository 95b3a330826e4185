package cloudtest

import (
	"context"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"orderflow.dev/internal/platform/auth"
	"orderflow.dev/local/oidc"
)

// Audience is who customers' tokens are for.
const Audience = "orderflow-test"

var issuer *oidc.Issuer

// Issuer is a Preparation: it starts an issuer of customers' tokens and has functions trust it.
func Issuer(ctx context.Context) error {
	url, err := serve(ctx, func(url string) (http.Handler, error) {
		var err error
		if issuer, err = oidc.New(url, Audience); err != nil {
			return nil, err
		}
		return issuer.Handler(), nil
	})
	if err != nil {
		return err
	}
	os.Setenv("OIDC_ISSUER", url)
	os.Setenv("OIDC_AUDIENCE", Audience)
	return nil
}

// Token is a token of a person, with scopes.
func Token(t testing.TB, person string, scopes ...string) string {
	t.Helper()
	token, err := issuer.Token(person, oidc.WithScope(strings.Join(scopes, " ")))
	if err != nil {
		t.Fatalf("token of %s: %v", person, err)
	}
	return token
}

// CustomerID is the customer that a person is.
func CustomerID(person string) string { return auth.CustomerID(issuer.URL(), person) }

// serve serves a handler that knows its own URL until ctx ends.
func serve(ctx context.Context, build func(url string) (http.Handler, error)) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	url := "http://" + l.Addr().String()
	h, err := build(url)
	if err != nil {
		l.Close()
		return "", err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { srv.Close() })
	go srv.Serve(l)
	return url, nil
}
