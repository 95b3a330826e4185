// Package stack is all of Orderflow on one machine: Google's stores or what stands for them, every function and
// service as production starts it, the workflow engine, deliveries, the scheduler, the gateway, a token issuer and a
// payment provider. Everything listens on loopback.
package stack

//go:generate go run ../../scripts/units ../.. units_gen.go

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"

	"cloud.google.com/go/pubsub/v2"
	"golang.org/x/sync/errgroup"

	"orderflow.dev"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/cloud"
	"orderflow.dev/local/eventarc"
	"orderflow.dev/local/iam"
	"orderflow.dev/local/oidc"
	"orderflow.dev/local/psp"
	"orderflow.dev/local/storage"
	"orderflow.dev/local/wal"
	"orderflow.dev/local/workflows"
)

// Names of the local project.
const (
	Project  = "orderflow-local"
	Location = "us-central1"
	Audience = "orderflow"
	apiKey   = "sandbox-key"
)

// Stack is a running one.
type Stack struct {
	Endpoints
	Engine *workflows.Engine
	Issuer *oidc.Issuer
	Ledger *psp.Ledger

	options    Options
	units      []unit.Unit
	urls       map[string]string     // of each unit
	guards     map[string]*iam.Guard // of units in processes of their own
	setWebhook func(url string)      // of the payment provider, once the gateway is up
	log        io.Writer             // of whole lines
	objects    *storage.Server
	journal    *wal.Log // nil if nothing is kept
	kept       kept
	stores     *cloud.Stores
	archiver   *eventarc.Archiver
	sagaEnv    map[string]string // of the workflows, filled before they are deployed

	workflowsListener net.Listener
	publishes         *pubsub.Client

	mu        sync.Mutex
	processes map[string]*process // units in processes of their own
	temp      bool
	logFile   *os.File

	servers   *errgroup.Group
	cancel    context.CancelFunc
	closers   []func()
	closeOnce sync.Once
	done      chan struct{}
	err       error
}

// Start starts everything and returns when it is ready to take orders. Stop ends it. One stack a process: functions
// read their configuration from the environment, which this sets.
func Start(ctx context.Context, o Options) (_ *Stack, err error) {
	units, err := unit.Load(orderflow.Tree)
	if err != nil {
		return nil, err
	}
	s := &Stack{options: o, units: units, urls: map[string]string{}, processes: map[string]*process{},
		guards: map[string]*iam.Guard{}, done: make(chan struct{})}
	if s.options.Steps == nil {
		s.options.Steps = func(string) {}
	}
	var run context.Context
	run, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.servers, run = errgroup.WithContext(run)
	defer func() {
		if err != nil {
			s.Stop()
		}
	}()
	if err := s.openDir(); err != nil {
		return nil, err
	}
	for _, step := range []struct {
		what string
		do   func(context.Context, context.Context) error
	}{
		{"Firestore and Pub/Sub", s.startCloud},
		{"Cloud Storage", s.startStorage},
		{"token issuer and payment provider", s.startOutside},
		{"what was kept", s.recover},
		{"gRPC services", s.startServices},
		{"functions", s.startFunctions},
		{"workflow engine", s.startWorkflows},
		{"gateway, deliveries and scheduler", s.startDoors},
	} {
		s.options.Steps(step.what)
		if err := step.do(ctx, run); err != nil {
			return nil, fmt.Errorf("start %s: %w", step.what, err)
		}
	}
	s.PID = os.Getpid()
	if o.Register {
		if err := s.Endpoints.save(); err != nil {
			return nil, err
		}
	}
	go s.watch(run)
	return s, nil
}

// watch ends the stack when a part of it dies.
func (s *Stack) watch(run context.Context) {
	<-run.Done()
	s.Stop()
}

// Done is closed when the stack has ended; Err says why, nil if by Stop.
func (s *Stack) Done() <-chan struct{} { return s.done }

// Err is why the stack ended.
func (s *Stack) Err() error { return s.err }

// Stop ends everything it started, and removes its state if that was temporary.
func (s *Stack) Stop() {
	s.closeOnce.Do(func() {
		s.endArchive()
		s.cancel()
		if err := s.servers.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			s.err = err
		}
		for i := len(s.closers) - 1; i >= 0; i-- {
			s.closers[i]()
		}
		telemetry.SetOutput(os.Stderr)
		if s.options.Register {
			s.Endpoints.forget()
		}
		if s.logFile != nil {
			s.logFile.Close()
		}
		if s.temp {
			os.RemoveAll(s.options.Dir)
		}
		close(s.done)
	})
	<-s.done
}

func (s *Stack) onStop(f func()) { s.closers = append(s.closers, f) }

func (s *Stack) openDir() (err error) {
	if s.options.Dir == "" {
		if s.options.Keep {
			return errors.New("say in which folder everything is to be kept")
		}
		s.temp = true
		if s.options.Dir, err = os.MkdirTemp("", "orderflow-"); err != nil {
			return err
		}
	} else if err := os.MkdirAll(s.options.Dir, 0o700); err != nil {
		return err
	}
	mode := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	if !s.options.Keep {
		mode |= os.O_TRUNC
	}
	if s.logFile, err = os.OpenFile(filepath.Join(s.options.Dir, "log.jsonl"), mode, 0o600); err != nil {
		return err
	}
	s.log = s.logFile
	if s.options.Log != nil {
		s.log = io.MultiWriter(s.logFile, s.options.Log)
	}
	telemetry.SetOutput(s.log)
	s.LogFile = s.logFile.Name()
	return nil
}
