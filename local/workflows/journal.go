package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/wal"
	"orderflow.dev/local/workflows/expr"
)

// journal keeps how executions began and ended.
type journal struct {
	stream *wal.Stream // nil keeps nothing

	mu   sync.Mutex
	last wal.Position
}

// record is an execution as it began or ended.
type record struct {
	Execution
	Result   json.RawMessage `json:",omitempty"` // of the execution, which has none until it succeeds
	Sequence int64
}

// note puts an execution into the journal as it is now. The caller holds the lock
// under which it became so.
func (j *journal) note(ex *execution) {
	if j.stream == nil {
		return
	}
	text := ex.record()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last = j.stream.Append(text)
}

// kept returns once everything noted so far is on the disk. The error is a gRPC
// status.
func (j *journal) kept(ctx context.Context) error {
	if j.stream == nil {
		return nil
	}
	j.mu.Lock()
	last := j.last
	j.mu.Unlock()
	err := j.stream.Wait(ctx, last)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	}
	return status.Errorf(codes.Unavailable, "executions cannot be kept: %v", err)
}

// record encodes the execution without its trace.
func (ex *execution) record() []byte {
	r := record{Execution: ex.shown(), Sequence: ex.sequence}
	r.Result, r.Trace = r.Execution.Result, nil
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // an execution always marshals: what is JSON in it was checked
	}
	return text
}

// part is the engine as a part of the log.
type part Engine

// Replay notes that an execution began or ended, unless that is known.
func (p *part) Replay(text []byte) error {
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("an execution: %w", err)
	}
	r.Execution.Result = r.Result
	e := (*Engine)(p)
	ex := e.store.get(r.Name)
	if ex == nil {
		ex = e.replayed(r)
	}
	if ended := ex.state.State.finished(); ended || !r.State.finished() {
		return nil
	}
	ex.state = r.Execution
	ex.internal.Store(int64(r.Steps.Internal))
	ex.external.Store(int64(r.Steps.External))
	ex.cancel(nil)
	e.store.finished(ex)
	return nil
}

// replayed adds an execution that waits for Resume, or for the record of its end.
func (e *Engine) replayed(r record) *execution {
	ex := &execution{engine: e, clock: e.options.Clock, sequence: r.Sequence, done: make(chan struct{}), state: r.Execution}
	if ex.state.State.finished() {
		ex.state.State = Active
	}
	ex.ctx, ex.cancel = context.WithCancelCause(e.ctx)
	e.store.mu.Lock()
	defer e.store.mu.Unlock()
	e.store.insert(ex)
	return ex
}

// Snapshot emits all executions that are kept.
func (p *part) Snapshot(emit func(record []byte) error) error {
	for _, ex := range (*Engine)(p).store.all() {
		ex.mu.Lock()
		text := ex.record()
		ex.mu.Unlock()
		if err := emit(text); err != nil {
			return err
		}
	}
	return nil
}

// Resume runs the executions that an earlier engine did not end, each from its
// first step. Call it once, after the journal's Recover and the Deploy of all
// workflows. The error names the workflows that are missing; their executions
// stay as they are.
func (e *Engine) Resume() error {
	e.mu.RLock()
	defer e.mu.RUnlock() // held until running.Add, which Close must not miss
	if e.closed {
		return errors.New("resume executions: the engine is closed")
	}
	failed := map[string]error{} // by workflow
	for _, ex := range e.store.all() {
		if ex.rev != nil || ex.snapshot().State.finished() {
			continue
		}
		id := ex.state.Workflow
		if rev := e.deployed[id]; rev == nil {
			failed[id] = fmt.Errorf("resume executions of %s: no such workflow is deployed", id)
		} else if err := ex.resume(rev); err != nil {
			failed[id] = err
		}
	}
	return errors.Join(slices.Collect(maps.Values(failed))...)
}

// resume runs an execution that a journal told of.
func (ex *execution) resume(rev *revision) error {
	argument, err := expr.DecodeJSON(ex.state.Argument)
	if err != nil {
		return fmt.Errorf("resume %s: its argument: %w", ex.state.Name, err)
	}
	ex.mu.Lock()
	ex.rev, ex.state.Revision, ex.state.State = rev, rev.name, Queued
	ex.mu.Unlock()
	if ex.engine.places == nil {
		ex.activate()
	}
	work(ex.clock, 1)
	ex.engine.running.Go(func() { ex.run(argument) })
	return nil
}
