package workflow_test

import (
	"context"
	"encoding/json"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/workflow"
	"orderflow.dev/local/workflows"
)

const echo = `
main:
  params: [argument]
  steps:
    - echo:
        return: ${argument}
`

// frozen is a clock that never refills the engine's rate limit.
type frozen struct{}

func (frozen) Now() time.Time                                   { return time.Unix(0, 0) }
func (frozen) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// starter leads a starter of one workflow to an engine of its own. It sets the process's environment, so its tests are
// not parallel.
func starter(t *testing.T, o workflows.Options, name string) (*workflows.Engine, *workflow.Starter) {
	t.Helper()
	w, err := workflows.Compile("echo", []byte(echo))
	if err != nil {
		t.Fatal(err)
	}
	o.Project, o.Location = "p", "l"
	engine := workflows.NewEngine(o)
	engine.Deploy("echo", w)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- engine.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("engine: %v", err)
		}
	})
	t.Setenv("WORKFLOWS_EMULATOR_HOST", l.Addr().String())
	s, err := workflow.New(t.Context(), workflow.Config{Project: "p", Location: "l", Workflow: name})
	if err != nil {
		t.Fatal(err)
	}
	return engine, s
}

func TestStartPassesItsArgumentAsJSON(t *testing.T) {
	engine, s := starter(t, workflows.Options{}, "echo")
	argument := map[string]any{"order_id": "o1", "amount": map[string]any{"minor_units": "9007199254740993"}}
	if err := s.Start(t.Context(), argument); err != nil {
		t.Fatal(err)
	}
	got := engine.Executions("echo")
	want, err := json.Marshal(argument)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || string(got[0].Argument) != string(want) {
		t.Errorf("executions %+v, want one with %s", got, want)
	}
}

func TestThrottledStartIsResourceExhausted(t *testing.T) {
	_, s := starter(t, workflows.Options{StartsPerSecond: 1, Clock: frozen{}}, "echo")
	if err := s.Start(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context(), nil); fault.Code(err) != codes.ResourceExhausted {
		t.Errorf("second start: %v, want RESOURCE_EXHAUSTED", err)
	}
}

// TestTroubleOfTheEngineIsNotTheEventsFault: a permanent error would have the event parked, though the same event will
// start its saga once the workflow is deployed or the permission granted.
func TestTroubleOfTheEngineIsNotTheEventsFault(t *testing.T) {
	_, s := starter(t, workflows.Options{}, "not-deployed-yet")
	if err := s.Start(t.Context(), nil); fault.Code(err) != codes.Internal || fault.Permanent(err) {
		t.Errorf("error %v (%v), want one that is tried again and that a person hears of", err, fault.Code(err))
	}
}

func TestArgumentThatNeverFitsIsPermanent(t *testing.T) {
	_, s := starter(t, workflows.Options{}, "echo")
	if err := s.Start(t.Context(), make([]byte, workflows.DefaultLimits().ArgumentBytes+1)); !fault.Permanent(err) {
		t.Errorf("error %v, want a permanent one", err)
	}
	if err := s.Start(t.Context(), func() {}); err == nil {
		t.Error("what is no JSON was started")
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	_, s := starter(t, workflows.Options{}, "echo")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Start(ctx, nil); fault.Code(err) != codes.Canceled {
		t.Errorf("error %v, want CANCELED", err)
	}
}
