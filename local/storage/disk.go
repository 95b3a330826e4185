package storage

import (
	"errors"
	"os"
)

// disk waits until a file, or what was created and renamed in a folder, survives a loss of power. Nil does not wait.
type disk func(*os.File) error

func (d disk) sync(f *os.File) error {
	if d == nil {
		return nil
	}
	return d(f)
}

// syncPath syncs a file or a folder.
func (d disk) syncPath(path string) error {
	if d == nil {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d(f), f.Close())
}
