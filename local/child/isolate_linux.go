package child

import (
	"os/exec"
	"syscall"
)

// Isolate puts the child in a process group of its own, so that a Ctrl-C meant
// for this program does not reach it first, and has it killed when this program
// dies without stopping it.
func Isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
