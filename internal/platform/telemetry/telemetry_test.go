package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// capture returns what is logged from now on. Tests that use it share the process's output and are not parallel.
func capture(t *testing.T) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	SetOutput(&b)
	t.Cleanup(func() { SetOutput(os.Stderr) })
	return &b
}

func fields(t *testing.T, line []byte) map[string]any {
	t.Helper()
	var read map[string]any
	if err := json.Unmarshal(line, &read); err != nil {
		t.Fatalf("line %q is not JSON: %v", line, err)
	}
	return read
}

var someTrace = Trace{TraceID: strings.Repeat("ab", 16), SpanID: strings.Repeat("cd", 8), Sampled: true, RequestID: "r-1"}

func TestInvocationIsOneLineInCloudLoggingsForm(t *testing.T) {
	t.Setenv("GOOGLE_CLOUD_PROJECT", "p1")
	out := capture(t)
	ctx, inv := Start(t.Context(), "place-order", someTrace)
	Annotate(ctx, "order_id", "o1")
	Annotate(ctx, "attempt", 1)
	Annotate(ctx, "attempt", 2)
	Count(ctx, "reads", 1)
	Count(ctx, "reads", 2)
	Count(ctx, "writes", 1)
	Count(ctx, "calls", 0)
	inv.End(slog.LevelWarn, "out_of_stock", errors.New("not enough"))
	if n := bytes.Count(out.Bytes(), []byte("\n")); n != 1 {
		t.Fatalf("%d lines, want 1:\n%s", n, out)
	}
	got := fields(t, out.Bytes())
	if _, ok := got["time"].(string); !ok {
		t.Errorf("time is %v", got["time"])
	}
	if ms, ok := got["ms"].(float64); !ok || ms < 0 {
		t.Errorf("ms is %v", got["ms"])
	}
	delete(got, "time")
	delete(got, "ms")
	want := map[string]any{
		"severity": "WARNING", "message": "place-order out_of_stock", "function": "place-order", "outcome": "out_of_stock",
		"order_id": "o1", "attempt": 2.0, "reads": 3.0, "writes": 1.0, "error": "not enough", "request_id": "r-1",
		"logging.googleapis.com/trace":  "projects/p1/traces/" + someTrace.TraceID,
		"logging.googleapis.com/spanId": someTrace.SpanID,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}

func TestSeverities(t *testing.T) {
	out := capture(t)
	for level, want := range map[slog.Level]string{slog.LevelInfo: "INFO", slog.LevelWarn: "WARNING", slog.LevelError: "ERROR"} {
		out.Reset()
		Log(t.Context(), level, "m")
		if got := fields(t, out.Bytes())["severity"]; got != want {
			t.Errorf("%v is severity %v, want %s", level, got, want)
		}
	}
}

func TestLogLevelHidesWhatIsBelowIt(t *testing.T) {
	for level, want := range map[string]int{"": 2, "INFO": 2, "warn": 1, "ERROR": 0, "nonsense": 2} {
		t.Setenv("LOG_LEVEL", level)
		out := capture(t)
		Log(t.Context(), slog.LevelDebug, "debug")
		Log(t.Context(), slog.LevelInfo, "info")
		Log(t.Context(), slog.LevelWarn, "warn")
		if got := strings.Count(out.String(), "\n"); got != want {
			t.Errorf("LOG_LEVEL=%q: %d lines, want %d", level, got, want)
		}
	}
}

func TestLineOfItsOwnNamesFunctionAndTrace(t *testing.T) {
	out := capture(t)
	ctx, _ := Start(t.Context(), "f", someTrace)
	Log(ctx, slog.LevelInfo, "half way", slog.String("order_id", "o1"))
	got := fields(t, out.Bytes())
	for k, want := range map[string]string{"function": "f", "order_id": "o1", "request_id": "r-1", "message": "half way"} {
		if got[k] != want {
			t.Errorf("%s is %v, want %s", k, got[k], want)
		}
	}
}

// TestUntrustedTextStaysInItsField: no text can forge a line or a field.
func TestUntrustedTextStaysInItsField(t *testing.T) {
	out := capture(t)
	ctx, inv := Start(t.Context(), "f", someTrace)
	Annotate(ctx, "order_id", "\"}\n{\"severity\":\"ERROR\"")
	inv.End(slog.LevelInfo, "ok", nil)
	if n := strings.Count(out.String(), "\n"); n != 1 {
		t.Fatalf("%d lines, want 1:\n%s", n, out)
	}
	if got := fields(t, out.Bytes()); got["severity"] != "INFO" || got["order_id"] != "\"}\n{\"severity\":\"ERROR\"" {
		t.Errorf("line is %v", got)
	}
}

func TestOutsideAnInvocationNothingIsCollected(t *testing.T) {
	t.Parallel()
	Annotate(context.Background(), "a", 1)
	Count(context.Background(), "reads", 1)
}

func TestCollectingIsSafeFromManyGoroutines(t *testing.T) {
	out := capture(t)
	ctx, inv := Start(t.Context(), "f", someTrace)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			Count(ctx, "reads", 1)
			Annotate(ctx, "n", i)
		})
	}
	wg.Wait()
	inv.End(slog.LevelInfo, "ok", nil)
	if got := fields(t, out.Bytes())["reads"]; got != 50.0 {
		t.Errorf("reads = %v, want 50", got)
	}
}
