package workflows

import (
	"time"

	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// toProto shows an execution; the basic view leaves out argument, result, error,
// labels and position.
func toProto(s Execution, view executionspb.ExecutionView) *executionspb.Execution {
	out := &executionspb.Execution{
		Name:               s.Name,
		StartTime:          timestamp(s.Start),
		EndTime:            timestamp(s.End),
		State:              executionspb.Execution_State(executionspb.Execution_State_value[string(s.State)]),
		WorkflowRevisionId: s.Revision,
	}
	if d, ok := duration(s); ok {
		out.Duration = durationpb.New(d)
	}
	if view == executionspb.ExecutionView_BASIC {
		return out
	}
	out.Argument, out.Result, out.Labels = string(s.Argument), string(s.Result), s.Labels
	out.Error = errorProto(s.Error)
	out.CallLogLevel = executionspb.Execution_CallLogLevel(executionspb.Execution_CallLogLevel_value[s.CallLogLevel])
	if s.Step != "" {
		out.Status = &executionspb.Execution_Status{
			CurrentSteps: []*executionspb.Execution_Status_Step{{Routine: s.Routine, Step: s.Step}},
		}
	}
	return out
}

// duration is how long an execution took, if it has begun and ended. It is the
// difference of the two times as they are kept, without what a process knows of
// its own clock beside them, so that a restart changes nothing.
func duration(s Execution) (time.Duration, bool) {
	return max(0, s.End.Sub(s.Start.Round(0))), !s.End.IsZero() && !s.Start.IsZero()
}

func errorProto(f *Failure) *executionspb.Execution_Error {
	if f == nil {
		return nil
	}
	trace := &executionspb.Execution_StackTrace{}
	for _, e := range f.Stack {
		trace.Elements = append(trace.Elements, &executionspb.Execution_StackTraceElement{
			Step: e.Step, Routine: e.Routine,
			Position: &executionspb.Execution_StackTraceElement_Position{
				Line: int64(e.Position.Line), Column: int64(e.Position.Column), Length: int64(e.Position.Length),
			},
		})
	}
	return &executionspb.Execution_Error{Payload: f.Payload, Context: f.Context, StackTrace: trace}
}

func timestamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
