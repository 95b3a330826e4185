package workflows

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/wal"
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
