package main

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"orderflow.dev"
	"orderflow.dev/internal/unit"
	"orderflow.dev/scripts/internal/fakecloud"
)

// safe is a buffer that commands at once may write to.
type safe struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safe) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safe) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// world is a tree in a folder of its own, which is the working directory, and a project to release it to.
type world struct {
	*testing.T
	cloud *fakecloud.Cloud
	units []unit.Unit
	alert string // what Cloud Monitoring answers
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, cloud: fakecloud.New(t), alert: `{}`}
	t.Setenv("ORDERFLOW_TOKEN", "the-customer-token")
	t.Chdir(t.TempDir())
	if err := os.CopyFS(".", orderflow.Tree); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{".ci/run": "#!/bin/sh\nexec go vet\n", "terraform/environments/dev/terraform.tfvars": "", "terraform/environments/prod/main.tf": ""} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if w.units, err = unit.Load(os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	w.monitoring()
	w.candidates(healthv1.HealthCheckResponse_SERVING)
	return w
}

// bundle is what scripts/bundle would do: every unit has the content version.
func (w *world) bundle(version string) {
	w.Helper()
	if err := os.MkdirAll(dist, 0o700); err != nil {
		w.Fatal(err)
	}
	bundles := map[string]string{}
	for _, u := range w.units {
		bundles[u.Name] = u.Name + "-" + version + ".zip"
		if err := os.WriteFile(filepath.Join(dist, bundles[u.Name]), []byte(version), 0o600); err != nil {
			w.Fatal(err)
		}
	}
	raw, err := json.Marshal(map[string]any{"bundles": bundles})
	if err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(bundlesFile, raw, 0o600); err != nil {
		w.Fatal(err)
	}
}

// candidates serves the address of revisions that have no traffic.
func (w *world) candidates(s healthv1.HealthCheckResponse_ServingStatus) {
	w.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.Fatal(err)
	}
	h := health.NewServer()
	h.SetServingStatus("", s)
	server := grpc.NewServer()
	healthv1.RegisterHealthServer(server, h)
	go func() { _ = server.Serve(l) }() // until Stop
	w.Cleanup(server.Stop)
	w.cloud.Write("candidates", "http://"+l.Addr().String())
}

func (w *world) deploy(args ...string) (string, error) {
	w.Helper()
	out := &safe{}
	d := &deploy{in: os.Stdin, poll: 10 * time.Millisecond}
	d.Dir, d.Out, d.Err = ".", out, out
	c := d.command()
	c.SetArgs(append([]string{project, "--watch", "1ms"}, args...))
	err := c.ExecuteContext(w.Context())
	w.Logf("deploy %v\n%s\nerror: %v", args, out, err)
	return out.String(), err
}

// release releases a version, which must go well.
func (w *world) release(version string) {
	w.Helper()
	w.bundle(version)
	if _, err := w.deploy("--yes"); err != nil {
		w.Fatal(err)
	}
}

// serves says that a version of every unit is the one that Terraform has deployed.
func (w *world) serves(version string) {
	w.Helper()
	for _, u := range w.units {
		s := w.cloud.Service(u.Name)
		if want := u.Name + "-" + version + ".zip"; s.Bundle != want {
			w.Errorf("Terraform has deployed %s of %s, want %s", s.Bundle, u.Name, want)
		}
	}
}

func (w *world) object(name string) string {
	return w.cloud.Read("objects/" + project + "-terraform-state/releases/dev/" + name)
}

// order says that there are calls that contain the parts, in this order.
func (w *world) order(parts ...string) {
	w.Helper()
	calls, at := w.cloud.Calls(), 0
	for _, part := range parts {
		i := slices.IndexFunc(calls[at:], func(c string) bool { return strings.Contains(c, part) })
		if i < 0 {
			w.Fatalf("after call %d there is none with %q:\n%s", at, part, strings.Join(calls, "\n"))
		}
		at += i + 1
	}
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	name = filepath.Join(home, "testdata", name)
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("what it prints is not %s; if that is meant: go test ./scripts/deploy -update\n%s", name, got)
	}
}

// home is the package's folder, which newWorld leaves.
var home, _ = os.Getwd() // nothing in testdata is found if this fails

func read(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(home, "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
