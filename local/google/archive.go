package google

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
)

// archive is java's class data sharing archive of one emulator (AppCDS): the
// first run writes it when it ends, later runs start in a third of the time.
// java ignores an archive that does not fit, so a bad one costs only time.
type archive struct {
	path string // where it belongs; empty: do without
	temp string // where this run writes it; empty: it exists already
}

// runs keeps apart what several starts of one program write.
var runs atomic.Int64

// newArchive names the archive after everything it depends on, so that an
// upgrade of java or of the emulator begins a new one.
func newArchive(e emulator, java string) archive {
	cache, err := os.UserCacheDir()
	if err != nil {
		return archive{}
	}
	dir := filepath.Join(cache, "orderflow")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return archive{}
	}
	a := archive{path: filepath.Join(dir, e.file+"-"+fingerprint(java, e.jar)+".jsa")}
	if _, err := os.Stat(a.path); err == nil {
		return a
	}
	a.temp = fmt.Sprintf("%s.%d-%d", a.path, os.Getpid(), runs.Add(1))
	return a
}

func (a archive) flags() []string {
	switch {
	case a.path == "":
		return nil
	case a.temp == "":
		return []string{"-XX:SharedArchiveFile=" + a.path}
	}
	return []string{"-XX:ArchiveClassesAtExit=" + a.temp}
}

// finish puts the archive of a run that served and ended in order in its place,
// or removes what another one left. The rename keeps readers from ever seeing half an archive.
func (a archive) finish(orderly bool) {
	if a.temp == "" {
		return
	}
	if !orderly || os.Rename(a.temp, a.path) != nil {
		_ = os.Remove(a.temp)
	}
}

// fingerprint changes when a file is replaced.
func fingerprint(paths ...string) string {
	h := sha256.New()
	for _, p := range paths {
		fmt.Fprintln(h, p)
		if info, err := os.Stat(p); err == nil {
			fmt.Fprintln(h, info.Size(), info.ModTime().UnixNano())
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
