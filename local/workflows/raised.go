package workflows

import (
	"errors"
	"fmt"
	"strings"

	"orderflow.dev/local/workflows/expr"
)

// raised is an error of the workflow on its way up, with the places it passed.
type raised struct {
	cause *expr.Error
	pos   Position // place within the current step, zero for the step itself
	trace []StackElement
	top   *frame // frame of the last element of trace
}

func (r *raised) Error() string { return r.cause.Error() }
func (r *raised) Unwrap() error { return r.cause }

// locate adds the place of an error to its trace: the innermost step of each
// frame. Errors that are not the workflow's, such as cancellation, pass through.
func (f *frame) locate(err error, s *step) error {
	r, ok := err.(*raised)
	if e, isLanguage := err.(*expr.Error); isLanguage {
		r, ok = &raised{cause: e}, true
	}
	if !ok {
		return err
	}
	if r.top != f {
		pos := r.pos
		if pos == (Position{}) {
			pos = s.pos
		}
		r.trace = append(r.trace, StackElement{Step: s.name, Routine: s.routine, Position: pos})
		r.top, r.pos = f, Position{}
	}
	return r
}

// Failure is why an execution failed, as the Executions API shows it.
type Failure struct {
	Payload string         // the raised value as JSON
	Context string         // message and one line per frame, innermost first
	Stack   []StackElement // innermost first
}

// StackElement is the step a routine was in when an error passed through it.
type StackElement struct {
	Step, Routine string
	Position      Position
}

// payload is the raised value as JSON; of an error that is not the workflow's, its text.
func payload(err error) string {
	var r *raised
	if !errors.As(err, &r) {
		return expr.Describe(err.Error())
	}
	return string(expr.Show(r.cause.Value))
}

// failure describes an uncaught error.
func failure(r *raised) *Failure {
	var context strings.Builder
	context.WriteString(r.cause.Error())
	stack := r.trace
	if r.cause.Fatal {
		stack = nil // as observed of the service for resource limits
	}
	for _, e := range stack {
		fmt.Fprintf(&context, "\nin step %q, routine %q, line: %d", e.Step, e.Routine, e.Position.Line)
	}
	// Messages may quote what a server sent; protobuf takes valid UTF-8 only.
	return &Failure{Payload: payload(r), Context: strings.ToValidUTF8(context.String(), "\uFFFD"), Stack: stack}
}
