package stack

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"orderflow.dev/internal/promise"
)

// acknowledgements are the orders that customers were told of, by the stack's log: place-order's lines with outcome ok.
// The log knows no idempotency keys. Lines of no known form, such as a crash leaves, are none of ours.
func acknowledgements(logFile string) ([]promise.Acknowledgement, error) {
	f, err := os.Open(logFile)
	if err != nil {
		return nil, fmt.Errorf("read which orders were acknowledged: %w", err)
	}
	defer f.Close()
	var (
		out  []promise.Acknowledgement
		seen = map[string]bool{}
	)
	for r := bufio.NewReader(f); ; {
		text, err := r.ReadBytes('\n')
		if id := acknowledged(text); id != "" && !seen[id] {
			seen[id] = true
			out = append(out, promise.Acknowledgement{OrderID: id})
		}
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read which orders were acknowledged: %w", err)
		}
	}
}

// acknowledged is the id of the order that a log line says was taken; empty if it says no such thing.
func acknowledged(text []byte) string {
	if !bytes.Contains(text, []byte(`"place-order"`)) {
		return ""
	}
	var line struct {
		Function string `json:"function"`
		Outcome  string `json:"outcome"`
		OrderID  string `json:"order_id"`
	}
	if json.Unmarshal(text, &line) != nil || line.Function != "place-order" || line.Outcome != "ok" {
		return ""
	}
	return line.OrderID
}
