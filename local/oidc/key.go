package oidc

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"sync"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
)

const keyBits = 2048

// signingKey is a key that may still be in the making.
type signingKey struct {
	// ready waits for the key and returns it with its id.
	ready func() (jose.JSONWebKey, error)
}

// made is a key that is there.
func made(key jose.JSONWebKey) *signingKey {
	return &signingKey{ready: func() (jose.JSONWebKey, error) { return key, nil }}
}

// newSigningKey starts making a key, which is ready once it is kept: RSA takes a
// tenth of a second, which is time the rest of a start need not wait for.
func newSigningKey(keep func(jose.JSONWebKey) error) *signingKey {
	k := &signingKey{ready: sync.OnceValues(func() (jose.JSONWebKey, error) {
		key, err := generate()
		if err != nil {
			return key, err
		}
		return key, keep(key)
	})}
	go func() { _, _ = k.ready() }() // whoever needs the key gets the error
	return k
}

func generate() (jose.JSONWebKey, error) {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("generate signing key: %w", err)
	}
	return jose.JSONWebKey{
		Key: private, KeyID: uuid.NewString(), Algorithm: string(jose.RS256), Use: "sig",
	}, nil
}
