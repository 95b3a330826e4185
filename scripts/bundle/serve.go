package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"orderflow.dev/internal/unit"
	"orderflow.dev/local/child"
	"orderflow.dev/local/port"
)

// startTime bounds how long an instance may take to listen: Cloud Run's own limit is four minutes, but on a customer's
// time. drainTime is how long after SIGTERM Cloud Run kills.
const (
	startTime = time.Minute
	drainTime = 10 * time.Second
)

// instance is a unit's program at work.
type instance struct {
	cmd     *exec.Cmd
	address string
	ended   <-chan error
	log     *output
}

// serve starts a unit's program as Cloud Run does, asks it once, and ends it.
func (c *checker) serve(ctx context.Context, u unit.Unit, binary string) (ready time.Duration, err error) {
	reserved, err := port.Reserve()
	if err != nil {
		return 0, err
	}
	defer reserved.Release()
	i := &instance{cmd: exec.Command(binary), address: reserved.Address(), log: &output{}}
	i.cmd.Env = append(c.cloud.environment(u), "HOST=127.0.0.1", fmt.Sprint("PORT=", reserved.Number))
	i.cmd.Stdout, i.cmd.Stderr = i.log, i.log
	began := time.Now()
	if i.ended, err = child.Start(i.cmd); err != nil {
		return 0, fmt.Errorf("start: %w", err)
	}
	defer i.kill()
	if err := i.listening(ctx); err != nil {
		return 0, fmt.Errorf("it did not start: %w\n%s", err, i.log.tail())
	}
	ready = time.Since(began)
	if err := i.works(ctx, u); err != nil {
		return 0, fmt.Errorf("%w\n%s", err, i.log.tail())
	}
	return ready, nil
}

// works asks the instance once and ends it.
func (i *instance) works(ctx context.Context, u unit.Unit) error {
	if u.Service {
		return errors.Join(askService(ctx, i.address), i.terminate())
	}
	trace := newTrace()
	if err := errors.Join(askFunction(ctx, u, i.address, trace), i.terminate()); err != nil {
		return err
	}
	return logged(u.Name, trace, i.log.bytes()) // which is complete now
}

// listening waits until the instance accepts connections, as Cloud Run's startup probe does.
func (i *instance) listening(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		conn, err := net.DialTimeout("tcp", i.address, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case err := <-i.ended:
			return fmt.Errorf("it ended: %v", err)
		case <-ctx.Done():
			return fmt.Errorf("it does not listen on PORT: %w", ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// terminate ends the instance as Cloud Run does.
func (i *instance) terminate() error {
	if err := i.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-i.ended:
		if err != nil {
			return fmt.Errorf("it did not end well on SIGTERM: %w", err)
		}
		return nil
	case <-time.After(drainTime):
		return fmt.Errorf("it did not end within %s of SIGTERM", drainTime)
	}
}

func (i *instance) kill() { _ = i.cmd.Process.Kill() } // it may have ended

// output keeps what a process writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) bytes() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Clone(o.text.Bytes())
}

// tail is the end of it, which says why.
func (o *output) tail() []byte {
	text := bytes.TrimSpace(o.bytes())
	return text[max(0, len(text)-2000):]
}
