package oidc_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"orderflow.dev/local/oidc"
)

// restarting serves an issuer with keys in a file, and another one in its place whenever it is asked to.
func restarting(t *testing.T, file string) (restart func() *oidc.Issuer) {
	t.Helper()
	var handler http.Handler
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(ts.Close)
	return func() *oidc.Issuer {
		issuer, err := oidc.New(ts.URL, audience, oidc.WithKeyFile(file))
		if err != nil {
			t.Fatal(err)
		}
		handler = issuer.Handler()
		return issuer
	}
}

func mustToken(t *testing.T, issuer *oidc.Issuer) string {
	t.Helper()
	token, err := issuer.Token("alice")
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestTokensOfAllKeysStayValidAfterARestart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys.json")
	restart := restarting(t, file)
	var tokens []string
	for range 2 {
		issuer := restart()
		tokens = append(tokens, mustToken(t, issuer))
		if err := issuer.Rotate(); err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, mustToken(t, issuer))
	}
	p := provider(t, restart())
	for i, token := range tokens {
		if _, err := verify(t, p, token, audience); err != nil {
			t.Errorf("token %d: %v", i, err)
		}
	}
	if keyID(t, tokens[1]) != keyID(t, tokens[2]) {
		t.Error("a restart does not go on with the newest key")
	}
}

// keyID is the header of a token, which has nothing else that differs.
func keyID(t *testing.T, token string) string {
	t.Helper()
	header, _, ok := strings.Cut(token, ".")
	if !ok {
		t.Fatalf("token %q", token)
	}
	return header
}

func TestTheKeyFileIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "keys.json")
	mustToken(t, restarting(t, file)())
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("mode %o, want 600", mode)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("%v are in the folder, want the file alone", entries)
	}
}

func TestAKeyFileThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"no JSON":    "{",
		"public key": `{"keys":[{"use":"sig","kty":"RSA","kid":"k","alg":"RS256","n":"qw","e":"AQAB"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "keys.json")
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := oidc.New("http://issuer", audience, oidc.WithKeyFile(file))
			if err == nil || !strings.Contains(err.Error(), file) {
				t.Errorf("New = %v, want an error that names the file", err)
			}
		})
	}
}

func TestAKeyThatCannotBeKeptDoesNotSign(t *testing.T) {
	t.Parallel()
	issuer, err := oidc.New("http://issuer", audience, oidc.WithKeyFile(filepath.Join(t.TempDir(), "missing", "keys.json")))
	if err != nil {
		t.Fatal(err)
	}
	if token, err := issuer.Token("alice"); err == nil {
		t.Errorf("token %s", token)
	}
	if err := issuer.Rotate(); err == nil {
		t.Error("Rotate worked")
	}
}
