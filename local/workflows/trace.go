package workflows

import "time"

// StepTrace is a step that ran, or a part of one, such as an iteration of a loop, in the order of their beginnings. It is what
// the Executions API calls a step entry.
type StepTrace struct {
	ID       int64 // from 1
	Parent   int64 // the step it is a part of, or is called by; 0: none
	Previous int64 // the one before it with the same parent; 0: none
	Thread   int64 // 0 is the main one; threads of parallel steps are numbered as they begin
	Routine  string
	Step     string
	Type     string // as in the Executions API, e.g. STEP_CALL
	Start    time.Time
	End      time.Time // zero while it runs
	Error    string    // message of the error that left it, or empty
	Payload  string    // what was raised, as JSON
}

// Types of entries, as in the Executions API.
const (
	stepAssign        = "STEP_ASSIGN"
	stepCall          = "STEP_CALL"
	stepSwitch        = "STEP_SWITCH"
	stepCondition     = "STEP_CONDITION"
	stepFor           = "STEP_FOR"
	stepForIteration  = "STEP_FOR_ITERATION"
	stepParallelFor   = "STEP_PARALLEL_FOR"
	stepParallel      = "STEP_PARALLEL_BRANCH"
	stepParallelEntry = "STEP_PARALLEL_BRANCH_ENTRY"
	stepTryAll        = "STEP_TRY_RETRY_EXCEPT"
	stepTry           = "STEP_TRY"
	stepRetry         = "STEP_RETRY"
	stepExcept        = "STEP_EXCEPT"
	stepReturn        = "STEP_RETURN"
	stepRaise         = "STEP_RAISE"
	stepGoto          = "STEP_GOTO"
)

// place is where a frame is in the trace.
type place struct{ parent, previous int64 }

// traced does a part of an execution as an entry of its trace, if there is one.
func (f *frame) traced(s *step, kind string, do func() (signal, error)) (signal, error) {
	ex := f.ex
	if !ex.engine.options.Trace || kind == "" {
		return do()
	}
	ex.mu.Lock()
	id := int64(len(ex.state.Trace)) + 1
	if id > maxTrace {
		ex.mu.Unlock()
		return do()
	}
	ex.state.Trace = append(ex.state.Trace, StepTrace{
		ID: id, Parent: f.place.parent, Previous: f.place.previous, Thread: f.thread.number,
		Routine: s.routine, Step: s.name, Type: kind, Start: ex.clock.Now(),
	})
	ex.mu.Unlock()
	parent := f.place.parent
	f.place = place{parent: id}
	sig, err := do()
	f.place = place{parent, id}
	ex.mu.Lock()
	defer ex.mu.Unlock()
	t := &ex.state.Trace[id-1]
	t.End = ex.clock.Now()
	if err != nil {
		t.Error, t.Payload = err.Error(), payload(err)
	}
	return sig, err
}
