package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"orderflow.dev/internal/unit"
)

// Endpoints are where a running stack is reached. It keeps them in a file, so that other commands find it.
type Endpoints struct {
	Gateway   string `json:"gateway"`
	Issuer    string `json:"issuer"`
	Provider  string `json:"provider"`
	Inventory string `json:"inventory"`
	Payment   string `json:"payment"`
	Workflows string `json:"workflows"` // host:port
	Firestore string `json:"firestore"` // host:port
	PubSub    string `json:"pubsub"`    // host:port
	Storage   string `json:"storage"`   // URL
	LogFile   string `json:"log_file"`
	PID       int    `json:"pid"`
}

// file is one a user: the newest stack is the one that commands speak to.
func file() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	dir = filepath.Join(dir, "orderflow")
	return filepath.Join(dir, "stack.json"), os.MkdirAll(dir, 0o700)
}

func (e *Endpoints) save() error {
	path, err := file()
	if err != nil {
		return err
	}
	body, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, body, 0o600)
}

// forget removes the file, unless a newer stack has written its own.
func (e *Endpoints) forget() {
	if current, err := Running(); err == nil && current.PID == e.PID {
		if path, err := file(); err == nil {
			os.Remove(path)
		}
	}
}

// ErrNotRunning says that no stack is up.
var ErrNotRunning = errors.New("no local stack is running: start one with `orderflow up`")

// Running is the newest running stack of this user.
func Running() (Endpoints, error) {
	var e Endpoints
	path, err := file()
	if err != nil {
		return e, err
	}
	body, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return e, ErrNotRunning
	}
	if err == nil {
		err = json.Unmarshal(body, &e)
	}
	if err != nil {
		return e, fmt.Errorf("read %s: %w", path, err)
	}
	if !alive(e.PID) {
		return e, ErrNotRunning
	}
	return e, nil
}

// Use makes this process's clients speak to the stack's stores.
func (e Endpoints) Use() {
	os.Setenv("GOOGLE_CLOUD_PROJECT", Project)
	os.Setenv("FIRESTORE_EMULATOR_HOST", e.Firestore)
	os.Setenv("PUBSUB_EMULATOR_HOST", e.PubSub)
	os.Setenv("STORAGE_EMULATOR_HOST", e.Storage)
	for _, b := range unit.Buckets {
		os.Setenv(unit.BucketEnvName(b), unit.BucketName(Project, b))
	}
}
