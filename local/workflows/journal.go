package workflows

import (
	"bytes"
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

// journal keeps how executions began and ended, and what their calls answered. An execution that had not ended goes on by
// doing all again, with the answers that are kept instead of calls: it comes to where it was.
type journal struct {
	stream *wal.Stream // nil keeps nothing

	mu   sync.Mutex
	last wal.Position
}

// record is one entry: an execution as it began or ended, or a call of one.
type record struct {
	Execution *Execution      `json:",omitempty"`
	Result    json.RawMessage `json:",omitempty"` // of the execution, which has none until it succeeds
	Sequence  int64           `json:",omitempty"`
	Name      string          `json:",omitempty"` // of the execution that made the call
	Call      *call           `json:",omitempty"`
	Received  json.RawMessage `json:",omitempty"` // request to a callback of the execution
}

// note puts an execution into the journal as it is now. The caller holds the lock
// under which it became so.
func (j *journal) note(ex *execution) {
	if j.stream != nil {
		ex.last = j.append(ex.record())
	}
}

func (j *journal) append(text []byte) wal.Position {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last = j.stream.Append(text)
	return j.last
}

// note puts a call into the journal, if it ended.
func (ex *execution) note(c *call) {
	if ex.engine.journal.stream == nil || !c.encode() {
		return
	}
	ex.keep(record{Name: ex.state.Name, Call: c})
}

// keep puts what happened to the execution into the journal.
func (ex *execution) keep(r record) {
	text := encode(r)
	ex.mu.Lock()
	defer ex.mu.Unlock()
	ex.calls = append(ex.calls, text)
	ex.last = ex.engine.journal.append(text)
}

// keepCallbacks has requests to callbacks put into the journal.
func (ex *execution) keepCallbacks() {
	if ex.engine.journal.stream != nil {
		ex.callbacks.note = func(request []byte) { ex.keep(record{Name: ex.state.Name, Received: request}) }
	}
}

// kept returns once what the execution has done so far is on the disk.
func (ex *execution) kept() error {
	if ex.engine.journal.stream == nil {
		return nil
	}
	ex.mu.Lock()
	last := ex.last
	ex.mu.Unlock()
	if err := ex.engine.journal.stream.Wait(ex.ctx, last); err != nil && ex.ctx.Err() != nil {
		return context.Cause(ex.ctx)
	} else if err != nil {
		return fmt.Errorf("executions cannot be kept: %w", err)
	}
	return nil
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
	x := ex.shown()
	r := record{Execution: &x, Result: x.Result, Sequence: ex.sequence}
	return encode(r)
}

func encode(r record) []byte {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // a record always marshals: what is JSON in it was checked
	}
	return text
}

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
