package auth_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/auth"
	"orderflow.dev/local/oidc"
)

const audience = "orderflow"

// issuer is a local issuer on a server that can be taken away.
type issuer struct {
	*oidc.Issuer
	server *httptest.Server
	hidden atomic.Bool // answers 404 to everything
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	i.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i.hidden.Load() {
			http.NotFound(w, r)
			return
		}
		i.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(i.server.Close)
	var err error
	if i.Issuer, err = oidc.New(i.server.URL, audience); err != nil {
		t.Fatal(err)
	}
	return i
}

func (i *issuer) verifier() *auth.Verifier {
	return auth.NewVerifier(auth.Config{Issuer: i.URL(), Audience: audience})
}

func (i *issuer) token(t *testing.T, options ...oidc.TokenOption) string {
	t.Helper()
	token, err := i.Token("alice", options...)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func customer(t *testing.T, v *auth.Verifier, authorization string, scopes ...string) (string, error) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	who, err := v.Customer(r.Context(), r, scopes...)
	if err == nil && who.Subject == "" {
		t.Error("the caller has no subject")
	}
	return who.CustomerID, err
}

func wantRefusal(t *testing.T, what string, id string, err error, code codes.Code, reason string) {
	t.Helper()
	if id != "" || fault.Code(err) != code || fault.Reason(err) != reason {
		t.Errorf("%s: customer %q, error %v (%v, %s), want %v, %s", what, id, err, fault.Code(err), fault.Reason(err), code, reason)
	}
}

func TestGoodTokenNamesItsCustomer(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	v := i.verifier()
	want := auth.CustomerID(i.URL(), "alice")
	for _, scheme := range []string{"Bearer ", "bearer ", "BEARER  "} {
		got, err := customer(t, v, scheme+i.token(t))
		if err != nil || got != want {
			t.Errorf("%q: customer %q, error %v, want %q", scheme, got, err, want)
		}
	}
}

// TestBehindAGatewayTheCustomersTokenCounts: the gateway's own is in Authorization.
func TestBehindAGatewayTheCustomersTokenCounts(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	v := i.verifier()
	for name, c := range map[string]struct {
		own, forwarded string // tokens
		want           string // customer; empty: refused
	}{
		"the gateway's and the customer's": {"the-gateways", i.token(t), auth.CustomerID(i.URL(), "alice")},
		"the gateway's alone":              {"the-gateways", "", ""},
		"one that is not valid forwarded":  {i.token(t), "nonsense", ""},
		"an empty one forwarded":           {i.token(t), "empty", ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+c.own)
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-Authorization", strings.TrimSuffix("Bearer "+c.forwarded, "Bearer empty"))
		}
		if got, err := v.Customer(t.Context(), r); got.CustomerID != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: customer %q, error %v, want %q", name, got.CustomerID, err, c.want)
		}
	}
}

func TestNoToken(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	v := i.verifier()
	for _, header := range []string{"", "Bearer", "Bearer ", "Basic YTpi", i.token(t)} {
		id, err := customer(t, v, header)
		wantRefusal(t, "Authorization: "+header, id, err, codes.Unauthenticated, "missing_token")
	}
}

func TestTokensOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	ours, other := newIssuer(t), newIssuer(t)
	impostor, err := oidc.New(ours.URL(), audience) // says it is ours, has a key of its own
	if err != nil {
		t.Fatal(err)
	}
	forged, err := impostor.Token("alice")
	if err != nil {
		t.Fatal(err)
	}
	good := ours.token(t)
	parts := strings.Split(good, ".")
	payload := strings.Replace(decode(t, parts[1]), `"sub":"alice"`, `"sub":"mallory"`, 1)
	v := ours.verifier()
	for name, c := range map[string]struct{ token, reason string }{
		"expired":             {ours.token(t, oidc.WithTTL(-time.Minute)), "expired_token"},
		"another audience":    {ours.token(t, oidc.WithAudience("somebody-else")), "invalid_token"},
		"another issuer":      {other.token(t), "invalid_token"},
		"another key":         {forged, "invalid_token"},
		"another subject":     {parts[0] + "." + encode(payload) + "." + parts[2], "invalid_token"},
		"no signature":        {parts[0] + "." + parts[1] + ".", "invalid_token"},
		"alg none":            {encode(`{"alg":"none","typ":"JWT"}`) + "." + parts[1] + ".", "invalid_token"},
		"alg NONE, signed":    {encode(`{"alg":"NONE"}`) + "." + parts[1] + "." + parts[2], "invalid_token"},
		"two parts":           {parts[0] + "." + parts[1], "invalid_token"},
		"garbage":             {"garbage", "invalid_token"},
		"dots":                {"..", "invalid_token"},
		"a megabyte of token": {strings.Repeat("a", 1<<20), "invalid_token"},
	} {
		id, err := customer(t, v, "Bearer "+c.token)
		wantRefusal(t, name, id, err, codes.Unauthenticated, c.reason)
		if strings.Contains(fault.Of(err).Message, "oidc") || strings.Contains(fault.Of(err).Message, ours.URL()) {
			t.Errorf("%s: the caller is told %q", name, fault.Of(err).Message)
		}
	}
	if _, err := customer(t, v, "Bearer "+good); err != nil {
		t.Errorf("after all that the good token is refused: %v", err)
	}
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func decode(t *testing.T, s string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRotationIsFollowed(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	v := i.verifier()
	before := i.token(t)
	if _, err := customer(t, v, "Bearer "+before); err != nil {
		t.Fatal(err)
	}
	if err := i.Rotate(); err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{"new key": i.token(t), "old key": before} {
		if _, err := customer(t, v, "Bearer "+token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIssuerDownIsTroubleAndNotTheTokensFault(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	token := "Bearer " + i.token(t)
	v, cold := i.verifier(), i.verifier()
	if _, err := customer(t, v, token); err != nil {
		t.Fatal(err)
	}
	if err := i.Rotate(); err != nil {
		t.Fatal(err)
	}
	newer := "Bearer " + i.token(t)
	i.server.Close()
	if _, err := customer(t, v, token); err != nil {
		t.Errorf("a token of a known key: %v", err)
	}
	id, err := customer(t, v, newer)
	wantRefusal(t, "a token of a key not yet fetched", id, err, codes.Unavailable, "issuer_unavailable")
	for range 2 { // asked, and not asked again at once
		id, err = customer(t, cold, token)
		wantRefusal(t, "a verifier that never reached the issuer", id, err, codes.Unavailable, "issuer_unavailable")
	}
}

// TestIssuerThatComesBackIsUsed: a verifier that could not reach its issuer is not broken for good.
func TestIssuerThatComesBackIsUsed(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.hidden.Store(true)
	v := i.verifier()
	token := "Bearer " + i.token(t)
	if _, err := customer(t, v, token); fault.Code(err) != codes.Unavailable {
		t.Fatalf("without discovery: %v, want UNAVAILABLE", err)
	}
	i.hidden.Store(false)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := customer(t, v, token); err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal("the issuer is back, its tokens are still refused")
		case <-tick.C:
		}
	}
}
