//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package wal

import (
	"syscall"
	"testing"
)

// TestACloseLetsGoOfTheFolderThoughAChildHasTheLock: between fork and exec, a child has what its parent had open.
func TestACloseLetsGoOfTheFolderThoughAChildHasTheLock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := recovered(t, dir)
	inherited, err := syscall.Dup(int(c.lock.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(inherited)
	c.mustClose(t)
	recovered(t, dir)
}
