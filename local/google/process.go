package google

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"

	"orderflow.dev/local/child"
)

// stopTimeout is how long a child may take to end before it is killed.
const stopTimeout = 5 * time.Second

// process is a running child.
type process struct {
	emulator emulator
	host     string // host:port it serves on
	log      string // path
	archive  archive
	cmd      *exec.Cmd

	exited chan struct{} // closed when it has ended
	err    error         // how it ended; valid after exited
	once   sync.Once
	served bool // it became ready
}

// launch starts the emulator on the port; it need not be ready yet.
func launch(e emulator, java, dir string, port int) (*process, error) {
	p := &process{
		emulator: e, host: fmt.Sprintf("127.0.0.1:%d", port), log: e.logPath(dir),
		archive: newArchive(e, java), exited: make(chan struct{}),
	}
	logFile, err := os.Create(p.log)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", e.name, err)
	}
	p.cmd = exec.Command(java, e.args(p.archive, port)...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, logFile, logFile
	ended, err := child.Start(p.cmd)
	if err != nil {
		logFile.Close()
		return nil, fmt.Errorf("start %s: %w", e.name, err)
	}
	go func() {
		p.err = <-ended
		logFile.Close()
		close(p.exited)
	}()
	return p, nil
}

// stop ends the child: politely at first, by force after stopTimeout or if it
// never served. It returns when the child is gone and may be called more than once.
func (p *process) stop() {
	p.once.Do(func() {
		orderly := p.terminate()
		p.archive.finish(orderly && p.served)
	})
}

// terminate reports whether the child ended because it was asked to. A child
// that is gone must not be signalled: its id may be somebody else's by now.
func (p *process) terminate() bool {
	select {
	case <-p.exited:
		return false
	default:
	}
	if !p.served { // nothing to lose, and an emulator that cannot bind is deaf
		killGroup(p.cmd)
		<-p.exited
		return false
	}
	terminateGroup(p.cmd)
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-p.exited:
		return true
	case <-timer.C:
	}
	killGroup(p.cmd)
	<-p.exited
	return false
}

// death describes a child that ended by itself.
func (p *process) death() error {
	how := p.err
	if how == nil {
		how = errors.New("exit status 0")
	}
	return fmt.Errorf("%s ended: %w; the end of %s:\n%s", p.emulator.name, how, p.log, tail(p.log))
}
