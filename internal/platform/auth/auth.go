// Package auth verifies customers' tokens and makes their identity.
package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
)

// Config names who may issue customers' tokens, and for whom.
type Config struct {
	Issuer   string `env:"OIDC_ISSUER, required"`   // exact "iss"; its discovery document leads to the keys
	Audience string `env:"OIDC_AUDIENCE, required"` // must be in "aud"
}

// algorithms are asymmetric only: neither "none" nor a shared secret is ever accepted.
var algorithms = []string{oidc.RS256, oidc.ES256, oidc.PS256, oidc.EdDSA}

// maxToken is the longest token that is looked into, in bytes: others' are a few thousand.
const maxToken = 16 << 10

// Verifier checks bearer tokens (JWT, RFC 7519). Keys are fetched on first use and again when a token names a new one.
type Verifier struct {
	cfg Config

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
	retry    time.Time // no discovery before then
}

// NewVerifier makes a verifier; it asks the issuer nothing yet.
func NewVerifier(cfg Config) *Verifier { return &Verifier{cfg: cfg} }

// Caller is whose token a request carries.
type Caller struct {
	CustomerID string // a hash of issuer and subject, so that no personal data is in ids
	Subject    string // the token's own: stable, and what the issuer knows the person by
}

// Customer is whose token the request carries. The token must have every one of the scopes. UNAUTHENTICATED says what is wrong with the token;
// PERMISSION_DENIED which scope it lacks; UNAVAILABLE that the issuer is not reached.
func (v *Verifier) Customer(ctx context.Context, r *http.Request, scopes ...string) (Caller, error) {
	t, err := v.token(ctx, r)
	if err != nil {
		return Caller{}, err
	}
	if t.Subject == "" {
		return Caller{}, fault.New(codes.Unauthenticated, "invalid_token", "the token has no subject")
	}
	if err := lacks(t, scopes); err != nil {
		return Caller{}, err
	}
	return Caller{CustomerID(t.Issuer, t.Subject), t.Subject}, nil
}

// token is the request's token, which is valid. API Gateway has a token of its own in Authorization, for Cloud Run, and
// forwards the customer's (https://cloud.google.com/endpoints/docs/openapi/openapi-extensions, jwt_audience). Whoever forges that header needs a
// valid token just as well.
func (v *Verifier) token(ctx context.Context, r *http.Request) (*oidc.IDToken, error) {
	const forwarded = "X-Forwarded-Authorization"
	header := r.Header.Get("Authorization")
	if len(r.Header.Values(forwarded)) > 0 { // even if it is empty: Authorization is the gateway's then
		header = r.Header.Get(forwarded)
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return nil, fault.New(codes.Unauthenticated, "missing_token", "send a token: Authorization: Bearer <token>")
	}
	if len(token) > maxToken {
		return nil, fault.New(codes.Unauthenticated, "invalid_token", "the token is over %d bytes", maxToken)
	}
	verifier, err := v.discovered(ctx)
	if err != nil {
		return nil, err
	}
	t, err := verifier.Verify(ctx, strings.TrimSpace(token))
	if err != nil {
		return nil, rejected(err)
	}
	return t, nil
}

// lacks is PERMISSION_DENIED if a token does not have every scope. It has those of its claim "scope", a string with spaces
// in between (RFC 9068, section 2.2.3; RFC 8693, section 4.2); a claim of another kind gives it none.
func lacks(t *oidc.IDToken, scopes []string) error {
	if len(scopes) == 0 {
		return nil // what others put there does not matter
	}
	var claims struct {
		Scope string `json:"scope"`
	}
	_ = t.Claims(&claims)
	has := strings.Split(claims.Scope, " ")
	for _, s := range scopes {
		if !slices.Contains(has, s) {
			return fault.New(codes.PermissionDenied, "missing_scope", "the token does not have the scope %s: ask its issuer for one that has", s)
		}
	}
	return nil
}

func rejected(err error) error {
	if expired, ok := errors.AsType[*oidc.TokenExpiredError](err); ok {
		return fault.Wrap(err, codes.Unauthenticated, "expired_token", "the token expired at %s", expired.Expiry.UTC().Format(time.RFC3339))
	}
	if strings.Contains(err.Error(), "fetching keys") {
		return fault.Wrap(err, codes.Unavailable, "issuer_unavailable", "the token could not be checked: its issuer's keys are not reached, try again")
	}
	return fault.Wrap(err, codes.Unauthenticated, "invalid_token", "the token is not valid for this service")
}

func (v *Verifier) discovered(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.verifier != nil {
		return v.verifier, nil
	}
	unreached := func(cause error) error {
		return fault.Wrap(cause, codes.Unavailable, "issuer_unavailable", "the token could not be checked: its issuer is not reached, try again")
	}
	if time.Now().Before(v.retry) {
		return nil, unreached(errors.New("asked less than a second ago"))
	}
	ctx = context.WithoutCancel(ctx) // what is found outlives the request
	keysURL, err := v.discover(ctx)
	if err != nil {
		v.retry = time.Now().Add(time.Second)
		return nil, unreached(err)
	}
	set := oidc.NewRemoteKeySet(oidc.ClientContext(ctx, &http.Client{Timeout: issuerTime, Transport: newKeys()}), keysURL)
	v.verifier = oidc.NewVerifier(v.cfg.Issuer, set, &oidc.Config{ClientID: v.cfg.Audience, SupportedSigningAlgs: algorithms})
	return v.verifier, nil
}

// discover asks the issuer where its keys are.
func (v *Verifier) discover(ctx context.Context) (keysURL string, err error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, &http.Client{Timeout: issuerTime}), v.cfg.Issuer)
	if err != nil {
		return "", err
	}
	var found struct {
		Keys string `json:"jwks_uri"`
	}
	return found.Keys, provider.Claims(&found)
}

// issuerTime is how long the issuer may take for an answer.
const issuerTime = 5 * time.Second

// CustomerID is the identity behind a token: lower-case base32 of SHA-256 over the length-prefixed issuer and subject.
func CustomerID(issuer, subject string) string {
	h := sha256.New()
	for _, part := range []string{issuer, subject} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write([]byte(part))
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil)[:20]))
}
