//go:build !unix

package stack

import "os"

func alive(pid int) bool {
	_, err := os.FindProcess(pid)
	return err == nil
}
