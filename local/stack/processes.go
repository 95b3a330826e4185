package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"

	"orderflow.dev/internal/platform/rpc"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/local/child"
	"orderflow.dev/local/port"
)

// unitVariable names the unit that a process started here is to be.
const unitVariable = "ORDERFLOW_UNIT"

// BeUnit makes this process what its environment says, if it was started as a unit, and does not return then: a service,
// or the function that FUNCTION_TARGET names, on HOST:PORT until SIGTERM, as its container would. A program that starts
// units in processes of their own calls it first, since those are the same program.
func BeUnit() {
	name := os.Getenv(unitVariable)
	if name == "" {
		return
	}
	if os.Getenv("FUNCTION_TARGET") == "" {
		rpc.Main(name)
		os.Exit(0)
	}
	err := funcframework.StartHostPort(os.Getenv("HOST"), os.Getenv("PORT"))
	fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
	os.Exit(1)
}

// process is a unit in a process of its own, started again when it dies, at the same address.
type process struct {
	key     string // unit, and which of several
	port    port.Reserved
	command func() *exec.Cmd

	mu     sync.Mutex
	cmd    *exec.Cmd
	starts int
}

// startProcess starts a unit behind its guard and answers its URL once it accepts connections.
func (s *Stack) startProcess(ctx, run context.Context, unit, key string, env ...string) (string, error) {
	reserved, err := port.Reserve()
	if err != nil {
		return "", err
	}
	p := &process{key: key, port: reserved}
	program, err := s.program()
	if err != nil {
		return "", err
	}
	p.command = func() *exec.Cmd {
		cmd := exec.Command(program)
		cmd.Env = append(s.guards[unit].Environ(os.Environ()), env...)
		cmd.Env = append(cmd.Env, unitVariable+"="+unit, "HOST=127.0.0.1", "PORT="+strconv.Itoa(reserved.Number), s.clock(key))
		cmd.Stdout, cmd.Stderr = io.Discard, &lines{to: s.log}
		return cmd
	}
	ended, err := p.start()
	if err != nil {
		reserved.Release()
		return "", err
	}
	s.mu.Lock()
	s.processes[key] = p
	s.mu.Unlock()
	s.servers.Go(func() error { return p.supervise(run, ended) })
	return "http://" + reserved.Address(), p.accepts(ctx)
}

func (p *process) start() (ended <-chan error, err error) {
	cmd := p.command()
	if ended, err = child.Start(cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.key, err)
	}
	p.mu.Lock()
	p.cmd = cmd
	p.starts++
	p.mu.Unlock()
	return ended, nil
}

// supervise starts the process again whenever it ends, until run does: then it drains it.
func (p *process) supervise(run context.Context, ended <-chan error) error {
	defer p.port.Release()
	for {
		select {
		case <-run.Done():
			return p.stop(ended)
		case err := <-ended:
			telemetry.Log(run, slog.LevelWarn, p.key+" died and is started again", slog.Any("error", err))
		}
		select {
		case <-run.Done():
			return nil
		case <-time.After(50 * time.Millisecond):
		}
		var err error
		if ended, err = p.start(); err != nil {
			return err
		}
	}
}

// stop gives the process the ten seconds to drain that Cloud Run gives, and a little more.
func (p *process) stop(ended <-chan error) error {
	_ = p.signal(syscall.SIGTERM) // it may just have died
	select {
	case <-ended:
	case <-time.After(12 * time.Second):
		_ = p.signal(syscall.SIGKILL)
		<-ended
	}
	return nil
}

func (p *process) signal(sig os.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Signal(sig)
}

// accepts waits until the process accepts connections: it does once it is wired.
func (p *process) accepts(ctx context.Context) error {
	for {
		conn, err := net.DialTimeout("tcp", p.port.Address(), time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not accept connections: %w", p.key, errors.Join(ctx.Err(), err))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Processes are the units that run in processes of their own, by name; of several of one unit, each.
func (s *Stack) Processes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.processes))
}

// PIDOf is the process's id at the moment; 0 if there is no such process.
func (s *Stack) PIDOf(key string) int {
	s.mu.Lock()
	p, ok := s.processes[key]
	s.mu.Unlock()
	if !ok {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Pid
}

// Kill kills a process (SIGKILL) and returns once it was started again and accepts connections.
func (s *Stack) Kill(ctx context.Context, key string) error {
	s.mu.Lock()
	p, ok := s.processes[key]
	s.mu.Unlock()
	if !ok {
		return fmt.Errorf("no process is called %q", key)
	}
	before := p.started()
	if err := p.signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) { // it may just have died
		return err
	}
	for p.started() == before {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s was not started again: %w", key, ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
	return p.accepts(ctx)
}

func (p *process) started() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.starts
}

// startProcesses runs a service in n processes behind one address, as Cloud Run does with instances.
func (s *Stack) startProcesses(ctx, run context.Context, name string, n int) (string, error) {
	var targets []*url.URL
	for i := range n {
		target, err := s.startProcess(ctx, run, name, fmt.Sprintf("%s/%d", name, i+1))
		if err != nil {
			return "", err
		}
		u, err := url.Parse(target)
		if err != nil {
			return "", err
		}
		targets = append(targets, u)
	}
	return s.serve(run, 0, func(string) (http.Handler, error) { return balance(targets), nil })
}

// lines passes whole lines on, so that those of several processes do not mix.
type lines struct {
	to   io.Writer
	rest []byte
}

var linesMu sync.Mutex

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	i := bytes.LastIndexByte(l.rest, '\n')
	if i < 0 {
		return len(p), nil
	}
	linesMu.Lock()
	defer linesMu.Unlock()
	_, err := l.to.Write(l.rest[:i+1])
	l.rest = append(l.rest[:0], l.rest[i+1:]...)
	return len(p), err
}
