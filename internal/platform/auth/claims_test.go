package auth_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"google.golang.org/grpc/codes"
	"pgregory.net/rapid"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/auth"
)

// keyed is an issuer with a key of the test's choice, so that the test can sign anything with it.
func keyed(t *testing.T, public crypto.PublicKey) (url string) {
	t.Helper()
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"issuer": srv.URL, "jwks_uri": srv.URL + "/jwks"})
	})
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public, KeyID: "k1", Use: "sig"}}})
	})
	return srv.URL
}

func sign(t *testing.T, alg jose.SignatureAlgorithm, key any, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "k1"))
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestClaims(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	url := keyed(t, key.Public())
	v := auth.NewVerifier(auth.Config{Issuer: url, Audience: audience})
	now := time.Now()
	for name, c := range map[string]struct {
		change map[string]any
		reason string // empty: accepted
	}{
		"as they should be":  {nil, ""},
		"several audiences":  {map[string]any{"aud": []string{"other", audience}}, ""},
		"no subject":         {map[string]any{"sub": ""}, "invalid_token"},
		"no expiry":          {map[string]any{"exp": nil}, "expired_token"},
		"not valid yet":      {map[string]any{"nbf": now.Add(time.Hour).Unix()}, "invalid_token"},
		"no audience":        {map[string]any{"aud": []string{}}, "invalid_token"},
		"part of audience":   {map[string]any{"aud": audience + "-admin"}, "invalid_token"},
		"issuer with slash":  {map[string]any{"iss": url + "/"}, "invalid_token"},
		"subject of a kind":  {map[string]any{"sub": 42}, "invalid_token"},
		"expiry of the past": {map[string]any{"exp": now.Add(-time.Second).Unix()}, "expired_token"},
	} {
		claims := map[string]any{"iss": url, "aud": audience, "sub": "alice", "exp": now.Add(time.Hour).Unix(), "iat": now.Unix()}
		maps.Copy(claims, c.change)
		maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
		id, err := customer(t, v, "Bearer "+sign(t, jose.ES256, key, claims))
		if c.reason != "" {
			wantRefusal(t, name, id, err, codes.Unauthenticated, c.reason)
		} else if err != nil || id != auth.CustomerID(url, "alice") {
			t.Errorf("%s: customer %q, error %v", name, id, err)
		}
	}
}

// TestPublicKeyIsNoSharedSecret: a token signed by HS256 with the issuer's public key, which everybody has, must not be
// taken for one signed with the private key.
func TestPublicKeyIsNoSharedSecret(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	url := keyed(t, key.Public())
	v := auth.NewVerifier(auth.Config{Issuer: url, Audience: audience})
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{"iss": url, "aud": audience, "sub": "alice", "exp": time.Now().Add(time.Hour).Unix()}
	if _, err := customer(t, v, "Bearer "+sign(t, jose.RS256, key, claims)); err != nil {
		t.Fatalf("the honest token: %v", err)
	}
	for name, secret := range map[string][]byte{
		"PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "DER": der, "modulus": key.N.Bytes(),
		"zeros": bytes.Repeat([]byte{0}, 32),
	} {
		for _, alg := range []jose.SignatureAlgorithm{jose.HS256, jose.HS384, jose.HS512} {
			id, err := customer(t, v, "Bearer "+sign(t, alg, pad(secret), claims))
			wantRefusal(t, string(alg)+" with "+name, id, err, codes.Unauthenticated, "invalid_token")
		}
	}
}

// pad makes a secret as long as every HMAC here wants it.
func pad(b []byte) []byte { return append(bytes.Clone(b), make([]byte, max(0, 64-len(b)))...) }

// TestCustomerIDNeverChanges: it is in every id made from it.
func TestCustomerIDNeverChanges(t *testing.T) {
	t.Parallel()
	if got, want := auth.CustomerID("https://issuer.example", "alice"), "hkpjonovce37kxjsekdwdjklbdcqjmnc"; got != want {
		t.Errorf("CustomerID = %s, want %s", got, want)
	}
}

func TestCustomerIDTellsPeopleApart(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// Few letters, so that parts of one text are often another cut of it.
		text := rapid.StringMatching(`[ab/]{0,4}`)
		a, b := [2]string{text.Draw(t, "issuer a"), text.Draw(t, "subject a")}, [2]string{text.Draw(t, "issuer b"), text.Draw(t, "subject b")}
		if same := auth.CustomerID(a[0], a[1]) == auth.CustomerID(b[0], b[1]); same != (a == b) {
			t.Errorf("%q and %q have one id: %v", a, b, same)
		}
	})
}

func TestScopes(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	url := keyed(t, key.Public())
	v := auth.NewVerifier(auth.Config{Issuer: url, Audience: audience})
	for name, c := range map[string]struct {
		claim any
		want  []string
		lacks string // empty: accepted
	}{
		"none wanted":              {nil, nil, ""},
		"none wanted, an odd one":  {42, nil, ""},
		"the only one":             {"imports.read", []string{"imports.read"}, ""},
		"one of several":           {"a imports.read b", []string{"imports.read"}, ""},
		"both":                     {"b c a", []string{"a", "b"}, ""},
		"one of two":               {"a c", []string{"a", "b"}, "b"},
		"no claim":                 {nil, []string{"imports.read"}, "imports.read"},
		"an empty claim":           {"", []string{"imports.read"}, "imports.read"},
		"another":                  {"orders.read", []string{"imports.read"}, "imports.read"},
		"part of one":              {"imports.readers ximports.read", []string{"imports.read"}, "imports.read"},
		"another case":             {"Imports.Read", []string{"imports.read"}, "imports.read"},
		"commas in between":        {"a,imports.read", []string{"imports.read"}, "imports.read"},
		"a list, which is no text": {[]string{"imports.read"}, []string{"imports.read"}, "imports.read"},
	} {
		claims := map[string]any{"iss": url, "aud": audience, "sub": "alice", "exp": time.Now().Add(time.Hour).Unix()}
		if c.claim != nil {
			claims["scope"] = c.claim
		}
		id, err := customer(t, v, "Bearer "+sign(t, jose.ES256, key, claims), c.want...)
		if c.lacks == "" {
			if err != nil || id != auth.CustomerID(url, "alice") {
				t.Errorf("%s: customer %q, error %v", name, id, err)
			}
			continue
		}
		wantRefusal(t, name, id, err, codes.PermissionDenied, "missing_scope")
		if !strings.Contains(fault.Of(err).Message, "the scope "+c.lacks+":") {
			t.Errorf("%s: %q does not say that %s is missing", name, fault.Of(err).Message, c.lacks)
		}
	}
	id, err := customer(t, v, "Bearer a.b.c", "imports.read")
	wantRefusal(t, "a bad token", id, err, codes.Unauthenticated, "invalid_token")
}
