package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"orderflow.dev/internal/unit"
)

// tinyFunction does what a function of the public API does, without this module's packages: what is replayed on it is
// quick.
const tinyFunction = `package function

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
)

func init() {
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	go func() {
		<-terminated
		os.Exit(0)
	}()
	functions.HTTP("tiny", func(w http.ResponseWriter, r *http.Request) {
		trace := strings.Split(r.Header.Get("Traceparent"), "-")[1]
		fmt.Fprintf(os.Stderr, "{\"function\":\"tiny\",\"outcome\":\"missing_token\",\"error\":\"no token\",\"logging.googleapis.com/trace\":\"projects/p/traces/%s\"}\n", trace)
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, "{\"status\":401,\"reason\":\"missing_token\"}")
	})
}
`

const tinyService = `package main

import _ "google.golang.org/protobuf/proto"

func main() {}
`

// edit changes the files of a bundle that works.
type edit func(files map[string]string)

func with(name, content string) edit { return func(f map[string]string) { f[name] = content } }
func without(name string) edit       { return func(f map[string]string) { delete(f, name) } }
func swap(name, old, new string) edit {
	return func(f map[string]string) {
		changed := strings.Replace(f[name], old, new, 1)
		if changed == f[name] {
			panic(old + " is not in " + name)
		}
		f[name] = changed
	}
}

// TestABrokenBundleIsRefused breaks a bundle that passes in every way that the replay guards against.
func TestABrokenBundleIsRefused(t *testing.T) {
	t.Parallel()
	root := &tree{goMod: contentOf(t, repository+"/go.mod"), goSum: contentOf(t, repository+"/go.sum")}
	function := bundleOf(t, root, map[string]string{"function.go": tinyFunction}, registering, serving)
	service := bundleOf(t, root, map[string]string{"main.go": tinyService}, "google.golang.org/protobuf/proto")
	c := tinyChecker(t)
	for name, b := range map[string]struct {
		files map[string]string
		edit  edit
		want  string // in the error; none if the bundle passes
	}{
		"nothing":                    {function, func(map[string]string) {}, ""},
		"two packages at the root":   {function, with("other.go", "//go:build ignore\n\npackage other\n"), "two packages at the root"},
		"no package at the root":     {function, without("function.go"), "no Go file at the root"},
		"no Go at the root":          {function, with("function.go", "function"), "read the package at the root"},
		"no framework's functions":   {function, with("function.go", "package function\n\nfunc Tiny() {}\n"), "exported function"},
		"no go.mod":                  {function, without("go.mod"), "no go.mod"},
		"no dot in the module":       {function, swap("go.mod", "module orderflow.dev", "module orderflow"), "wants a dot"},
		"no framework required":      {function, swap("go.mod", framework+" ", "github.com/google/go-cmp v0.7.0 // "), "does not require the functions framework"},
		"go.mod not tidy":            {function, with("go.mod", string(root.goMod)), "tidy would change what is pinned: go mod: exit status 1\ndiff current/go.mod"},
		"go.sum not tidy":            {function, with("go.sum", string(root.goSum)), "tidy would change what is pinned: go mod: exit status 1\ndiff current/go.sum"},
		"a test":                     {function, with("functions/tiny/function_test.go", "package tiny\n"), "function_test.go: the buildpack tidies tests"},
		"a workspace":                {function, with("go.work", "go 1.26.0\n"), "go.work: a workspace"},
		"vendored modules":           {function, with("vendor/modules.txt", ""), "vendor/modules.txt: the buildpack builds from vendor/"},
		"a file outside":             {function, with("../escaped.go", "package escaped\n"), "written elsewhere"},
		"too much":                   {function, with("large.bin", strings.Repeat("0", maxZip)), "more than 5000000"},
		"source that does not build": {function, swap("function.go", "func init", "func init2 undefined"), "go build"},
		"another function":           {function, swap("function.go", `"tiny", func`, `"other", func`), `no matching function found with name: "tiny"`},
		"a start that fails":         {function, swap("function.go", "terminated :=", "panic(\"no configuration\")\n\tterminated :="), "did not start"},
		"an answer in another form":  {function, swap("function.go", "application/problem+json", "text/plain"), "want a 4xx problem"},
		"an answer that is none":     {function, swap("function.go", "http.StatusUnauthorized", "http.StatusOK"), "was answered 200 OK"},
		"an answer by nobody":        {function, swap("function.go", `\"tiny\"`, `\"other\"`), "no line of the request"},
		"a panic":                    {function, swap("function.go", "no token", "panic: no token"), "panicked"},
		"an end that is none":        {function, swap("function.go", "os.Exit(0)", "os.Exit(1)"), "did not end well on SIGTERM"},
		"a service's library":        {service, swap("main.go", "package main", "package service"), "a service's is main"},
		"a service's second main":    {service, with("cmd/x/main.go", "package main\n\nfunc main() {}\n"), "there are 2: orderflow.dev, orderflow.dev/cmd/x"},
		"a service's sums":           {service, swap("go.sum", "google.golang.org/protobuf ", "google.golang.org/nothing "), "diff current/go.sum"},
		"a service that only ends":   {service, func(map[string]string) {}, "did not start"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := unit.Unit{Name: "tiny", Service: b.files["main.go"] != "", Trigger: unit.Trigger{HTTP: &unit.Route{Method: "GET"}}}
			files := maps.Clone(b.files)
			b.edit(files)
			seen, err := c.check(t.Context(), u, zipped(t, files))
			switch {
			case b.want == "" && err != nil:
				t.Errorf("a bundle that works is refused: %v", err)
			case b.want == "" && (seen.binary < 1e6 || seen.ready <= 0):
				t.Errorf("seen of a bundle that works is %+v", seen)
			case b.want != "" && (err == nil || !strings.Contains(err.Error(), b.want)):
				t.Errorf("error %v, want one about %q", err, b.want)
			}
		})
	}
	t.Run("another name", func(t *testing.T) {
		t.Parallel()
		file := zipped(t, function)
		renamed := filepath.Join(filepath.Dir(file), "tiny-0123456789abcdef.zip")
		if err := os.Rename(file, renamed); err != nil {
			t.Fatal(err)
		}
		if _, err := c.check(t.Context(), unit.Unit{Name: "tiny"}, renamed); err == nil || !strings.Contains(err.Error(), "by its content "+filepath.Base(file)) {
			t.Errorf("error %v, want the name by its content", err)
		}
	})
}

// bundleOf is files with the module's description that some imports need.
func bundleOf(t *testing.T, root *tree, files map[string]string, imports ...string) map[string]string {
	t.Helper()
	goMod, goSum, err := root.tidy(t.Context(), imports)
	if err != nil {
		t.Fatal(err)
	}
	files["go.mod"], files["go.sum"] = string(goMod), string(goSum)
	return files
}

func tinyChecker(t *testing.T) *checker {
	t.Helper()
	c, err := newChecker()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

func zipped(t *testing.T, files map[string]string) string {
	t.Helper()
	content := map[string][]byte{}
	for name, text := range files {
		content[name] = []byte(text)
	}
	packed, err := pack(content)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), bundleName("tiny", packed))
	put(t, file, string(packed))
	return file
}

// TestBundlesServe replays everything on one function and one service; go run ./scripts/bundle -check does on all.
func TestBundlesServe(t *testing.T) {
	t.Parallel()
	var printed strings.Builder
	if err := run(t.Context(), &printed, repository, t.TempDir(), true, []string{"close-order", "inventory"}); err != nil {
		t.Fatalf("%v\n%s", err, &printed)
	}
	if strings.Count(printed.String(), ".zip") != 2 || !strings.Contains(printed.String(), "ready ms") || strings.Contains(printed.String(), "failed") {
		t.Errorf("the table is\n%s", &printed)
	}
}

// TestWhatFailsIsInTheTable takes from a unit what its description must ask for.
func TestWhatFailsIsInTheTable(t *testing.T) {
	t.Parallel()
	root := copyTree(t, repository)
	file := filepath.Join(root, "services/payment/service.yaml")
	put(t, file, strings.Replace(string(contentOf(t, file)), "secrets: [PAYMENT_PROVIDER_KEY]", "", 1))
	var printed strings.Builder
	err := run(t.Context(), &printed, root, t.TempDir(), true, []string{"payment"})
	if err == nil || !strings.Contains(err.Error(), "payment: it did not start") || !strings.Contains(err.Error(), "PAYMENT_PROVIDER_KEY") {
		t.Errorf("error %v, want which variable is missing", err)
	}
	if !strings.Contains(printed.String(), "failed") {
		t.Errorf("the table is\n%s", &printed)
	}
}
