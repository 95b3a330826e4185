package workflows

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"orderflow.dev/local/wal"
	"orderflow.dev/local/workflows/expr"
)

// State is the state of an execution, spelled as in the Executions API.
type State string

// The states of an execution.
const (
	Queued    State = "QUEUED" // waits for a place among Options.MaxConcurrent
	Active    State = "ACTIVE"
	Succeeded State = "SUCCEEDED"
	Failed    State = "FAILED"
	Cancelled State = "CANCELLED"
)

// finished reports whether no more will happen.
func (s State) finished() bool { return s != Queued && s != Active }

// Execution is a snapshot of one run of a workflow.
type Execution struct {
	Name     string // projects/P/locations/L/workflows/W/executions/ID
	Workflow string // id of the workflow
	Revision string // revision it runs, e.g. 000001-ac2
	State    State
	Argument json.RawMessage // JSON, "null" if none was given
	Result   json.RawMessage // JSON, only of a succeeded execution
	Error    *Failure        // only of a failed or cancelled one
	Labels   map[string]string
	Settings // as the API was asked for
	Created  time.Time
	Start    time.Time // zero while queued
	End      time.Time // zero while it runs
	Steps    StepCount
	Routine  string      // where it is, or was last
	Step     string      // the last step attempted
	Trace    []StepTrace // only with Options.Trace; at most 10,000 steps
}

// execution is a running or finished execution.
type execution struct {
	engine   *Engine
	clock    Clock
	sequence int64           // order of creation within the engine
	rev      *revision       // nil if it waits for Resume
	ctx      context.Context // ends when it is cancelled
	cancel   context.CancelCauseFunc
	done     chan struct{}

	schedule schedule
	recorded recording // calls of earlier lives

	memory             atomic.Int64 // bytes of variables
	internal, external atomic.Int64
	current            atomic.Pointer[step]
	callbacks          callbacks

	mu    sync.Mutex
	state Execution // what a snapshot shows; Steps, Step and Routine are added
	calls [][]byte  // journal records of its calls, with a journal and until it ends
	last  wal.Position
}

// Causes of a cancelled execution. One that the engine's end stops is shown like
// any other, if it is shown at all.
var (
	errCancelled = errors.New("execution cancelled")
	errStopped   = errors.New("execution cancelled")
)

// whole is a snapshot with the trace, which is long.
func (ex *execution) whole() Execution {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	s := ex.shown()
	s.Trace = slices.Clone(ex.state.Trace)
	return s
}

func (ex *execution) snapshot() Execution {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	return ex.shown()
}

// shown is the state with what is counted apart, without the trace; ex.mu is held.
func (ex *execution) shown() Execution {
	s := ex.state
	s.Steps, s.Trace = ex.steps(), nil
	if at := ex.current.Load(); at != nil {
		s.Routine, s.Step = at.routine, at.name
	}
	return s
}

// run executes the workflow to its end and keeps the outcome.
func (ex *execution) run(argument any) {
	defer close(ex.done)
	defer work(ex.clock, -1)
	result, err := ex.start(ex.ctx, argument)
	if errors.Is(err, errStopped) && ex.engine.journal.stream != nil {
		return // it goes on in the next engine
	}
	ex.mu.Lock()
	ex.state.End = ex.clock.Now()
	ex.conclude(result, err)
	ex.calls, ex.recorded = nil, recording{}
	ex.callbacks.close()
	ex.engine.journal.note(ex)
	ex.mu.Unlock()
	ex.engine.ended(ex)
}

// start waits for a place, runs main and encodes its result.
func (ex *execution) start(ctx context.Context, argument any) ([]byte, error) {
	if err := ex.engine.acquire(ctx); err != nil {
		return nil, err
	}
	defer ex.engine.release()
	ex.activate()
	ex.log("INFO", "execution started")
	main := ex.rev.workflow.routines["main"]
	var args []any
	if len(main.params) == 1 {
		if argument == nil {
			argument = main.params[0].Default
		}
		args = []any{argument}
	}
	v, err := main.run(&frame{
		ctx: ctx, ex: ex, wf: ex.rev.workflow, thread: &thread{ex: ex, wake: make(chan struct{}, 1)},
	}, args)
	if err != nil {
		return nil, err
	}
	return expr.EncodeJSON(v)
}

// activate ends the time in the queue; without a queue the start was set when
// the execution was created.
func (ex *execution) activate() {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	if ex.state.State == Queued {
		ex.state.State, ex.state.Start = Active, ex.clock.Now()
	}
}

// conclude sets state, result and error; ex.mu is held.
func (ex *execution) conclude(result []byte, err error) {
	var r *raised
	var e *expr.Error
	switch {
	case err == nil:
		ex.state.State, ex.state.Result = Succeeded, result
	case errors.As(err, &r):
		ex.state.State, ex.state.Error = Failed, failure(r)
	case errors.As(err, &e):
		ex.state.State, ex.state.Error = Failed, failure(&raised{cause: e})
	default:
		text, _ := json.Marshal(err.Error())
		ex.state.State = Cancelled
		ex.state.Error = &Failure{Payload: string(text), Context: err.Error()}
	}
}

// env reads an environment variable of the execution.
func (ex *execution) env(name string) (string, bool) {
	o := &ex.engine.options
	switch name {
	case "GOOGLE_CLOUD_LOCATION":
		return o.Location, true
	case "GOOGLE_CLOUD_PROJECT_ID":
		return o.Project, true
	case "GOOGLE_CLOUD_PROJECT_NUMBER":
		return o.ProjectNumber, true
	case "GOOGLE_CLOUD_SERVICE_ACCOUNT_NAME":
		return cmp.Or(ex.rev.resource.GetServiceAccount(), o.ServiceAccount), true
	case "GOOGLE_CLOUD_WORKFLOW_EXECUTION_ID":
		return executionID(ex.state.Name), true
	case "GOOGLE_CLOUD_WORKFLOW_ID":
		return ex.state.Workflow, true
	case "GOOGLE_CLOUD_WORKFLOW_REVISION_ID":
		return ex.state.Revision, true
	}
	if v, ok := ex.rev.resource.GetUserEnvVars()[name]; ok {
		return v, true
	}
	v, ok := o.Env[name]
	return v, ok
}

// Entry is a line of the log: what sys.log writes, and start and end of
// executions.
type Entry struct {
	Time      time.Time
	Execution string // resource name
	Workflow  string // id
	Severity  string // as in Cloud Logging, e.g. INFO
	Text      string // text, or JSON of what is not text
}

func (ex *execution) log(severity, text string) {
	if log := ex.engine.options.Log; log != nil {
		log(Entry{ex.clock.Now(), ex.state.Name, ex.state.Workflow, severity, text})
	}
}

// logEnd writes how an execution ended.
func (ex *execution) logEnd(s Execution) {
	severity, text := "INFO", fmt.Sprintf("execution ended: %s", s.State)
	if s.Error != nil {
		severity, text = "ERROR", text+": "+s.Error.Context
	}
	ex.log(severity, text)
}
