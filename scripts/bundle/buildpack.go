package main

import (
	"context"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// What Google's Go buildpacks do, read in github.com/GoogleCloudPlatform/buildpacks: cmd/go/functions_framework for
// functions; cmd/go/gomod and cmd/go/build for services.

// functionMain is what the buildpack makes of a function that registers itself, but for listening on loopback only.
const functionMain = `package main

import (
	"log"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"

	_ %q
)

func main() {
	log.Fatal(funcframework.StartHostPort(os.Getenv("HOST"), os.Getenv("PORT")))
}
`

// buildFunction turns a function's source into a program.
func buildFunction(ctx context.Context, source, name, binary string) error {
	_, imports, err := rootPackage(source)
	if err != nil {
		return err
	}
	if !imports[registering] {
		return fmt.Errorf("no file at the root imports %s: the buildpack would look for an exported function named %q", registering, name)
	}
	module, err := modulePath(ctx, source)
	if err != nil {
		return err
	}
	if _, err := goTool(ctx, source, nil, "list", "-m", framework); err != nil {
		return fmt.Errorf("go.mod does not require the functions framework, so the buildpack would pick its version: %w", err)
	}
	app := filepath.Join(source, "functions.local", "app")
	if err := os.MkdirAll(app, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(app, "main.go"), fmt.Appendf(nil, functionMain, module), 0o644); err != nil {
		return err
	}
	if err := tidied(ctx, source); err != nil {
		return err
	}
	_, err = goTool(ctx, source, nil, "build", "-o", binary, app)
	return err
}

// buildService turns a service's source into a program.
func buildService(ctx context.Context, source, _, binary string) error {
	name, _, err := rootPackage(source)
	if err != nil {
		return err
	}
	if name != "main" {
		return fmt.Errorf("the package at the root is called %s: a service's is main", name)
	}
	if _, err := modulePath(ctx, source); err != nil {
		return err
	}
	if err := tidied(ctx, source); err != nil {
		return err
	}
	if _, err := goTool(ctx, source, nil, "mod", "download"); err != nil {
		return err
	}
	// The buildpack builds the one main that there is. Of several it would take the root's, but which is meant?
	mains, err := goTool(ctx, source, []string{"GOPROXY=off"}, "list", "-f", `{{if eq .Name "main"}}{{.ImportPath}}{{end}}`, "./...")
	if err != nil {
		return err
	}
	if found := strings.Fields(string(mains)); len(found) != 1 {
		return fmt.Errorf("there must be one main, and there are %d: %s", len(found), strings.Join(found, ", "))
	}
	_, err = goTool(ctx, source, []string{"GOPROXY=off"}, "build", "-o", binary, ".")
	return err
}

// rootPackage is the one package of the files at the root, and what they import. Like the buildpack it reads every Go
// file there, tests and those that a build tag excludes too.
func rootPackage(source string) (name string, imports map[string]bool, err error) {
	files, err := filepath.Glob(filepath.Join(source, "*.go"))
	if err != nil {
		return "", nil, err
	}
	imports = map[string]bool{}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return "", nil, fmt.Errorf("read the package at the root: %w", err)
		}
		if name != "" && name != f.Name.Name {
			return "", nil, fmt.Errorf("there are two packages at the root, %s and %s: the buildpack wants one", name, f.Name.Name)
		}
		name = f.Name.Name
		for _, i := range f.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return "", nil, err
			}
			imports[path] = true
		}
	}
	if name == "" {
		return "", nil, fmt.Errorf("there is no Go file at the root: the buildpack wants one package there")
	}
	return name, imports, nil
}

// tidied says whether go mod tidy leaves go.mod and go.sum as they are, to the byte. The functions buildpack runs it: if it
// had to mend something, it would pick versions that nobody tested.
func tidied(ctx context.Context, source string) error {
	if _, err := goTool(ctx, source, nil, "mod", "tidy", "-diff"); err != nil {
		return fmt.Errorf("go mod tidy would change what is pinned: %w", err)
	}
	return nil
}

// modulePath is the module's, whose first element has a dot, or the buildpack refuses it.
func modulePath(ctx context.Context, source string) (string, error) {
	if _, err := os.Stat(filepath.Join(source, "go.mod")); err != nil {
		return "", fmt.Errorf("there is no go.mod at the root: the buildpack would build by GOPATH: %w", err)
	}
	out, err := goTool(ctx, source, nil, "list", "-m")
	if err != nil {
		return "", err
	}
	path := strings.TrimSpace(string(out))
	if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") {
		return "", fmt.Errorf("the module is called %s: the buildpack wants a dot in the first element", path)
	}
	return path, nil
}
