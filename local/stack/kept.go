package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
)

// kept is what has to be the same after a restart, and that no store keeps: where customers and their tokens come from,
// where clients send their orders, what the provider signs with.
type kept struct {
	GatewayPort   int    `json:"gateway_port"`
	IssuerPort    int    `json:"issuer_port"`
	WebhookSecret string `json:"webhook_secret"`
}

const keptFile = "stack.json"

// read reads it from a folder; nothing is kept in a new one.
func (k *kept) read(dir string) error {
	path := filepath.Join(dir, keptFile)
	body, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(body, k)
	}
	if err != nil {
		return fmt.Errorf("read what was kept in %s: %w", path, err)
	}
	return nil
}

// write replaces it.
func (k *kept) write(dir string) error {
	body, err := json.Marshal(k)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, keptFile)
	if err := os.WriteFile(path+".new", body, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// portOf is the port of a URL of ours.
func portOf(address string) int {
	u, err := url.Parse(address)
	if err != nil {
		return 0
	}
	port, _ := strconv.Atoi(u.Port()) // none: any
	return port
}
