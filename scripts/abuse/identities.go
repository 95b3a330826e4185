package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"orderflow.dev/local/oidc"
	"orderflow.dev/local/psp"
	"orderflow.dev/local/stack"
)

// Attacks by those who are not who they say.
var identities = []attack{
	{"tokens of no key that is known", "place-order", func(ctx context.Context, w *world, got *tally) error {
		forger, err := oidc.New(w.stack.Endpoints.Issuer, stack.Audience) // calls itself the issuer, has a key of its own
		if err != nil {
			return err
		}
		return w.tokens(ctx, got, forger.Token)
	}},
	{"tokens of a known key, wrongly signed", "place-order", func(ctx context.Context, w *world, got *tally) error {
		parts := strings.Split(w.mallory, ".")
		claims := base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"other"}`))
		return w.withToken(ctx, got, parts[0]+"."+claims+"."+parts[2])
	}},
	{"tokens that have expired", "place-order", func(ctx context.Context, w *world, got *tally) error {
		return w.tokens(ctx, got, w.stack.Issuer.Token, oidc.WithTTL(-time.Minute))
	}},
	{"tokens for another audience", "place-order", func(ctx context.Context, w *world, got *tally) error {
		return w.tokens(ctx, got, w.stack.Issuer.Token, oidc.WithAudience("others"))
	}},
	{"tokens of algorithm none", "place-order", func(ctx context.Context, w *world, got *tally) error {
		header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
		return w.withToken(ctx, got, header+"."+strings.Split(w.mallory, ".")[1]+".")
	}},
	{"tokens of 40 kB", "place-order", func(ctx context.Context, w *world, got *tally) error {
		return w.withToken(ctx, got, strings.Repeat("e30.", 10_000))
	}},
	{"no token", "place-order", func(ctx context.Context, w *world, got *tally) error {
		return w.withToken(ctx, got, "")
	}},
	{"webhooks with forged signatures", "payment-webhook", func(ctx context.Context, w *world, got *tally) error {
		body := []byte(`{"type":"charge.approved","idempotency_key":"o1","charge_id":"` + strings.Repeat("c", 60_000) + `"}`)
		return w.flood(ctx, got, 50, func(int) *http.Request {
			r := w.request(http.MethodPost, "/v1/webhooks/payment", string(body), "")
			r.Header.Set("X-Provider-Signature", psp.Sign([]byte("guess"), time.Now(), body))
			return r
		})
	}},
	{"webhooks of 1 MB", "payment-webhook", func(ctx context.Context, w *world, got *tally) error {
		body := strings.Repeat("a", 1<<20)
		return w.flood(ctx, got, 50, func(int) *http.Request {
			return w.request(http.MethodPost, "/v1/webhooks/payment", body, "")
		})
	}},
}

// tokens floods with a token of an issuer.
func (w *world) tokens(ctx context.Context, got *tally, issue func(string, ...oidc.TokenOption) (string, error), options ...oidc.TokenOption) error {
	token, err := issue("mallory", options...)
	if err != nil {
		return fmt.Errorf("make a token: %w", err)
	}
	return w.withToken(ctx, got, token)
}

func (w *world) withToken(ctx context.Context, got *tally, token string) error {
	return w.flood(ctx, got, 50, func(int) *http.Request {
		return w.request(http.MethodPost, "/v1/orders", goodOrder, token)
	})
}

const goodOrder = `{"lines":[{"sku":"` + sku + `","quantity":1}],"payment_method":"pm_approve"}`
