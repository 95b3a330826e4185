package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/internal/unit"
)

const pingYAML = `summary: Answers.
trigger: {saga: fulfil-order}
cpu: 1
memory: 256Mi
timeout: 10s
concurrency: 80
max_instances: 1
`

const pingGo = `// Package ping answers.
package ping

import (
	"context"
	_ "embed"

	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/internal/platform/function"
)

//go:embed words/hello.txt
var hello string

func init() {
	function.Call("ping", func(context.Context, struct{}) (func(context.Context, *orderv1.CloseOrderRequest) (*orderv1.CloseOrderResponse, error), error) {
		return nil, nil
	})
}
`

// TestANewFolderIsANewBundle adds a function, with a file that it embeds, and edits nothing else.
func TestANewFolderIsANewBundle(t *testing.T) {
	t.Parallel()
	root, out := copyTree(t, repository), t.TempDir()
	dir := filepath.Join(root, "functions/orders/ping")
	put(t, filepath.Join(dir, "function.yaml"), pingYAML)
	put(t, filepath.Join(dir, "function.go"), pingGo)
	put(t, filepath.Join(dir, "function_test.go"), "package ping\n")
	put(t, filepath.Join(dir, "words/hello.txt"), "hello\n")
	older := "ping-0123456789abcdef.zip"
	for _, name := range []string{older, "ping-pong-0123456789abcdef.zip", "ping.zip"} {
		put(t, filepath.Join(out, name), "")
	}
	var printed bytes.Buffer
	if err := run(t.Context(), &printed, root, out, false, nil); err != nil {
		t.Fatal(err)
	}
	listed := bundlesIn(t, out)
	all, err := unit.Load(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range all {
		if b := contentOf(t, filepath.Join(out, listed[u.Name])); bundleName(u.Name, b) != listed[u.Name] || !strings.Contains(printed.String(), listed[u.Name]) {
			t.Errorf("%s is listed as %q, printed:\n%s", u.Name, listed[u.Name], &printed)
		}
	}
	if len(listed) != len(all) || listed["ping"] == "" {
		t.Errorf("%d units, listed are %v", len(all), listed)
	}
	isExactly(t, filepath.Join(out, listed["ping"]), root)

	put(t, filepath.Join(dir, "words/hello.txt"), "hello again\n")
	if err := run(t.Context(), io.Discard, root, out, false, []string{"ping"}); err != nil {
		t.Fatal(err)
	}
	again := bundlesIn(t, out)
	if again["ping"] == listed["ping"] {
		t.Error("another embedded file is the same bundle")
	}
	listed["ping"] = again["ping"]
	if diff := cmp.Diff(listed, again); diff != "" {
		t.Errorf("the other bundles (-before +after):\n%s", diff)
	}
	files := append(slices.Collect(maps.Values(again)), "ping-pong-0123456789abcdef.zip", "ping.zip", listing)
	slices.Sort(files)
	var there []string
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		there = append(there, e.Name())
	}
	if diff := cmp.Diff(files, there); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func bundlesIn(t *testing.T, out string) map[string]string {
	t.Helper()
	var read struct{ Bundles map[string]string }
	if err := json.Unmarshal(contentOf(t, filepath.Join(out, listing)), &read); err != nil {
		t.Fatal(err)
	}
	return read.Bundles
}

// isExactly says whether a zip of ping holds what it must and nothing else, as it must.
func isExactly(t *testing.T, file, root string) {
	t.Helper()
	want := []string{"function.go", "go.mod", "go.sum", "functions/orders/ping/words/hello.txt"}
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f",
		`{{if .Module}}{{if .Module.Main}}{{$p := .ImportPath}}{{range .GoFiles}}{{$p}}/{{.}}{{"\n"}}{{end}}{{end}}{{end}}`, "./functions/orders/ping")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq(string(out)) {
		want = append(want, strings.TrimPrefix(name, "orderflow.dev/"))
	}
	slices.Sort(want)
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var got []string
	for _, f := range z.File {
		got = append(got, f.Name)
		if f.Mode() != 0o644 || f.Method != zip.Store || !f.Modified.Equal(time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%s: mode %s, method %d, time %s", f.Name, f.Mode(), f.Method, f.Modified)
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r) // verifies the checksum
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		original, err := os.ReadFile(filepath.Join(root, f.Name))
		if f.Name != "function.go" && !strings.HasPrefix(f.Name, "go.") && (err != nil || !bytes.Equal(content, original)) {
			t.Errorf("%s is not the repository's (%v)", f.Name, err)
		}
		if f.Name == "go.mod" && (!bytes.Contains(content, []byte(framework+" v")) || bytes.Contains(content, []byte("spf13/cobra"))) {
			t.Errorf("go.mod is not trimmed to what ping needs:\n%s", content)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files of ping (-want +got):\n%s", diff)
	}
}
