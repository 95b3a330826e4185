package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"orderflow.dev/internal/unit"
)

// maxZip is the most that a bundle may weigh, in bytes. Google takes 100 MB; ours hold a few hundred KB of source, so one
// near this limit carries what it should not.
const maxZip = 5_000_000

// checked is what was seen of a bundle that works.
type checked struct {
	binary int64         // bytes
	ready  time.Duration // from the start of the process to its first accepted connection
}

// checkAll replays the buildpacks on each bundle in out.
func checkAll(ctx context.Context, out string, bundles []bundle) ([]checked, error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return nil, fmt.Errorf("-check starts what it builds for linux/amd64, and this is %s/%s: run it in Cloud Build or a container", runtime.GOOS, runtime.GOARCH)
	}
	c, err := newChecker()
	if err != nil {
		return nil, err
	}
	defer c.close()
	results := make([]checked, len(bundles))
	var units []unit.Unit
	for _, b := range bundles {
		units = append(units, b.unit)
	}
	return results, each(ctx, units, "checked", func(i int, u unit.Unit) (err error) {
		results[i], err = c.check(ctx, u, filepath.Join(out, bundles[i].name()))
		return err
	})
}

// checker has what checks share.
type checker struct {
	dir   string
	slots chan string // folders to build in: few, since the build cache knows a package by its folder too
	cloud *cloud
}

func newChecker() (*checker, error) {
	cloud, err := startCloud()
	if err != nil {
		return nil, err
	}
	c := &checker{slots: make(chan string, atATime), cloud: cloud}
	if c.dir, err = os.MkdirTemp("", "bundle-check-"); err != nil {
		cloud.stop()
		return nil, err
	}
	for i := range atATime {
		c.slots <- filepath.Join(c.dir, fmt.Sprint(i))
	}
	return c, nil
}

func (c *checker) close() {
	c.cloud.stop()
	_ = os.RemoveAll(c.dir) // only temporary files are left if this fails
}

// check does with a bundle what Cloud Functions or Cloud Run does with it: from the upload to the first request and the
// end of the instance.
func (c *checker) check(ctx context.Context, u unit.Unit, file string) (checked, error) {
	workspace := <-c.slots
	defer func() { c.slots <- workspace }()
	if err := os.RemoveAll(workspace); err != nil {
		return checked{}, err
	}
	source, build := workspace, buildService
	if !u.Service {
		source, build = filepath.Join(workspace, "serverless_function_source_code"), buildFunction // where the buildpack moves it
	}
	if err := unpack(file, u.Name, source); err != nil {
		return checked{}, err
	}
	binary := workspace + ".main"
	if err := build(ctx, source, u.Name, binary); err != nil {
		return checked{}, err
	}
	info, err := os.Stat(binary)
	if err != nil {
		return checked{}, err
	}
	ready, err := c.serve(ctx, u, binary)
	return checked{info.Size(), ready}, err
}

// unpack puts a bundle's files into dir, if it is one: not too large, named by its content, and without what changes how
// the go tool builds.
func unpack(file, unit, dir string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if len(content) > maxZip {
		return fmt.Errorf("the zip has %d bytes, more than %d: see with unzip -l what it should not carry", len(content), maxZip)
	}
	if want := bundleName(unit, content); filepath.Base(file) != want {
		return fmt.Errorf("the zip is called %s, and by its content %s: bundle again", filepath.Base(file), want)
	}
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	for _, f := range z.File {
		if why := foreign(f.Name); why != "" {
			return fmt.Errorf("the zip has %s: %s", f.Name, why)
		}
		if err := extract(f, filepath.Join(dir, filepath.FromSlash(f.Name))); err != nil {
			return fmt.Errorf("unpack %s: %w", f.Name, err)
		}
	}
	return nil
}

// foreign says why a file has no place in a bundle, if it has none.
func foreign(name string) string {
	switch base := filepath.Base(name); {
	case !filepath.IsLocal(filepath.FromSlash(name)):
		return "it would be written elsewhere"
	case strings.HasSuffix(base, "_test.go"):
		return "the buildpack tidies tests too, whose helpers are not here"
	case base == "go.work" || base == "go.work.sum":
		return "a workspace builds other versions than go.mod's"
	case strings.HasPrefix(name, "vendor/"):
		return "the buildpack builds from vendor/ instead of go.mod"
	}
	return ""
}

func extract(f *zip.File, file string) error {
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	content, err := io.ReadAll(io.LimitReader(r, maxZip)) // what is stored cannot be more
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, content, 0o644))
}
