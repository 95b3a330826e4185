// Package auth verifies customers' tokens and makes their identity.
package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"net/http"
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

// Verifier checks bearer tokens (JWT, RFC 7519). Keys are fetched on first use and again when a token names a new one.
type Verifier struct {
	cfg Config

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
	retry    time.Time // no discovery before then
}

// NewVerifier makes a verifier; it asks the issuer nothing yet.
func NewVerifier(cfg Config) *Verifier { return &Verifier{cfg: cfg} }

// Customer is the id of the customer whose token the request carries: a hash of issuer and subject, so that no
// personal data is in ids. UNAUTHENTICATED says what is wrong with the token; UNAVAILABLE that the issuer is not reached.
func (v *Verifier) Customer(ctx context.Context, r *http.Request) (string, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", fault.New(codes.Unauthenticated, "missing_token", "send a token: Authorization: Bearer <token>")
	}
	verifier, err := v.discovered(ctx)
	if err != nil {
		return "", err
	}
	t, err := verifier.Verify(ctx, strings.TrimSpace(token))
	if err != nil {
		return "", rejected(err)
	}
	if t.Subject == "" {
		return "", fault.New(codes.Unauthenticated, "invalid_token", "the token has no subject")
	}
	return CustomerID(t.Issuer, t.Subject), nil
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
	// The provider keeps this context for its key fetches, so it must outlive the request.
	ctx = oidc.ClientContext(context.WithoutCancel(ctx), &http.Client{Timeout: 5 * time.Second})
	provider, err := oidc.NewProvider(ctx, v.cfg.Issuer)
	if err != nil {
		v.retry = time.Now().Add(time.Second)
		return nil, unreached(err)
	}
	v.verifier = provider.Verifier(&oidc.Config{ClientID: v.cfg.Audience, SupportedSigningAlgs: algorithms})
	return v.verifier, nil
}

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
