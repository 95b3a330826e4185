package workflows_test

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"orderflow.dev/local/workflows"
)

// compile fails the test if the source has problems.
func compile(t testing.TB, source string) *workflows.Workflow {
	t.Helper()
	w, err := workflows.Compile("test.yaml", []byte(source))
	if err != nil {
		t.Fatalf("Compile:\n%v", err)
	}
	return w
}

// run executes a workflow in an engine of its own.
func run(t testing.TB, o workflows.Options, source, argument string) workflows.Execution {
	t.Helper()
	e := workflows.NewEngine(o)
	e.Deploy("w", compile(t, source))
	x, err := e.Run(t.Context(), "w", json.RawMessage(argument))
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	return x
}

// outcome is the result of an execution, or "error: " and the first line of its
// error.
func outcome(x workflows.Execution) string {
	if x.Error == nil {
		return string(x.Result)
	}
	for i, c := range x.Error.Context {
		if c == '\n' {
			return "error: " + x.Error.Context[:i]
		}
	}
	return "error: " + x.Error.Context
}

// escaped is text as it stands within a JSON string.
func escaped(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(b[1 : len(b)-1])
}

// fakeClock advances only when a workflow sleeps, and keeps the delays.
type fakeClock struct {
	mu     sync.Mutex
	now    time.Time
	delays []time.Duration
}

func newClock() *fakeClock {
	return &fakeClock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.delays = append(c.delays, d)
	return context.Cause(ctx)
}

func (c *fakeClock) slept() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.delays)
}
