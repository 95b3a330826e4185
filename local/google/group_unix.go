//go:build unix && !linux

package google

import (
	"os/exec"
	"syscall"
)

// isolate puts the child in a process group of its own, so that a Ctrl-C meant
// for this program does not reach it first.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
