// Package oidc stands for an OpenID Connect provider: it publishes discovery
// and keys as a real one does and signs a token for whoever asks. It proves
// nothing about anybody, so it must only ever listen on loopback.
package oidc

import (
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// Issuer signs tokens with its newest key and publishes all its keys. Safe for
// concurrent use.
type Issuer struct {
	url      string
	audience string

	mu   sync.Mutex
	keys []*signingKey // newest first, never empty
}

// New returns an issuer that calls itself issuerURL (absolute, http or https,
// without query; a slash at the end is dropped) and signs for defaultAudience
// when a token asks for none. The first key is made in the background.
func New(issuerURL, defaultAudience string) (*Issuer, error) {
	u, err := url.Parse(issuerURL)
	if err != nil {
		return nil, fmt.Errorf("issuer URL: %w", err)
	}
	if u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("issuer URL %q: want http(s)://host[/path]", issuerURL)
	}
	return &Issuer{
		url:      strings.TrimSuffix(issuerURL, "/"),
		audience: defaultAudience,
		keys:     []*signingKey{newSigningKey()},
	}, nil
}

// URL is the issuer as it stands in the tokens.
func (i *Issuer) URL() string { return i.url }

// Rotate signs with a new key from now on. The old keys stay published, so that
// tokens signed with them stay valid.
func (i *Issuer) Rotate() error {
	key := newSigningKey()
	if _, err := key.ready(); err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append([]*signingKey{key}, i.keys...)
	return nil
}

func (i *Issuer) snapshot() []*signingKey {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.keys // never changed in place
}

// jwks is the public half of every key, newest first.
func (i *Issuer) jwks() (jose.JSONWebKeySet, error) {
	var set jose.JSONWebKeySet
	for _, k := range i.snapshot() {
		key, err := k.ready()
		if err != nil {
			return set, err
		}
		set.Keys = append(set.Keys, key.Public())
	}
	return set, nil
}
