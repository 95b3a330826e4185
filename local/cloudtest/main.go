package cloudtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2"

	"orderflow.dev/local/google"
)

// Preparation starts something that all tests of a package need, such as Issuer. ctx ends after the last test.
type Preparation func(ctx context.Context) error

// Main runs a package's tests against Google's emulators, in a project of their own that has every topic. Where
// FIRESTORE_EMULATOR_HOST and PUBSUB_EMULATOR_HOST are set, those emulators are used, so that one pair serves all
// packages of a run; otherwise a pair is started for this one. What cannot be started fails the package by name.
func Main(m *testing.M, prepare ...Preparation) {
	code, err := run(m, prepare)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cloudtest:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M, prepare []Preparation) (int, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop, err := startEmulators(ctx)
	if err != nil {
		return 0, err
	}
	defer stop()
	project = "test-" + strings.ToLower(rand.Text()[:12])
	os.Setenv("GOOGLE_CLOUD_PROJECT", project)
	os.Unsetenv("FUNCTION_TARGET") // the framework is to serve every function
	if client, err = pubsub.NewClient(ctx, project); err != nil {
		return 0, fmt.Errorf("open Pub/Sub: %w", err)
	}
	defer client.Close()
	if err := createTopics(ctx); err != nil {
		return 0, err
	}
	defer func() {
		for _, dir := range dirs {
			os.RemoveAll(dir)
		}
	}()
	for _, p := range prepare {
		if err := p(ctx); err != nil {
			return 0, err
		}
	}
	return m.Run(), nil
}

var (
	project string
	client  *pubsub.Client
	dirs    []string // removed after the tests
)

// Project is the project of this package's tests.
func Project() string { return project }

// Setenv is a Preparation: it configures functions before they are wired.
func Setenv(name, value string) Preparation {
	return func(context.Context) error { return os.Setenv(name, value) }
}

// TempDir is a Preparation: it makes a folder that functions find by an environment variable.
func TempDir(variable string) Preparation {
	return func(context.Context) error {
		dir, err := os.MkdirTemp("", "cloudtest-")
		if err != nil {
			return err
		}
		dirs = append(dirs, dir)
		return os.Setenv(variable, dir)
	}
}

// startTimeout bounds the start of emulators on a busy machine.
const startTimeout = 2 * time.Minute

func startEmulators(ctx context.Context) (stop func(), err error) {
	firestore, pubsub := os.Getenv("FIRESTORE_EMULATOR_HOST"), os.Getenv("PUBSUB_EMULATOR_HOST")
	if firestore != "" && pubsub != "" {
		return func() {}, nil
	}
	if firestore != pubsub {
		return nil, errors.New("set FIRESTORE_EMULATOR_HOST and PUBSUB_EMULATOR_HOST both, or neither")
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	emulators, err := google.Start(ctx, google.Options{})
	if err != nil {
		return nil, fmt.Errorf("these tests need Google's emulators: %w", err)
	}
	os.Setenv("FIRESTORE_EMULATOR_HOST", emulators.FirestoreHost)
	os.Setenv("PUBSUB_EMULATOR_HOST", emulators.PubSubHost)
	return emulators.Stop, nil
}
