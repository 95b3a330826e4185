package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// module is what is tested: the version that this module uses.
const module = "cloud.google.com/go/firestore"

// suite is the tests, built, in a folder of their own.
type suite struct{ dir string }

// prepare builds the tests from a copy of the module: the module cache cannot be written to.
func prepare(ctx context.Context) (*suite, error) {
	dir, err := os.MkdirTemp("", "likeness-")
	if err != nil {
		return nil, fmt.Errorf("a folder for the tests: %w", err)
	}
	s := &suite{dir}
	if err := errors.Join(s.build(ctx), s.writeKey()); err != nil {
		s.remove()
		return nil, fmt.Errorf("prepare the tests of %s: %w", module, err)
	}
	return s, nil
}

func (s *suite) remove() { _ = os.RemoveAll(s.dir) }

func (s *suite) key() string    { return filepath.Join(s.dir, "key.json") }
func (s *suite) source() string { return filepath.Join(s.dir, "source") }
func (s *suite) binary() string { return filepath.Join(s.dir, "firestore.test") }

func (s *suite) build(ctx context.Context) error {
	cached, err := goTool(ctx, ".", "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return err
	}
	if err := os.CopyFS(s.source(), os.DirFS(strings.TrimSpace(cached))); err != nil {
		return err
	}
	// The copied module builds with the versions in its own go.mod; -mod=mod notes their checksums where its go.sum lacks them.
	_, err = goTool(ctx, s.source(), "test", "-mod=mod", "-c", "-o", s.binary(), ".")
	return err
}

func goTool(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	var complaint bytes.Buffer
	cmd.Dir, cmd.Stderr = dir, &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, complaint.String())
	}
	return string(out), nil
}

// writeKey writes the key of a service account that is nowhere known: the tests want one, and an emulator does not look at it.
func (s *suite) writeKey() error {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	account, err := json.Marshal(map[string]string{
		"type":         "service_account",
		"client_email": "likeness@" + project + ".iam.gserviceaccount.com",
		"private_key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})),
		"token_uri":    "http://127.0.0.1:9/token",
	})
	if err != nil {
		return err
	}
	return os.WriteFile(s.key(), account, 0o600)
}

const project = "likeness"

// run runs tests on a server. That some of them fail is no error.
func (s *suite) run(ctx context.Context, host, tests string, log io.Writer) (results, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, s.binary(), "-test.v", "-test.run", tests, "-test.timeout", "10m")
	cmd.Dir = s.source()
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&out, log), log
	cmd.Env = append(os.Environ(),
		"FIRESTORE_EMULATOR_HOST="+host,
		"GCLOUD_TESTS_GOLANG_FIRESTORE_PROJECT_ID="+project,
		"GCLOUD_TESTS_GOLANG_FIRESTORE_KEY="+s.key())
	err := cmd.Run()
	if failed := (*exec.ExitError)(nil); err != nil && !errors.As(err, &failed) || ctx.Err() != nil {
		return nil, err
	}
	r := parse(out.String())
	if len(r) == 0 {
		return nil, fmt.Errorf("no test of that name, or none ended:\n%s", out.String())
	}
	return r, nil
}
