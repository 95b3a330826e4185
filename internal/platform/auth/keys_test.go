package auth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/platform/auth"
	"orderflow.dev/local/oidc"
)

// TestForgedTokensDoNotHaveTheIssuerAsked: a thousand tokens of keys that nobody knows are refused, and the issuer is asked a
// handful of times.
func TestForgedTokensDoNotHaveTheIssuerAsked(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	var i *oidc.Issuer
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/jwks") {
			asked.Add(1)
		}
		i.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	i, forger := newOIDC(t, server.URL), newOIDC(t, server.URL)
	good, forged := tokenOf(t, i), tokenOf(t, forger)
	v := auth.NewVerifier(auth.Config{Issuer: server.URL, Audience: audience})
	if _, err := customer(t, v, "Bearer "+good); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 50 {
				id, err := customer(t, v, "Bearer "+forged)
				wantRefusal(t, "forged", id, err, codes.Unauthenticated, "invalid_token")
			}
		})
	}
	all.Wait()
	// Five at once; the machine would have to take half a minute for as many more.
	if n := asked.Load(); n > 10 {
		t.Errorf("the issuer was asked for its keys %d times", n)
	}
	if _, err := customer(t, v, "Bearer "+good); err != nil {
		t.Errorf("after all that the good token is refused: %v", err)
	}
}

func newOIDC(t *testing.T, url string) *oidc.Issuer {
	t.Helper()
	i, err := oidc.New(url, audience)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func tokenOf(t *testing.T, i *oidc.Issuer) string {
	t.Helper()
	token, err := i.Token("alice")
	if err != nil {
		t.Fatal(err)
	}
	return token
}
