package main

import (
	"io"
	"io/fs"
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

// repository is the one that this is a part of.
const repository = "../.."

// copyTree copies what units are made of.
func copyTree(t *testing.T, from string) string {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"functions", "services", "internal", "gen", "workflows", "terraform/modules/pipeline/schemas"} {
		if err := os.CopyFS(filepath.Join(root, dir), os.DirFS(filepath.Join(from, dir))); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"go.mod", "go.sum", "orderflow.go"} {
		put(t, filepath.Join(root, file), string(contentOf(t, filepath.Join(from, file))))
	}
	return root
}

func contentOf(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func put(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// made bundles some units of a tree; all if none is named.
func made(t *testing.T, root string, names ...string) []bundle {
	t.Helper()
	all, err := unit.Load(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	units, err := choose(all, names)
	if err != nil {
		t.Fatal(err)
	}
	bundles, err := bundleAll(t.Context(), root, units)
	if err != nil {
		t.Fatal(err)
	}
	return bundles
}

// few are units that reach different packages.
var few = []string{"get-order", "inventory", "notify-customer", "payment", "payment-webhook", "place-order"}

func names(bundles []bundle) map[string]string {
	out := map[string]string{}
	for _, b := range bundles {
		out[b.unit.Name] = b.name()
	}
	return out
}

func TestTheSameSourceIsTheSameBytesOnAnyMachine(t *testing.T) {
	first := copyTree(t, repository)
	here := names(made(t, first, few...))
	elsewhere := copyTree(t, first)
	err := filepath.WalkDir(elsewhere, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-1000*time.Hour)); err != nil {
			return err
		}
		return os.Chmod(path, 0o700)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOFLAGS", "-tags=other")
	t.Setenv("GOOS", "darwin")
	t.Setenv("CGO_ENABLED", "1")
	t.Setenv("TZ", "Asia/Tokyo")
	if diff := cmp.Diff(here, names(made(t, elsewhere, few...))); diff != "" {
		t.Errorf("bundles of another machine (-here +there):\n%s", diff)
	}
}

// reaching are the units that reach a package, as the go tool says.
func reaching(t *testing.T, root, dir string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.ImportPath}} {{join .Deps \" \"}}", "./functions/...", "./services/...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(out)) {
		packages := strings.Fields(line)
		if name := packages[0][strings.LastIndex(packages[0], "/")+1:]; slices.Contains(few, name) && slices.Contains(packages, "orderflow.dev/"+dir) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

func TestAnEditChangesExactlyTheBundlesThatReachIt(t *testing.T) {
	t.Parallel()
	root := copyTree(t, repository)
	before := names(made(t, root, few...))
	for file, want := range map[string][]string{
		"internal/provider/sandbox.go":                    {"payment", "payment-webhook"},
		"internal/platform/function/call.go":              {"get-order", "notify-customer", "payment-webhook", "place-order"},
		"internal/inventory/stock.go":                     few, // the store knows every room
		"functions/orders/place-order/function.go":        {"place-order"},
		"services/inventory/service.go":                   {"inventory"},
		"functions/orders/place-order/function_test.go":   nil,
		"functions/orders/place-order/function.yaml":      nil,
		"internal/provider/for_another_system_windows.go": nil,
		"orderflow.go": nil,
	} {
		path := filepath.Join(root, file)
		original, err := os.ReadFile(path)
		if err != nil {
			original = []byte("package provider\n") // the one that is not there
		}
		comment := "\n// An edit.\n"
		if strings.HasSuffix(file, ".yaml") {
			comment = "\n# An edit.\n"
		}
		put(t, path, string(original)+comment)
		var changed []string
		for name, now := range names(made(t, root, few...)) {
			if now != before[name] {
				changed = append(changed, name)
			}
		}
		slices.Sort(changed)
		if diff := cmp.Diff(want, changed); diff != "" {
			t.Errorf("bundles changed by an edit of %s (-want +got):\n%s", file, diff)
		}
		if want != nil {
			if diff := cmp.Diff(reaching(t, root, filepath.Dir(file)), changed); diff != "" {
				t.Errorf("units that reach %s (-go list +changed):\n%s", filepath.Dir(file), diff)
			}
		}
		put(t, path, string(original))
	}
}

func TestWhatCannotBeBundledIsSaid(t *testing.T) {
	t.Parallel()
	root := copyTree(t, repository)
	if err := run(t.Context(), io.Discard, root, t.TempDir(), false, []string{"place-ordr"}); err == nil || !strings.Contains(err.Error(), "place-order") {
		t.Errorf("an unknown unit: %v, want what there is", err)
	}
	if err := run(t.Context(), io.Discard, t.TempDir(), t.TempDir(), false, nil); err == nil || !strings.Contains(err.Error(), "root of the repository") {
		t.Errorf("an empty folder: %v, want where to run it", err)
	}
	for file, want := range map[string]string{
		"embed.go":   "module's root",
		"missing.go": "no required module",
	} {
		source := map[string]string{"embed.go": `import _ "orderflow.dev"`, "missing.go": `import _ "example.dev/nowhere"`}[file]
		path := filepath.Join(root, "functions/orders/close-order", file)
		put(t, path, "package closeorder\n\n"+source+"\n")
		out := t.TempDir()
		err := run(t.Context(), io.Discard, root, out, false, []string{"close-order"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error about %q", source, err, want)
		}
		if entries, err := os.ReadDir(out); err != nil || len(entries) > 0 {
			t.Errorf("%s: %v is written (%v)", source, entries, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
