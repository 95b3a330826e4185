package auth_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/auth"
	"orderflow.dev/local/oidc"
)

// FuzzToken: whatever stands in the header, nobody becomes a customer without a token that the issuer has signed, and
// whoever is refused has sent nothing good.
func FuzzToken(f *testing.F) {
	var i *oidc.Issuer
	server := httptest.NewServer(nil)
	f.Cleanup(server.Close)
	i, err := oidc.New(server.URL, audience)
	if err != nil {
		f.Fatal(err)
	}
	server.Config.Handler = i.Handler()
	good, err := i.Token("alice")
	if err != nil {
		f.Fatal(err)
	}
	parts := strings.Split(good, ".")
	for _, seed := range []string{
		"", "Bearer", "Bearer ..", "Bearer " + good, "Basic " + good, "Bearer " + parts[0] + "." + parts[1] + ".",
		"Bearer " + encode(`{"alg":"none"}`) + "." + parts[1] + ".", "Bearer " + encode(`{"alg":"HS256","kid":"a"}`) + "." + parts[1] + "." + parts[2],
		"Bearer " + encode(`{"alg":"RS256","jwk":{}}`) + "." + parts[1] + "." + parts[2], "Bearer " + parts[0] + "." + encode(`{"sub":"mallory"}`) + "." + parts[2],
	} {
		f.Add(seed)
	}
	v := auth.NewVerifier(auth.Config{Issuer: server.URL, Audience: audience})
	alice := auth.CustomerID(server.URL, "alice")
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Authorization"] = []string{header}
		who, err := v.Customer(r.Context(), r)
		switch {
		case err == nil && (who.CustomerID != alice || !strings.Contains(header, parts[1])):
			t.Errorf("%q makes somebody %s", header, who.CustomerID)
		case err != nil && fault.Code(err) != codes.Unauthenticated:
			t.Errorf("%q is answered %v, want UNAUTHENTICATED", header, err)
		}
	})
}
