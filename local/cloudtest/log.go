package cloudtest

import (
	"bytes"
	"encoding/json"
	"sync"
	"testing"

	"orderflow.dev/internal/platform/telemetry"
)

// Log is the lines that this process logged.
type Log struct {
	mu  sync.Mutex
	raw bytes.Buffer
}

// CaptureLog sends the process's log to memory from now on. Call it before the tests run.
func CaptureLog() *Log {
	l := &Log{}
	telemetry.SetOutput(l)
	return l
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.raw.Write(p)
}

// Lines are the lines whose field has a value: {"request_id", "r1"}. A line is written before its answer is sent.
func (l *Log) Lines(t testing.TB, field, value string) []map[string]any {
	t.Helper()
	l.mu.Lock()
	raw := bytes.Clone(l.raw.Bytes())
	l.mu.Unlock()
	var found []map[string]any
	for line := range bytes.Lines(raw) {
		var fields map[string]any
		if err := json.Unmarshal(line, &fields); err != nil {
			t.Fatalf("log line %q is not JSON: %v", line, err)
		}
		if fields[field] == value {
			found = append(found, fields)
		}
	}
	return found
}
