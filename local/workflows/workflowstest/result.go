package workflowstest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"orderflow.dev/local/workflows"
)

// Result is how an execution ended and what it did.
type Result struct {
	// Value is what the workflow returned, as encoding/json decodes it.
	Value any
	// Error is the error that ended it, nil if it succeeded.
	Error *Error
	// Steps are the names of the steps taken, in the order of their starts; at most
	// 10,000. What is written inside a step without a name of its own is that step.
	Steps []string
	// Calls are the HTTP calls, in the order in which they were made.
	Calls []Call
	// Billed is the number of billed steps.
	Billed workflows.StepCount
	// Elapsed is how long it took by the virtual clock.
	Elapsed time.Duration
	// Execution is everything that the engine knows of it.
	Execution workflows.Execution
}

// Error is an error that no step of the workflow caught.
type Error struct {
	Value   any                      // what was raised, as encoding/json decodes it
	Context string                   // as the service shows it: the message, and the steps it passed
	Stack   []workflows.StackElement // innermost first
}

// Error is the message alone.
func (e *Error) Error() string {
	message, _, _ := strings.Cut(e.Context, "\n")
	return message
}

// Tags are the tags of an error of the service, such as HttpError; none if the
// workflow raised the value itself.
func (e *Error) Tags() []string {
	m, _ := e.Value.(map[string]any)
	list, _ := m["tags"].([]any)
	var tags []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			tags = append(tags, s)
		}
	}
	return tags
}

// result reads an execution that ended.
func result(t testing.TB, x workflows.Execution, calls []Call) Result {
	t.Helper()
	r := Result{Steps: taken(x.Trace), Calls: calls, Billed: x.Steps, Elapsed: x.End.Sub(x.Start), Execution: x}
	if f := x.Error; f != nil {
		r.Error = &Error{Value: decode(t, f.Payload), Context: f.Context, Stack: f.Stack}
	} else {
		r.Value = decode(t, string(x.Result))
	}
	return r
}

func decode(t testing.TB, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("the engine answered %q, which is no JSON: %v", text, err)
	}
	return v
}

// taken names the steps of a trace. An entry for a part of a step, such as a
// condition, has the name of that step and is not named again.
func taken(trace []workflows.StepTrace) []string {
	byID := make(map[int64]workflows.StepTrace, len(trace))
	for _, s := range trace {
		byID[s.ID] = s
	}
	part := func(s workflows.StepTrace) bool {
		p, ok := byID[s.Parent]
		return s.Step == "" || ok && p.Type != "STEP_CALL" && p.Step == s.Step && p.Routine == s.Routine
	}
	trace = slices.DeleteFunc(slices.Clone(trace), part)
	names := make([]string, len(trace))
	for i, s := range trace {
		names[i] = s.Step
	}
	return names
}
