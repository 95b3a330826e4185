package architecture

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

const root = "../.."

// tree asks the go tool for every package, once.
func tree(t *testing.T) graph {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Name,Standard,Imports,Deps,Module", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	g := graph{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return g
		} else if err != nil {
			t.Fatal(err)
		}
		g[p.ImportPath] = &p
	}
}

func TestTreeKeepsItsRules(t *testing.T) {
	t.Parallel()
	g := tree(t)
	for _, want := range []string{"internal/store", "internal/platform/rpc", "functions/orders/place-order", "services/payment", "local/stack"} {
		if g[module+"/"+want] == nil {
			t.Fatalf("the go tool does not know %s: nothing would be checked", want)
		}
	}
	for _, r := range rules {
		for _, p := range g {
			if p.path() == "" {
				continue
			}
			for _, broken := range r.check(g, p) {
				t.Errorf("%s: %s", r.name, broken)
			}
		}
	}
}

// given is a graph of one package of this module that imports others. What it imports is in Deps too.
func given(path string, imports ...string) (graph, *pkg) {
	p := &pkg{ImportPath: module + "/" + path, Name: filepath.Base(path), Imports: imports, Deps: imports}
	g := graph{p.ImportPath: p}
	for _, std := range []string{"fmt", "net/http", "net/http/httptest"} {
		g[std] = &pkg{ImportPath: std, Standard: true}
	}
	return g, p
}

// TestEveryRuleCanBeBroken shows each rule a package that breaks it, and one near it that does not.
func TestEveryRuleCanBeBroken(t *testing.T) {
	t.Parallel()
	ours := func(path string) string { return module + "/" + path }
	seen := map[string]bool{}
	for _, c := range []struct {
		rule, path, imports string
		broken              bool
	}{
		{"doors never import each other", "functions/orders/get-order", ours("functions/orders/place-order"), true},
		{"doors never import each other", "functions/orders/get-order", ours("services/payment"), true},
		{"doors never import each other", "services/payment", ours("cmd/orderflow"), true},
		{"doors never import each other", "cmd/orderflow", ours("functions/orders/place-order"), true},
		{"doors never import each other", "local/stack", ours("functions/orders/place-order"), false},
		{"doors never import each other", "functions/orders/get-order", ours("internal/order"), false},
		{"what is deployed needs nothing of local/, e2e, scripts or the tree's own descriptions", "internal/store", ours("local/google"), true},
		{"what is deployed needs nothing of local/, e2e, scripts or the tree's own descriptions", "functions/orders/get-order", ours("e2e"), true},
		{"what is deployed needs nothing of local/, e2e, scripts or the tree's own descriptions", "services/payment", module, true},
		{"what is deployed needs nothing of local/, e2e, scripts or the tree's own descriptions", "local/stack", ours("local/google"), false},
		{"a room imports the standard library without net/http, its leaves and its vocabulary", "internal/order", ours("internal/payment"), true},
		{"a room imports the standard library without net/http, its leaves and its vocabulary", "internal/order", ours("internal/store"), true},
		{"a room imports the standard library without net/http, its leaves and its vocabulary", "internal/order", ours("gen/orderflow/order/v1"), true},
		{"a room imports the standard library without net/http, its leaves and its vocabulary", "internal/payment", "net/http", true},
		{"a room imports the standard library without net/http, its leaves and its vocabulary", "internal/payment", "net/http/httptest", true},
		{"a room imports the standard library without net/http, its leaves and its vocabulary", "internal/payment", "google.golang.org/grpc/status", true},
		{"a room imports the standard library without net/http, its leaves and its vocabulary", "internal/payment", "github.com/google/uuid", true},
		{"a room imports the standard library without net/http, its leaves and its vocabulary", "internal/payment", "fmt", false},
		{"a room imports the standard library without net/http, its leaves and its vocabulary", "internal/payment", ours("internal/fault"), false},
		{"a room imports the standard library without net/http, its leaves and its vocabulary", "internal/inventory", ours("internal/backoff"), false},
		{"a room imports the standard library without net/http, its leaves and its vocabulary", "internal/payment", ours("gen/orderflow/event/v1"), false},
		{"a room imports the standard library without net/http, its leaves and its vocabulary", "internal/payment", "google.golang.org/grpc/codes", false},
		{"a room needs no cloud and no network, not even indirectly", "internal/order", "cloud.google.com/go/firestore", true},
		{"a room needs no cloud and no network, not even indirectly", "internal/journal", "google.golang.org/grpc", true},
		{"a room needs no cloud and no network, not even indirectly", "internal/store", "cloud.google.com/go/firestore", false},
		{"a leaf knows no room and no plumbing", "internal/fault", ours("internal/order"), true},
		{"a leaf knows no room and no plumbing", "internal/backoff", ours("internal/platform/telemetry"), true},
		{"a leaf knows no room and no plumbing", "internal/journal", ours("internal/platform/event"), true},
		{"a leaf knows no room and no plumbing", "internal/journal", ours("internal/fault"), false},
		{"the platform knows no domain", "internal/platform/rpc", ours("internal/inventory"), true},
		{"the platform knows no domain", "internal/platform/function", ours("internal/store"), true},
		{"the platform knows no domain", "internal/platform/function", ours("internal/fault"), false},
		{"only the store imports Firestore", "functions/orders/get-order", "cloud.google.com/go/firestore/apiv1", true},
		{"only the store imports Firestore", "internal/store", "cloud.google.com/go/firestore", false},
		{"only platform/event imports Pub/Sub", "internal/store", "cloud.google.com/go/pubsub/v2", true},
		{"only platform/event imports Pub/Sub", "local/eventarc", "cloud.google.com/go/pubsub/v2", false},
		{"only platform/bucket imports Cloud Storage", "functions/imports/plan-import", "cloud.google.com/go/storage", true},
		{"only platform/bucket imports Cloud Storage", "internal/store", "cloud.google.com/go/storage/control/apiv2", true},
		{"only platform/bucket imports Cloud Storage", "internal/platform/bucket", "cloud.google.com/go/storage", false},
		{"only platform/bucket imports Cloud Storage", "local/storage", "cloud.google.com/go/storage", false},
		{"only platform/workflow imports Workflows", "internal/client", "cloud.google.com/go/workflows/executions/apiv1", true},
		{"only those who serve or call it import gRPC, but for its codes and statuses", "internal/store", "google.golang.org/grpc", true},
		{"only those who serve or call it import gRPC, but for its codes and statuses", "functions/orders/get-order", "google.golang.org/grpc/metadata", true},
		{"only those who serve or call it import gRPC, but for its codes and statuses", "internal/store", "google.golang.org/grpc/status", false},
		{"only those who serve or call it import gRPC, but for its codes and statuses", "services/payment", "google.golang.org/grpc", false},
		{"only platform/function knows the functions framework", "functions/orders/get-order", "github.com/GoogleCloudPlatform/functions-framework-go/functions", true},
		{"no function or service reads the archive", "functions/orders/get-order", ours("internal/archive"), true},
		{"no function or service reads the archive", "services/payment", "github.com/twmb/avro/ocf", true},
		{"no function or service reads the archive", "local/eventarc", ours("internal/archive"), false},
		{"a package says what it is for", "internal/platform/util", "fmt", true},
		{"a package says what it is for", "local/types", "fmt", true},
		{"a package says what it is for", "gen/orderflow/type/v1", "fmt", false},
	} {
		i := slices.IndexFunc(rules, func(r rule) bool { return r.name == c.rule })
		if i < 0 {
			t.Errorf("there is no rule %q", c.rule)
			continue
		}
		g, p := given(c.path, c.imports)
		if broken := len(rules[i].check(g, p)) > 0; broken != c.broken {
			t.Errorf("%s: %s imports %s: broken %v, want %v", c.rule, c.path, c.imports, broken, c.broken)
		}
		seen[c.rule] = seen[c.rule] || c.broken
	}
	for _, r := range rules {
		if !seen[r.name] {
			t.Errorf("no package breaks the rule %q: it may not be able to fail", r.name)
		}
	}
}

func TestFunctionFolders(t *testing.T) {
	t.Parallel()
	folders, err := filepath.Glob(filepath.Join(root, "functions/*/*"))
	if err != nil || len(folders) < 10 {
		t.Fatalf("%d folders, error %v", len(folders), err)
	}
	for _, folder := range folders {
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Error(err)
			continue
		}
		var files []string
		for _, e := range entries {
			files = append(files, e.Name())
		}
		source, err := os.ReadFile(filepath.Join(folder, "function.go"))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, broken := range checkFunction(filepath.Base(folder), files, string(source)) {
			t.Errorf("%s: %s", folder, broken)
		}
	}
}

func TestFunctionFolderCanBeWrong(t *testing.T) {
	t.Parallel()
	three := []string{"function.go", "function.yaml", "function_test.go"}
	source := func(name, registration string) string {
		return fmt.Sprintf("package %s\n\nfunc init() { %s }\n", name, registration)
	}
	for name, c := range map[string]struct {
		files  []string
		source string
		broken int
	}{
		"as it should be":     {three, source("getorder", `function.API("get-order", http.MethodGet, wire)`), 0},
		"a file more":         {append(slices.Clone(three), "helper.go"), source("getorder", `function.API("get-order", wire)`), 1},
		"no test":             {three[:2], source("getorder", `function.API("get-order", wire)`), 1},
		"another's name":      {three, source("getorder", `function.API("list-orders", wire)`), 1},
		"no name":             {three, source("getorder", `function.API(name, wire)`), 1},
		"registers nothing":   {three, source("getorder", ``), 1},
		"registers two":       {three, source("getorder", `function.API("get-order", wire); function.Call("get-order", wire)`), 1},
		"does more in init":   {three, source("getorder", `connect(); function.API("get-order", wire)`), 1},
		"another's package":   {three, source("orders", `function.API("get-order", wire)`), 1},
		"no Go that compiles": {three, "package", 1},
	} {
		if got := checkFunction("get-order", c.files, c.source); len(got) != c.broken {
			t.Errorf("%s: %v, want %d complaints", name, got, c.broken)
		}
	}
}
