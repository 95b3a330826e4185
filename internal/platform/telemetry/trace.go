package telemetry

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"regexp"
	"strings"
)

// Trace is where an invocation belongs: the W3C trace context and the id of the request that caused it.
type Trace struct {
	TraceID   string // 32 hex digits
	SpanID    string // 16 hex digits
	Sampled   bool
	RequestID string
}

var (
	traceparent = regexp.MustCompile(`^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]([0-9a-f])(-.*)?$`)
	requestID   = regexp.MustCompile(`^[A-Za-z0-9._:/+=-]{1,128}$`)
)

// Continue is a new span of the trace that a W3C traceparent names (https://www.w3.org/TR/trace-context/), or of a
// new trace. A request id that is missing, too long or not plain text is replaced by a fresh one.
func Continue(parent, request string) Trace {
	t := Trace{TraceID: random(16), SpanID: random(8), RequestID: request}
	if id, sampled, ok := parse(parent); ok {
		t.TraceID, t.Sampled = id, sampled
	}
	if !requestID.MatchString(request) {
		t.RequestID = random(12)
	}
	return t
}

// parse reads a traceparent of version 00, and of later ones the part that they have in common with it. The lowest bit
// of the flags says sampled; ids of zeros only are none.
func parse(parent string) (traceID string, sampled, ok bool) {
	m := traceparent.FindStringSubmatch(strings.TrimSpace(parent))
	if m == nil || m[1] == "ff" || m[1] == "00" && m[5] != "" || strings.Trim(m[2], "0") == "" || strings.Trim(m[3], "0") == "" {
		return "", false, false
	}
	return m[2], strings.Contains("13579bdf", m[4]), true
}

// Traceparent is what callees get.
func (t Trace) Traceparent() string {
	if t.TraceID == "" {
		return ""
	}
	flags := "00"
	if t.Sampled {
		flags = "01"
	}
	return "00-" + t.TraceID + "-" + t.SpanID + "-" + flags
}

type traceKey struct{}

// WithTrace puts a trace into the context.
func WithTrace(ctx context.Context, t Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// TraceOf is the trace in ctx, or the zero Trace.
func TraceOf(ctx context.Context) Trace {
	t, _ := ctx.Value(traceKey{}).(Trace)
	return t
}

func random(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}
