package skew

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const module = "orderflow.dev"

// shipped are the folders whose code has its clocks set wrong: all that units are made of.
var shipped = []string{"functions", "services", "internal"}

// Program builds cmd/orderflow into a folder and answers the program's path. Wherever the units are given a clock, time.Now,
// that one has Now, by an overlay of the build: what a file says on disk stays. It takes Go, and the current folder to be in
// Orderflow's source.
func Program(ctx context.Context, folder string) (string, error) {
	root, err := command(ctx, ".", "go", "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return "", fmt.Errorf("find Orderflow's source, to build units whose clocks can be wrong (run it in that folder): %w", err)
	}
	replaced := map[string]string{}
	for _, name := range shipped {
		if err := overlay(filepath.Join(root, name), folder, replaced); err != nil {
			return "", err
		}
	}
	if len(replaced) == 0 {
		return "", fmt.Errorf("no unit in %s is given a clock: the overlay would change nothing", root)
	}
	text, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return "", err
	}
	list, program := filepath.Join(folder, "overlay.json"), filepath.Join(folder, "orderflow")
	if err := os.WriteFile(list, text, 0o600); err != nil {
		return "", err
	}
	if _, err := command(ctx, root, "go", "build", "-overlay", list, "-o", program, "./cmd/orderflow"); err != nil {
		return "", fmt.Errorf("build units whose clocks can be wrong: %w", err)
	}
	return program, nil
}

// overlay writes the files of a tree that are given a clock anew, into a folder, and notes which replaces which.
func overlay(tree, folder string, replaced map[string]string) error {
	return filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		changed, err := rewrite(path, source)
		if err != nil || changed == nil {
			return err
		}
		replaced[path] = filepath.Join(folder, fmt.Sprintf("%d.go", len(replaced)))
		return os.WriteFile(replaced[path], changed, 0o600)
	})
}

// rewrite answers the source with Now for each time.Now that is given away as a clock; nil if there is none. A time.Now()
// that is called on the spot measures how long something takes, which no wrong clock changes.
func rewrite(name string, source []byte) ([]byte, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	called := map[ast.Expr]bool{}
	var given []int // where, in bytes
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			called[n.Fun] = true
		case *ast.SelectorExpr:
			if of, ok := n.X.(*ast.Ident); ok && of.Name == "time" && n.Sel.Name == "Now" && !called[n] {
				given = append(given, files.Position(n.Pos()).Offset)
			}
		}
		return true
	})
	if len(given) == 0 {
		return nil, nil
	}
	for _, at := range slices.Backward(given) {
		source = slices.Concat(source[:at], []byte("skew.Now"), source[at+len("time.Now"):])
	}
	// In the package's line, so that every line keeps its number; time may be imported for nothing now.
	at := files.Position(file.Name.End()).Offset
	source = slices.Concat(source[:at], []byte(`; import "`+module+`/local/skew"`), source[at:], []byte("\nvar _ time.Time\n"))
	return source, nil
}

// command runs one and answers what it printed. The error tells what it complained of.
func command(ctx context.Context, folder, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var out, complaint bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, &out, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, args[0], err, bytes.TrimSpace(complaint.Bytes()))
	}
	return strings.TrimSpace(out.String()), nil
}
