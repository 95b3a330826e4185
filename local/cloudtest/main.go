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

	"orderflow.dev/local/cloud"
)

// Preparation starts something that all tests of a package need, such as Issuer. ctx ends after the last test.
type Preparation func(ctx context.Context) error

// Main runs a package's tests against stores of their own (see cloud.Variable for which), in a project that has every
// topic. Where FIRESTORE_EMULATOR_HOST and PUBSUB_EMULATOR_HOST are set, those are used, so that one pair serves all
// packages of a run. What cannot be started fails the package by name.
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
	stop, err := startStores(ctx)
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

// AnyQuery has the embedded Firestore run queries without an index too, as Google's emulator does. Set it before Main.
var AnyQuery bool

// startTimeout bounds the start of stores on a busy machine.
const startTimeout = 2 * time.Minute

func startStores(ctx context.Context) (stop func(), err error) {
	firestore, pubsub := os.Getenv("FIRESTORE_EMULATOR_HOST"), os.Getenv("PUBSUB_EMULATOR_HOST")
	if firestore != "" && pubsub != "" {
		return func() {}, nil
	}
	if firestore != pubsub {
		return nil, errors.New("set FIRESTORE_EMULATOR_HOST and PUBSUB_EMULATOR_HOST both, or neither")
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	stores, err := cloud.Start(ctx, cloud.Options{AnyQuery: AnyQuery})
	if err != nil {
		return nil, fmt.Errorf("start the stores that these tests need: %w", err)
	}
	stores.Serve()
	os.Setenv("FIRESTORE_EMULATOR_HOST", stores.Firestore)
	os.Setenv("PUBSUB_EMULATOR_HOST", stores.PubSub)
	return stores.Stop, nil
}
