package google

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Options configures Start. The zero value works.
type Options struct {
	// Dir is the children's working directory and gets their logs,
	// firestore-emulator.log and pubsub-emulator.log. It is created if need be.
	// Empty: a temporary directory that Stop removes.
	Dir string
	// Log gets a line per emulator once both serve; none if nil.
	Log io.Writer
	// FirestoreHeap and PubSubHeap are java's -Xmx; "1g" and "512m" if empty.
	FirestoreHeap, PubSubHeap string
}

// Emulators are the two running children.
type Emulators struct {
	// FirestoreHost and PubSubHost are host:port for the variables
	// FIRESTORE_EMULATOR_HOST and PUBSUB_EMULATOR_HOST.
	FirestoreHost, PubSubHost string

	processes []*process
	tempDir   string

	stopping chan struct{}
	stopOnce sync.Once
	ended    chan struct{} // closed when both are gone
	done     chan error
	err      error // valid after ended
}

// Start finds both emulators, starts them side by side and returns when they
// serve and Firestore is warm. ctx bounds the start only; Stop ends them.
// Error: *Missing if something is not installed.
func Start(ctx context.Context, o Options) (*Emulators, error) {
	in, err := thisMachine().find()
	if err != nil {
		return nil, err
	}
	e := &Emulators{stopping: make(chan struct{}), ended: make(chan struct{}), done: make(chan error, 1)}
	if err := e.prepare(&o); err != nil {
		return nil, err
	}
	if err := e.startBoth(ctx, in, o); err != nil {
		for _, p := range e.processes {
			p.stop()
		}
		e.removeTemp()
		return nil, err
	}
	go e.watch()
	return e, nil
}

func (e *Emulators) prepare(o *Options) (err error) {
	if o.FirestoreHeap == "" {
		o.FirestoreHeap = "1g"
	}
	if o.PubSubHeap == "" {
		o.PubSubHeap = "512m"
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	if o.Dir == "" {
		o.Dir, err = os.MkdirTemp("", "orderflow-emulators-")
		e.tempDir = o.Dir
	} else {
		err = os.MkdirAll(o.Dir, 0o755)
	}
	if err != nil {
		return fmt.Errorf("directory of the emulators: %w", err)
	}
	return nil
}

// startBoth fills e even if it fails, for the caller to stop what runs. When one
// fails, the other's start is given up.
func (e *Emulators) startBoth(ctx context.Context, in installation, o Options) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("gave up after %s", startTimeout))
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	firestore, pubsub := emulators(in, o)
	var f, p *process
	group.Go(func() (err error) {
		if f, err = startOne(ctx, firestore, in.java, o.Dir); err != nil {
			return err
		}
		return warmUp(ctx, f.host)
	})
	group.Go(func() (err error) {
		p, err = startOne(ctx, pubsub, in.java, o.Dir)
		return err
	})
	err := group.Wait()
	for _, started := range []*process{f, p} {
		if started != nil {
			e.processes = append(e.processes, started)
		}
	}
	if err != nil {
		return err
	}
	e.FirestoreHost, e.PubSubHost = f.host, p.host
	fmt.Fprintf(o.Log, "%s on %s, log %s\n%s on %s, log %s\n", Firestore, f.host, f.log, PubSub, p.host, p.log)
	return nil
}

// watch ends both when one ends: half a cloud is of no use.
func (e *Emulators) watch() {
	var died *process
	select {
	case <-e.stopping:
	case <-e.processes[0].exited:
		died = e.processes[0]
	case <-e.processes[1].exited:
		died = e.processes[1]
	}
	if died != nil && !e.isStopping() {
		e.err = died.death()
	}
	var wg sync.WaitGroup
	for _, p := range e.processes {
		wg.Go(p.stop)
	}
	wg.Wait()
	e.removeTemp()
	if e.err != nil {
		e.done <- e.err
	}
	close(e.done)
	close(e.ended)
}

func (e *Emulators) isStopping() bool {
	select {
	case <-e.stopping:
		return true
	default:
		return false
	}
}

// Done yields one error if an emulator ended by itself, with the end of its log,
// and is closed when both are gone.
func (e *Emulators) Done() <-chan error { return e.done }

// Wait blocks until both emulators are gone and returns the error of the one
// that ended by itself, or nil after Stop.
func (e *Emulators) Wait() error {
	<-e.ended
	return e.err
}

// Stop ends both emulators and returns when they are gone. It may be called
// more than once.
func (e *Emulators) Stop() {
	e.stopOnce.Do(func() { close(e.stopping) })
	<-e.ended
}

func (e *Emulators) removeTemp() {
	if e.tempDir != "" {
		_ = os.RemoveAll(e.tempDir)
	}
}
