package wal

import (
	"errors"
	"os"
	"syscall"
)

// syncData waits until a file's content is on the disk, and as much of its metadata as it takes to read it.
func syncData(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); !errors.Is(err, syscall.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
