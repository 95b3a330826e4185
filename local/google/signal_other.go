//go:build !unix

package google

import "os/exec"

// terminateGroup kills: there is no gentle signal here.
func terminateGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
