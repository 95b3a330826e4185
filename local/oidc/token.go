package oidc

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"
)

const defaultTTL = time.Hour

// TokenOption changes one token.
type TokenOption func(*tokenRequest)

type tokenRequest struct {
	subject  string
	audience string
	ttl      time.Duration
	scope    string
	claims   map[string]any
}

// WithAudience sets aud instead of the issuer's default audience.
func WithAudience(audience string) TokenOption {
	return func(r *tokenRequest) { r.audience = audience }
}

// WithTTL sets how long the token is valid, one hour by default. A negative
// duration makes a token that has expired already.
func WithTTL(ttl time.Duration) TokenOption {
	return func(r *tokenRequest) { r.ttl = ttl }
}

// WithScope sets the scopes that the token has, with spaces in between; none by
// default.
func WithScope(scope string) TokenOption {
	return func(r *tokenRequest) { r.scope = scope }
}

// WithClaims adds claims. Those the issuer sets itself (iss, sub, aud, iat, nbf,
// exp, jti; scope if it has one) are refused.
func WithClaims(claims map[string]any) TokenOption {
	return func(r *tokenRequest) { r.claims = claims }
}

// Token returns a signed JWT for the subject.
func (i *Issuer) Token(subject string, opts ...TokenOption) (string, error) {
	r := tokenRequest{subject: subject, audience: i.audience, ttl: defaultTTL}
	for _, opt := range opts {
		opt(&r)
	}
	claims, err := i.claims(r, time.Now())
	if err != nil {
		return "", err
	}
	return i.sign(claims)
}

// claims puts a request into claims as of now. An expired token was issued
// before it expired, as a real one would have been.
func (i *Issuer) claims(r tokenRequest, now time.Time) (map[string]any, error) {
	switch {
	case r.subject == "":
		return nil, errors.New("subject is empty")
	case r.audience == "":
		return nil, errors.New("audience is empty")
	}
	expiry := now.Add(r.ttl)
	issued := now
	if r.ttl <= 0 {
		issued = expiry.Add(-defaultTTL)
	}
	claims := map[string]any{
		"iss": i.url, "sub": r.subject, "aud": r.audience, "jti": uuid.NewString(),
		"iat": issued.Unix(), "nbf": issued.Unix(), "exp": expiry.Unix(),
	}
	if r.scope != "" {
		claims["scope"] = r.scope
	}
	for name := range r.claims {
		if _, ok := claims[name]; ok {
			return nil, fmt.Errorf("claim %q is the issuer's to set", name)
		}
	}
	maps.Copy(claims, r.claims)
	return claims, nil
}

func (i *Issuer) sign(claims map[string]any) (string, error) {
	key, err := i.snapshot()[0].ready()
	if err != nil {
		return "", err
	}
	options := (&jose.SignerOptions{}).WithType("JWT")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, options)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return token, nil
}
