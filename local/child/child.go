// Package child runs child processes that end when this one does.
package child

import (
	"os/exec"
	"runtime"
)

// Start starts a child in a process group of its own. ended tells how it ended. It must not outlive this process: where
// the system can see to that (Linux), it is killed when this process dies, however it dies.
func Start(cmd *exec.Cmd) (ended <-chan error, err error) {
	Isolate(cmd)
	started, done := make(chan error), make(chan error, 1)
	go func() {
		// Linux ties the signal at the parent's death to the thread that forked.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			done <- cmd.Wait()
		}
	}()
	return done, <-started
}
