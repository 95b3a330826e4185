//go:build !unix

package child

import "os/exec"

// Isolate does nothing here: there are no process groups.
func Isolate(*exec.Cmd) {}
