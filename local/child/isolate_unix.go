//go:build unix && !linux

package child

import (
	"os/exec"
	"syscall"
)

// Isolate puts the child in a process group of its own, so that a Ctrl-C meant
// for this program does not reach it first.
func Isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
