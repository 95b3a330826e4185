// Package cloud starts the stores of a local cloud, Firestore and Pub/Sub: in this process, or Google's emulators. The
// choice is made here and nowhere else: everything that uses them knows only FIRESTORE_EMULATOR_HOST and
// PUBSUB_EMULATOR_HOST.
package cloud

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sync/errgroup"

	"orderflow.dev/internal/store"
	"orderflow.dev/local/firestore"
	"orderflow.dev/local/firestore/query"
	"orderflow.dev/local/google"
	"orderflow.dev/local/pubsub"
	"orderflow.dev/local/wal"
)

// What Options.Emulators may be.
const (
	Embedded = "embedded" // in this process: Go is all it takes
	Google   = "google"   // Google's emulators: two JVMs
)

// Variable is the environment variable that chooses where Options do not, so that all tests run on either.
const Variable = "ORDERFLOW_EMULATORS"

// Options configure Start. The zero value is the embedded stores, in memory.
type Options struct {
	Emulators string   // Embedded or Google; if empty, what Variable says, Embedded if that is empty too
	Log       *wal.Log // embedded: keeps everything across restarts, after its Recover
	AnyQuery  bool     // embedded: run a query that has no index too. Google's emulator always does

	Dir                       string // Google's: logs and working folder; temporary if empty
	FirestoreHeap, PubSubHeap string // Google's: java's -Xmx; "1g" and "512m" if empty
}

// Choice is the kind of stores that a start with these options starts.
func (o Options) Choice() (string, error) {
	kind := o.Emulators
	if kind == "" {
		kind = os.Getenv(Variable)
	}
	switch kind {
	case "", Embedded:
		return Embedded, nil
	case Google:
		return Google, nil
	}
	return "", fmt.Errorf("emulators %q: choose %s or %s", kind, Embedded, Google)
}

// Stores are started ones.
type Stores struct {
	Firestore, PubSub string // host:port

	serve, stop func()
	done        <-chan error
}

// Serve has them answer requests, which wait until then: with a log, call it after its Recover. Call it once.
func (s *Stores) Serve() { s.serve() }

// Stop ends them and returns when they have ended.
func (s *Stores) Stop() { s.stop() }

// Done yields the error of a store that ended by itself, if one does, and is closed when both have ended.
func (s *Stores) Done() <-chan error { return s.done }

// Start starts the stores; ctx bounds the start only.
func Start(ctx context.Context, o Options) (*Stores, error) {
	kind, err := o.Choice()
	switch {
	case err != nil:
		return nil, err
	case kind == Embedded:
		return embedded(ctx, o)
	case o.Log != nil:
		return nil, errors.New("the emulators of Google keep nothing across restarts: choose " + Embedded)
	}
	e, err := google.Start(ctx, google.Options{Dir: o.Dir, FirestoreHeap: o.FirestoreHeap, PubSubHeap: o.PubSubHeap})
	if err != nil {
		return nil, err
	}
	return &Stores{Firestore: e.FirestoreHost, PubSub: e.PubSubHost, serve: func() {}, stop: e.Stop, done: e.Done()}, nil
}

// server is one of the embedded stores.
type server interface {
	Serve(context.Context, net.Listener) error
}

func embedded(ctx context.Context, o Options) (*Stores, error) {
	indexes, err := indexes(o)
	if err != nil {
		return nil, err
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	servers, run := errgroup.WithContext(run)
	begin, done, ended := make(chan struct{}), make(chan error, 1), make(chan struct{})
	start := func(s server) (host string, err error) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		servers.Go(func() error {
			select {
			case <-begin:
				return s.Serve(run, l)
			case <-run.Done():
				return l.Close()
			}
		})
		return l.Addr().String(), nil
	}
	s := &Stores{serve: func() { close(begin) }, done: done, stop: func() {
		cancel()
		<-ended
	}}
	go func() {
		<-run.Done()
		if err := servers.Wait(); err != nil {
			done <- err
		}
		close(done)
		close(ended)
	}()
	if s.Firestore, err = start(firestore.New(firestore.Options{Log: o.Log, Indexes: indexes})); err == nil {
		s.PubSub, err = start(pubsub.New(pubsub.Options{Log: o.Log}))
	}
	if err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// indexes are those that Terraform makes; nil if any query is to run.
func indexes(o Options) (*query.Indexes, error) {
	if o.AnyQuery {
		return nil, nil
	}
	composite, err := store.Indexes.ReadFile("indexes.yaml")
	fields, err2 := store.Indexes.ReadFile("fields.yaml")
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	return query.ParseIndexes(composite, fields)
}
