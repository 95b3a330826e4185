package workflows

import (
	"cmp"
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/workflows/expr"
)

// Engine runs deployed workflows. It is safe for concurrent use.
type Engine struct {
	options Options
	ctx     context.Context // of every execution
	stop    context.CancelCauseFunc
	places  chan struct{} // nil without MaxConcurrent
	starts  *rateLimit
	store   store
	journal journal
	remotes remotes      // services that connectors call
	address atomic.Value // string: where Serve listens

	definitions definitions

	mu      sync.RWMutex
	closed  bool
	running sync.WaitGroup
}

// NewEngine makes an engine without workflows.
func NewEngine(o Options) *Engine {
	e := &Engine{options: o.withDefaults()}
	e.ctx, e.stop = context.WithCancelCause(context.Background())
	if o.MaxConcurrent > 0 {
		e.places = make(chan struct{}, o.MaxConcurrent)
	}
	if o.StartsPerSecond > 0 {
		e.starts = newRateLimit(o.StartsPerSecond, e.options.Clock.Now())
	}
	e.store.init(e.options.KeepFinished)
	e.definitions.init(e)
	e.journal.stream = o.Journal.Attach("workflows", (*part)(e))
	return e
}

// Run executes a workflow and waits for its end; argument may be nil. The error
// says why it could not start; how it ended is in the execution. If ctx ends
// first, the execution is cancelled.
func (e *Engine) Run(ctx context.Context, id string, argument json.RawMessage) (Execution, error) {
	ex, err := e.create(id, argument, given{})
	if err != nil {
		return Execution{}, err
	}
	stop := context.AfterFunc(ctx, func() { ex.cancel(context.Cause(ctx)) })
	defer stop()
	<-ex.done
	return ex.whole(), nil
}

// Executions gives snapshots of the executions of a workflow that are kept,
// newest first.
func (e *Engine) Executions(id string) []Execution {
	list := e.store.before(id, 0, -1)
	out := make([]Execution, len(list))
	for i, ex := range list {
		out[i] = ex.whole()
	}
	return out
}

// Close cancels what runs and waits for it. No execution starts afterwards. With
// a journal, what runs does not end by that: the next engine's Resume runs it.
func (e *Engine) Close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.stop(errStopped)
	e.running.Wait()
}

// create starts an execution in a goroutine of its own. It may not be kept yet
// when this returns. One of an id that is there is not started again. The error
// is a gRPC status.
func (e *Engine) create(id string, argument json.RawMessage, g given) (*execution, error) {
	if limit := e.options.Limits.ArgumentBytes; len(argument) > limit {
		return nil, status.Errorf(codes.InvalidArgument, "argument has %d bytes, the limit is %d", len(argument), limit)
	}
	if len(argument) == 0 {
		argument = json.RawMessage("null")
	}
	value, err := expr.DecodeJSON(argument)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "argument is not valid JSON: %v", err)
	}
	now := e.options.Clock.Now()
	if e.starts != nil && !e.starts.allow(now) {
		return nil, status.Errorf(codes.ResourceExhausted, "more than %d executions started per second (Options.StartsPerSecond)", e.options.StartsPerSecond)
	}
	e.mu.RLock()
	defer e.mu.RUnlock() // held until running.Add, which Close must not miss
	rev := e.definitions.revision(id, "")
	switch {
	case e.closed:
		return nil, status.Error(codes.Unavailable, "the local workflows engine is shutting down")
	case rev == nil:
		return nil, status.Errorf(codes.NotFound, "workflow %s does not exist", e.workflowName(id))
	}
	name := e.workflowName(id) + "/executions/" + cmp.Or(g.id, uuid.NewString())
	if started := e.store.get(name); started != nil {
		return started, nil
	}
	ex := &execution{engine: e, clock: e.options.Clock, rev: rev, done: make(chan struct{})}
	ex.state = Execution{
		Name: name, Workflow: id, Revision: rev.name,
		State: Queued, Argument: argument, Labels: e.definitions.labels(id, g.labels), Settings: g.Settings, Created: now,
	}
	if e.places == nil {
		ex.state.State, ex.state.Start = Active, now
	}
	ex.keepCallbacks()
	ex.ctx, ex.cancel = context.WithCancelCause(e.ctx)
	e.store.add(ex)
	work(ex.clock, 1)
	e.running.Go(func() { ex.run(value) })
	return ex, nil
}

// ended does what follows the end of an execution.
func (e *Engine) ended(ex *execution) {
	ex.cancel(nil) // frees its context
	s := ex.snapshot()
	_ = e.journal.kept(context.Background()) // if it cannot be kept, the journal's owner stops the program
	e.store.finished(ex)
	ex.logEnd(s)
	if e.options.OnEnd != nil {
		e.options.OnEnd(ex.whole())
	}
}

// acquire waits for a place among MaxConcurrent executions.
func (e *Engine) acquire(ctx context.Context) error {
	if e.places == nil {
		return nil
	}
	work(e.options.Clock, -1)
	defer work(e.options.Clock, 1)
	select {
	case e.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (e *Engine) release() {
	if e.places != nil {
		<-e.places
	}
}

func (e *Engine) workflowName(id string) string {
	return "projects/" + e.options.Project + "/locations/" + e.options.Location + "/workflows/" + id
}
