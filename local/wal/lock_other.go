//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package wal

import (
	"fmt"
	"os"
	"runtime"
)

// lockDir refuses: without a lock, two processes could write one log.
func lockDir(dir string) (*os.File, error) {
	return nil, fmt.Errorf("keep a log in %s: on %s folders cannot be locked; run without one", dir, runtime.GOOS)
}

func unlockDir(f *os.File) error { return f.Close() }
