package oidc_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	verifier "github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/oidc"
)

const audience = "https://api.example.com"

func serve(t *testing.T) *oidc.Issuer {
	t.Helper()
	mux := http.NewServeMux()
	ts := httptest.NewServer(mux)
	t.Cleanup(ts.Close)
	issuer, err := oidc.New(ts.URL+"/", audience)
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/", issuer.Handler())
	return issuer
}

// provider is what production code uses: it reads discovery and keys over HTTP.
func provider(t *testing.T, issuer *oidc.Issuer) *verifier.Provider {
	t.Helper()
	p, err := verifier.NewProvider(t.Context(), issuer.URL())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func verify(t *testing.T, p *verifier.Provider, token, audience string) (*verifier.IDToken, error) {
	t.Helper()
	return p.Verifier(&verifier.Config{ClientID: audience}).Verify(t.Context(), token)
}

func TestTokenVerifies(t *testing.T) {
	t.Parallel()
	issuer := serve(t)
	token, err := issuer.Token("alice", oidc.WithClaims(map[string]any{"email": "alice@example.com"}))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := verify(t, provider(t, issuer), token, audience)
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := parsed.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if parsed.Expiry.Sub(parsed.IssuedAt) != time.Hour || claims["nbf"] != claims["iat"] || claims["jti"] == "" {
		t.Errorf("claims %v", claims)
	}
	for _, name := range []string{"iat", "nbf", "exp", "jti"} {
		delete(claims, name)
	}
	want := map[string]any{"iss": issuer.URL(), "sub": "alice", "aud": audience, "email": "alice@example.com"}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

func TestTokenIsRefusedWhenItShould(t *testing.T) {
	t.Parallel()
	issuer, stranger := serve(t), serve(t)
	p := provider(t, issuer)
	tests := map[string]struct {
		from *oidc.Issuer
		opts []oidc.TokenOption
	}{
		"expired":          {issuer, []oidc.TokenOption{oidc.WithTTL(-time.Hour)}},
		"another audience": {issuer, []oidc.TokenOption{oidc.WithAudience("other")}},
		"another issuer":   {stranger, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token, err := tt.from.Token("alice", tt.opts...)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := verify(t, p, token, audience); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestRotateKeepsOldTokensValid(t *testing.T) {
	t.Parallel()
	issuer := serve(t)
	p := provider(t, issuer)
	before, err := issuer.Token("alice")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verify(t, p, before, audience); err != nil {
		t.Fatal(err)
	}
	if err := issuer.Rotate(); err != nil {
		t.Fatal(err)
	}
	after, err := issuer.Token("alice")
	if err != nil {
		t.Fatal(err)
	}
	if header(before) == header(after) {
		t.Error("signed with the old key after the rotation")
	}
	for name, token := range map[string]string{"before": before, "after": after} {
		if _, err := verify(t, provider(t, issuer), token, audience); err != nil {
			t.Errorf("token from %s the rotation, fresh keys: %v", name, err)
		}
		if _, err := verify(t, p, token, audience); err != nil {
			t.Errorf("token from %s the rotation, cached keys: %v", name, err)
		}
	}
}

func header(token string) string { return token[:strings.Index(token, ".")] }

func TestTokenEndpoint(t *testing.T) {
	t.Parallel()
	issuer := serve(t)
	p := provider(t, issuer)
	form := url.Values{"subject": {"bob"}, "audience": {"a"}, "ttl_seconds": {"60"}, "scope": {"x y"}, "claims": {`{"role":"x"}`}}
	tests := map[string]struct {
		kind, body string
		status     int
		want       string // expires_in, or the error's description
	}{
		"form":          {"application/x-www-form-urlencoded", form.Encode(), 200, "60"},
		"JSON":          {"application/json; charset=utf-8", `{"subject":"bob","audience":"a","ttl_seconds":60,"scope":"x y","claims":{"role":"x"}}`, 200, "60"},
		"no subject":    {"application/json", `{}`, 400, "subject is empty"},
		"reserved":      {"application/json", `{"subject":"bob","claims":{"iss":"x"}}`, 400, `claim "iss" is the issuer's to set`},
		"scope twice":   {"application/json", `{"subject":"bob","scope":"x","claims":{"scope":"y"}}`, 400, `claim "scope" is the issuer's to set`},
		"bad TTL":       {"application/x-www-form-urlencoded", "subject=bob&ttl_seconds=soon", 400, "ttl_seconds is not a whole number"},
		"claims a list": {"application/json", `{"subject":"bob","claims":[]}`, 400, "body is not the expected JSON: json: cannot unmarshal array into Go struct field tokenForm.claims of type map[string]interface {}"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, answer := post(t, issuer.URL()+"/token", tt.kind, tt.body)
			if status != tt.status {
				t.Fatalf("status %d, want %d: %v", status, tt.status, answer)
			}
			if status != http.StatusOK {
				if got := answer["error_description"]; got != tt.want {
					t.Errorf("error %q, want %q", got, tt.want)
				}
				return
			}
			if got := answer["expires_in"]; got != 60.0 || answer["token_type"] != "Bearer" {
				t.Errorf("answer %v", answer)
			}
			parsed, err := verify(t, p, answer["access_token"].(string), "a")
			if err != nil {
				t.Fatal(err)
			}
			var claims struct{ Sub, Role, Scope string }
			if err := parsed.Claims(&claims); err != nil {
				t.Fatal(err)
			}
			if claims.Sub != "bob" || claims.Role != "x" || claims.Scope != "x y" {
				t.Errorf("claims %+v", claims)
			}
		})
	}
}

func post(t *testing.T, url, kind, body string) (int, map[string]any) {
	t.Helper()
	resp, err := http.Post(url, kind, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if err := json.Unmarshal(data, &answer); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return resp.StatusCode, answer
}

func TestNewRefusesBadURLs(t *testing.T) {
	t.Parallel()
	for _, u := range []string{"", "localhost:8080", "ftp://host", "http://host?x=1", "http://%zz"} {
		if _, err := oidc.New(u, audience); err == nil {
			t.Errorf("New(%q) accepted", u)
		}
	}
}
