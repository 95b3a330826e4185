package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"orderflow.dev/internal/unit"
)

// pkg is what the go tool says of a package.
type pkg struct {
	ImportPath string
	Dir        string
	Standard   bool
	Module     *struct {
		Path, Dir string
		Main      bool
	}
	GoFiles, EmbedFiles []string
	Imports, Deps       []string
}

func (p *pkg) ours() bool { return p.Module != nil && p.Module.Main }

// tree is the module that the bundles are cut from.
type tree struct {
	module       string
	packages     map[string]*pkg // all that the units reach
	goMod, goSum []byte
}

// load asks the go tool once what the units reach on Cloud Run.
func load(ctx context.Context, root string, units []unit.Unit) (*tree, error) {
	args := []string{"list", "-deps", "-json=ImportPath,Dir,Standard,Module,GoFiles,EmbedFiles,Imports,Deps"}
	for _, u := range units {
		args = append(args, "./"+u.Dir)
	}
	// Without C, whether this machine has a compiler for it or not: the files must be the same.
	out, err := goTool(ctx, root, []string{"CGO_ENABLED=0"}, args...)
	if err != nil {
		return nil, err
	}
	t := &tree{packages: map[string]*pkg{}}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("read what go list says: %w", err)
		}
		t.packages[p.ImportPath] = &p
		if p.ours() {
			t.module = p.Module.Path
		}
	}
	if t.goMod, err = os.ReadFile(filepath.Join(root, "go.mod")); err != nil {
		return nil, err
	}
	t.goSum, err = os.ReadFile(filepath.Join(root, "go.sum"))
	return t, err
}

// reach is what a unit reaches: this module's packages, and which of other modules' packages they import.
func (t *tree) reach(u unit.Unit) (packages []*pkg, imports []string, err error) {
	own := t.packages[t.module+"/"+u.Dir]
	if own == nil {
		return nil, nil, fmt.Errorf("%s is no package of module %s", u.Dir, t.module)
	}
	for _, path := range append([]string{own.ImportPath}, own.Deps...) {
		p := t.packages[path]
		if !p.ours() {
			continue
		}
		if p.Dir == p.Module.Dir {
			return nil, nil, fmt.Errorf("it reaches the package at the module's root, %s: the buildpack wants only what is "+
				"generated there, so nothing that is deployed may import it", p.ImportPath)
		}
		packages = append(packages, p)
		for _, i := range p.Imports {
			if q := t.packages[i]; !q.Standard && !q.ours() {
				imports = append(imports, i)
			}
		}
	}
	slices.Sort(imports)
	return packages, slices.Compact(imports), nil
}

// tidy is go.mod and go.sum with what these imports need and nothing else. go mod tidy reads nothing of a module but its
// imports, so a module of one file is enough.
func (t *tree) tidy(ctx context.Context, imports []string) (goMod, goSum []byte, err error) {
	dir, err := os.MkdirTemp("", "bundle-tidy-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	var source bytes.Buffer
	source.WriteString("package imports\n\n")
	for _, i := range imports {
		fmt.Fprintf(&source, "import _ %q\n", i)
	}
	for name, content := range map[string][]byte{"go.mod": t.goMod, "go.sum": t.goSum, "imports.go": source.Bytes()} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return nil, nil, err
		}
	}
	if _, err := goTool(ctx, dir, nil, "mod", "tidy"); err != nil {
		return nil, nil, err
	}
	if goMod, err = os.ReadFile(filepath.Join(dir, "go.mod")); err != nil {
		return nil, nil, err
	}
	goSum, err = os.ReadFile(filepath.Join(dir, "go.sum"))
	return goMod, goSum, err
}

// goTool runs the go command in dir for the platform of Cloud Run, without flags or a workspace of this machine.
func goTool(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(append(cmd.Environ(), "GOOS=linux", "GOARCH=amd64", "GOFLAGS=", "GOWORK=off"), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		why := bytes.TrimSpace(stderr.Bytes())
		if len(why) == 0 {
			why = bytes.TrimSpace(out) // a difference
		}
		return nil, fmt.Errorf("go %s: %w\n%s", args[0], err, why)
	}
	return out, nil
}
