// Package docs holds pages to what they are about.
package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"orderflow.dev/internal/unit"
)

// setting is an optional environment variable: who reads it, what it is, and what it is if it is not set.
type setting struct{ readers, unit, fallback string }

func TestSettingsAreThoseOfTheCode(t *testing.T) {
	page, err := os.ReadFile("deploying.md")
	if err != nil {
		t.Fatal(err)
	}
	inCode, onPage := codeSettings(t), pageSettings(t, string(page))
	for _, name := range slices.Sorted(maps.Keys(inCode)) {
		if got, ok := onPage[name]; !ok {
			t.Errorf("deploying.md does not know %s: %+v", name, inCode[name])
		} else if got != inCode[name] {
			t.Errorf("%s: deploying.md says %+v, the code %+v", name, got, inCode[name])
		}
	}
	for name := range onPage {
		if _, ok := inCode[name]; !ok {
			t.Errorf("deploying.md has %s, which nothing reads", name)
		}
	}
}

// codeSettings finds the optional settings of every unit in its config: what wire takes.
func codeSettings(t *testing.T) map[string]setting {
	t.Helper()
	units, err := unit.Load(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	// The one setting that is in no config: telemetry is there before any.
	found := map[string]setting{"LOG_LEVEL": {readers: "all", unit: "text", fallback: "info"}}
	for _, u := range units {
		p := packageOf(t, u.Dir)
		wire := p.functions["wire"]
		if wire == nil || len(wire.Type.Params.List) != 2 {
			t.Fatalf("%s has no wire(ctx, config)", u.Dir)
		}
		p.settings(t, wire.Type.Params.List[1].Type, func(name string, s setting) {
			if before, ok := found[name]; ok {
				s.readers = before.readers + ", " + u.Name
				if before.unit != s.unit || before.fallback != s.fallback {
					t.Errorf("%s is %+v, but %+v in %s", name, before, s, u.Name)
				}
			} else {
				s.readers = u.Name
			}
			found[name] = s
		})
	}
	return found
}

// pkg is the source of a package.
type pkg struct {
	types     map[string]*ast.StructType
	functions map[string]*ast.FuncDecl
	imports   map[string]string // folders of this module's packages, by their names
}

func packageOf(t *testing.T, dir string) pkg {
	t.Helper()
	p := pkg{types: map[string]*ast.StructType{}, functions: map[string]*ast.FuncDecl{}, imports: map[string]string{}}
	files, err := filepath.Glob(filepath.Join("..", dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no Go files (%v)", dir, err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			path, _ := strconv.Unquote(i.Path.Value)
			if in, ok := strings.CutPrefix(path, "orderflow.dev/"); ok && i.Name == nil {
				p.imports[filepath.Base(in)] = in
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.TypeSpec:
				if s, ok := n.Type.(*ast.StructType); ok {
					p.types[n.Name.Name] = s
				}
			case *ast.FuncDecl:
				if n.Recv == nil {
					p.functions[n.Name.Name] = n
				}
			}
			return true
		})
	}
	return p
}

// settings tells the optional settings of a config's type, and of the configs in it.
func (p pkg) settings(t *testing.T, config ast.Expr, tell func(string, setting)) {
	t.Helper()
	var s *ast.StructType
	switch e := config.(type) {
	case *ast.Ident:
		s = p.types[e.Name]
	case *ast.SelectorExpr:
		if dir, ok := p.imports[fmt.Sprint(e.X)]; ok {
			p = packageOf(t, dir)
			s = p.types[e.Sel.Name]
		}
	}
	if s == nil {
		t.Fatalf("the config %v is no struct of this module", config)
	}
	for _, f := range s.Fields.List {
		if f.Tag == nil {
			p.settings(t, f.Type, tell)
			continue
		}
		raw, _ := strconv.Unquote(f.Tag.Value)
		name, option, _ := strings.Cut(reflect.StructTag(raw).Get("env"), ", ")
		if name != "" && option != "required" {
			tell(name, setting{unit: unitOf(f.Type), fallback: strings.TrimPrefix(option, "default=")})
		}
	}
}

// unitOf is how the page names a Go type.
func unitOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		return strings.ToLower(e.Sel.Name) // time.Duration
	case *ast.ArrayType:
		return "list"
	case *ast.Ident:
		if e.Name == "string" {
			return "text"
		}
		return "number"
	}
	return fmt.Sprintf("%T", e)
}

// pageSettings reads the rows of a page's tables that begin with a variable: name, readers, unit, default, meaning.
func pageSettings(t *testing.T, page string) map[string]setting {
	t.Helper()
	found := map[string]setting{}
	for l := range strings.Lines(page) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(l), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		name := strings.Trim(cells[0], "`")
		if !strings.HasPrefix(l, "| `") || name != strings.ToUpper(name) {
			continue
		}
		if len(cells) != 5 || cells[4] == "" {
			t.Errorf("%s: a setting has readers, a unit, a default and a meaning, not %q", name, cells[1:])
			continue
		}
		found[name] = setting{readers: cells[1], unit: cells[2], fallback: strings.Trim(cells[3], "`")}
	}
	return found
}
