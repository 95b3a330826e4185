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

	file string // of the keys; "" keeps none

	mu   sync.Mutex
	keys []*signingKey // newest first, never empty
}

// Option changes an issuer.
type Option func(*Issuer)

// WithKeyFile keeps the signing keys in a file, which only its owner may read,
// so that tokens stay valid when a new issuer takes the place of this one. The
// file is made if it is not there.
func WithKeyFile(path string) Option {
	return func(i *Issuer) { i.file = path }
}

// New returns an issuer that calls itself issuerURL (absolute, http or https,
// without query; a slash at the end is dropped) and signs for defaultAudience
// when a token asks for none. The first key is made in the background, unless
// there is one in a file.
func New(issuerURL, defaultAudience string, opts ...Option) (*Issuer, error) {
	u, err := url.Parse(issuerURL)
	if err != nil {
		return nil, fmt.Errorf("issuer URL: %w", err)
	}
	if u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("issuer URL %q: want http(s)://host[/path]", issuerURL)
	}
	i := &Issuer{url: strings.TrimSuffix(issuerURL, "/"), audience: defaultAudience}
	for _, opt := range opts {
		opt(i)
	}
	if i.keys, err = readKeys(i.file); err != nil {
		return nil, err
	}
	if len(i.keys) == 0 {
		i.keys = []*signingKey{newSigningKey(func(key jose.JSONWebKey) error { return writeKeys(i.file, key) })}
	}
	return i, nil
}

// URL is the issuer as it stands in the tokens.
func (i *Issuer) URL() string { return i.url }

// Rotate signs with a new key from now on. The old keys stay published, so that
// tokens signed with them stay valid.
func (i *Issuer) Rotate() error {
	key, err := generate()
	if err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	keys := append([]*signingKey{made(key)}, i.keys...)
	var all []jose.JSONWebKey
	for _, k := range keys {
		key, err := k.ready()
		if err != nil {
			return err
		}
		all = append(all, key)
	}
	if err := writeKeys(i.file, all...); err != nil {
		return err
	}
	i.keys = keys
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
