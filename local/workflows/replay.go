package workflows

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"orderflow.dev/local/workflows/expr"
)

// part is the engine as a part of the log.
type part Engine

// Replay takes an entry back. That an execution began or ended may be known.
func (p *part) Replay(text []byte) error {
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("an execution: %w", err)
	}
	e := (*Engine)(p)
	if r.Name != "" {
		return e.replayPart(r, text)
	}
	r.Execution.Result = r.Result
	ex := e.store.get(r.Execution.Name)
	if ex == nil {
		ex = e.replayed(r)
	}
	if ended := ex.state.State.finished(); ended || !r.Execution.State.finished() {
		return nil
	}
	ex.state, ex.calls, ex.recorded = *r.Execution, nil, recording{}
	ex.internal.Store(int64(r.Execution.Steps.Internal))
	ex.external.Store(int64(r.Execution.Steps.External))
	ex.cancel(nil)
	e.store.finished(ex)
	return nil
}

// replayPart takes back what happened to an execution: a call, or a request to a callback.
func (e *Engine) replayPart(r record, text []byte) (err error) {
	ex := e.store.get(r.Name)
	if ex == nil || ex.state.State.finished() {
		return nil
	}
	known := func(other []byte) bool { return bytes.Equal(other, text) }
	switch {
	case r.Call != nil && ex.recorded.calls[r.Call.callID] != nil, r.Call == nil && slices.ContainsFunc(ex.calls, known):
		return nil // told by a snapshot
	case r.Call != nil:
		err = ex.recorded.add(r.Call)
	default:
		err = ex.callbacks.restore(r.Received)
	}
	if err != nil {
		return fmt.Errorf("execution %s: %w", r.Name, err)
	}
	ex.calls = append(ex.calls, bytes.Clone(text))
	return nil
}

// replayed adds an execution that waits for Resume, or for the record of its end.
func (e *Engine) replayed(r record) *execution {
	ex := &execution{
		engine: e, clock: e.options.Clock, sequence: r.Sequence, done: make(chan struct{}), state: *r.Execution,
	}
	ex.keepCallbacks()
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
		texts := append([][]byte{ex.record()}, ex.calls...)
		ex.mu.Unlock()
		for _, text := range texts {
			if err := emit(text); err != nil {
				return err
			}
		}
	}
	return nil
}

// Resume lets the executions go on that an earlier engine did not end. Call it once, after the journal's Recover and the
// Deploy of all workflows. The error names the workflows that are missing; their executions
// stay as they are.
func (e *Engine) Resume() error {
	e.mu.RLock()
	defer e.mu.RUnlock() // held until running.Add, which Close must not miss
	if e.closed {
		return errors.New("resume executions: the engine is closed")
	}
	e.definitions.noteDeployed()
	failed := map[string]error{} // by workflow
	for _, ex := range e.store.all() {
		if ex.rev != nil || ex.snapshot().State.finished() {
			continue
		}
		id := ex.state.Workflow
		if rev := e.definitions.revision(id, ex.state.Revision); rev == nil {
			failed[id] = fmt.Errorf("resume executions of %s: no such workflow is deployed", id)
		} else if err := ex.resume(rev); err != nil {
			failed[id] = err
		}
	}
	return errors.Join(slices.Collect(maps.Values(failed))...)
}

// resume runs an execution that a journal told of, by the revision it began with.
func (ex *execution) resume(rev *revision) error {
	argument, err := expr.DecodeJSON(ex.state.Argument)
	if err != nil {
		return fmt.Errorf("resume %s: its argument: %w", ex.state.Name, err)
	}
	ex.callbacks.dropTaken(ex.recorded.calls)
	ex.mu.Lock()
	ex.rev, ex.state.State = rev, Queued
	ex.mu.Unlock()
	if ex.engine.places == nil {
		ex.activate()
	}
	work(ex.clock, 1)
	ex.engine.running.Go(func() { ex.run(argument) })
	return nil
}
