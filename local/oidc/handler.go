package oidc

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"time"
)

const maxBody = 64 << 10

// Handler serves the paths below; mount it so that they are reached under the
// issuer's URL.
//
//	GET  /.well-known/openid-configuration
//	GET  /jwks
//	POST /token   form or JSON: subject, audience, ttl_seconds, scope, claims (an object)
func (i *Issuer) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /jwks", i.serveKeys)
	mux.HandleFunc("POST /token", i.serveToken)
	return mux
}

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                i.url,
		"jwks_uri":                              i.url + "/jwks",
		"token_endpoint":                        i.url + "/token",
		"response_types_supported":              []string{"id_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"claims_supported":                      []string{"iss", "sub", "aud", "iat", "nbf", "exp", "jti", "scope"},
	})
}

func (i *Issuer) serveKeys(w http.ResponseWriter, _ *http.Request) {
	set, err := i.jwks()
	if err != nil {
		writeJSON(w, http.StatusInternalServerError, failure{"server_error", err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, set)
}

func (i *Issuer) serveToken(w http.ResponseWriter, r *http.Request) {
	req, err := readTokenForm(w, r)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, failure{"invalid_request", err.Error()})
		return
	}
	token, err := i.Token(req.Subject, req.options()...)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, failure{"invalid_request", err.Error()})
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": int64(req.ttl() / time.Second),
	})
}

// tokenForm is the body of POST /token.
type tokenForm struct {
	Subject    string         `json:"subject"`
	Audience   string         `json:"audience"`
	TTLSeconds int64          `json:"ttl_seconds"`
	Scope      string         `json:"scope"` // with spaces in between
	Claims     map[string]any `json:"claims"`
}

func (f tokenForm) ttl() time.Duration {
	if f.TTLSeconds == 0 {
		return defaultTTL
	}
	return time.Duration(f.TTLSeconds) * time.Second
}

func (f tokenForm) options() []TokenOption {
	opts := []TokenOption{WithTTL(f.ttl()), WithScope(f.Scope), WithClaims(f.Claims)}
	if f.Audience != "" {
		opts = append(opts, WithAudience(f.Audience))
	}
	return opts
}

func readTokenForm(w http.ResponseWriter, r *http.Request) (tokenForm, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/json" {
		var f tokenForm
		if err := json.NewDecoder(r.Body).Decode(&f); err != nil {
			return f, fmt.Errorf("body is not the expected JSON: %w", err)
		}
		return f, nil
	}
	return parseForm(r)
}

func parseForm(r *http.Request) (tokenForm, error) {
	if err := r.ParseForm(); err != nil {
		return tokenForm{}, fmt.Errorf("body is not a form: %w", err)
	}
	f := tokenForm{Subject: r.PostForm.Get("subject"), Audience: r.PostForm.Get("audience"), Scope: r.PostForm.Get("scope")}
	var err error
	if ttl := r.PostForm.Get("ttl_seconds"); ttl != "" {
		if f.TTLSeconds, err = strconv.ParseInt(ttl, 10, 64); err != nil {
			return f, errors.New("ttl_seconds is not a whole number")
		}
	}
	if claims := r.PostForm.Get("claims"); claims != "" {
		if err := json.Unmarshal([]byte(claims), &f.Claims); err != nil {
			return f, fmt.Errorf("claims is not a JSON object: %w", err)
		}
	}
	return f, nil
}

// failure is an OAuth 2.0 error body (RFC 6749, section 5.2).
type failure struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}
