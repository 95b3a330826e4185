package oidc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-jose/go-jose/v4"
)

// readKeys reads what writeKeys wrote; nothing if there is no file.
func readKeys(path string) (keys []*signingKey, err error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the signing keys: %w", err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("read the signing keys in %s (without the file, new ones are made): %w", path, err)
	}
	for _, key := range set.Keys {
		if key.IsPublic() || key.KeyID == "" {
			return nil, fmt.Errorf("read the signing keys in %s (without the file, new ones are made): a key cannot sign", path)
		}
		keys = append(keys, made(key))
	}
	return keys, nil
}

// writeKeys replaces the file by one of these keys, which survives a loss of
// power.
func writeKeys(path string, keys ...jose.JSONWebKey) error {
	if path == "" {
		return nil
	}
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		return fmt.Errorf("keep the signing keys: %w", err)
	}
	if err := replaceFile(path, text); err != nil {
		return fmt.Errorf("keep the signing keys: %w", err)
	}
	return nil
}

// replaceFile writes a draft, which os.CreateTemp lets only its owner read, and
// puts it in the place of the file.
func replaceFile(path string, content []byte) error {
	draft, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".")
	if err != nil {
		return err
	}
	_, err = draft.Write(content)
	if err = errors.Join(err, draft.Sync(), draft.Close()); err == nil {
		err = os.Rename(draft.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(draft.Name()))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
