// Package telemetry writes one structured log line per invocation, in Cloud Logging's JSON, and carries trace and
// request id through the pipeline, so that a grep for an order id tells the order's whole story.
package telemetry

import (
	"context"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Invocation is one run of a function or RPC: what it did is collected in its context and logged at its end.
type Invocation struct {
	name  string
	start time.Time
	trace Trace

	mu     sync.Mutex
	attrs  []slog.Attr
	counts map[string]int64
}

type invocationKey struct{}

// Start begins an invocation of a function under a trace.
func Start(ctx context.Context, name string, t Trace) (context.Context, *Invocation) {
	inv := &Invocation{name: name, start: time.Now(), trace: t, counts: map[string]int64{}}
	return context.WithValue(WithTrace(ctx, t), invocationKey{}, inv), inv
}

// Annotate adds a field to the line of the invocation in ctx. The last value of a name counts.
func Annotate(ctx context.Context, name string, value any) {
	inv, ok := ctx.Value(invocationKey{}).(*Invocation)
	if !ok {
		return
	}
	inv.mu.Lock()
	defer inv.mu.Unlock()
	for i := range inv.attrs {
		if inv.attrs[i].Key == name {
			inv.attrs[i].Value = slog.AnyValue(value)
			return
		}
	}
	inv.attrs = append(inv.attrs, slog.Any(name, value))
}

// Count adds n billed operations (reads, writes, publishes, calls) to the line of the invocation in ctx.
func Count(ctx context.Context, operation string, n int) {
	inv, ok := ctx.Value(invocationKey{}).(*Invocation)
	if !ok || n == 0 {
		return
	}
	inv.mu.Lock()
	defer inv.mu.Unlock()
	inv.counts[operation] += int64(n)
}

// End writes the line: INFO when all went well, WARNING for what the caller did wrong or may try again,
// ERROR for what needs a person.
func (inv *Invocation) End(level slog.Level, outcome string, err error) {
	attrs := []slog.Attr{
		slog.String("function", inv.name),
		slog.String("outcome", outcome),
		slog.Float64("ms", float64(time.Since(inv.start).Microseconds())/1000),
	}
	inv.mu.Lock()
	attrs = append(attrs, inv.attrs...)
	for _, op := range []string{"reads", "writes", "publishes", "calls"} {
		if n := inv.counts[op]; n > 0 {
			attrs = append(attrs, slog.Int64(op, n))
		}
	}
	inv.mu.Unlock()
	if err != nil {
		attrs = append(attrs, slog.String("error", clipped(err.Error())))
	}
	write(level, inv.name+" "+outcome, inv.trace, attrs)
}

// maxError is how much of an error is logged, in bytes: one that names all that is wrong with a request may be as long as
// the request, and a log is paid by its bytes.
const maxError = 8 << 10

func clipped(text string) string {
	if len(text) <= maxError {
		return text
	}
	return strings.ToValidUTF8(text[:maxError], "") + "…"
}

// Log writes a line of its own, for what cannot wait for the end of the invocation.
func Log(ctx context.Context, level slog.Level, message string, attrs ...slog.Attr) {
	if inv, ok := ctx.Value(invocationKey{}).(*Invocation); ok {
		attrs = append([]slog.Attr{slog.String("function", inv.name)}, attrs...)
	}
	write(level, message, TraceOf(ctx), attrs)
}

var logger atomic.Pointer[slog.Logger]

func init() { SetOutput(os.Stderr) }

// SetOutput sends all lines to w instead of standard error.
func SetOutput(w io.Writer) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(os.Getenv("LOG_LEVEL"))); err != nil {
		level = slog.LevelInfo
	}
	logger.Store(slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: cloudLogging})))
}

func write(level slog.Level, message string, t Trace, attrs []slog.Attr) {
	if t.RequestID != "" {
		attrs = append(attrs, slog.String("request_id", t.RequestID))
	}
	if t.TraceID != "" {
		attrs = append(attrs,
			slog.String("logging.googleapis.com/trace", "projects/"+os.Getenv("GOOGLE_CLOUD_PROJECT")+"/traces/"+t.TraceID),
			slog.String("logging.googleapis.com/spanId", t.SpanID))
	}
	logger.Load().LogAttrs(context.Background(), level, message, attrs...)
}

// cloudLogging renames slog's fields to those Cloud Logging reads
// (https://cloud.google.com/logging/docs/structured-logging).
func cloudLogging(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.LevelKey:
		severity := a.Value.String()
		if severity == "WARN" {
			severity = "WARNING"
		}
		return slog.String("severity", severity)
	case slog.MessageKey:
		a.Key = "message"
	}
	return a
}
