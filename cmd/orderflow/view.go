package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// view turns log lines into one line per event for people.
type view struct {
	mu   sync.Mutex
	out  io.Writer
	rest []byte
}

func newView(out io.Writer) *view { return &view{out: out} }

// line is what the view shows of a log line.
type line struct {
	Time     time.Time `json:"time"`
	Severity string    `json:"severity"`
	Message  string    `json:"message"`
	Function string    `json:"function"`
	Method   string    `json:"method"`
	Outcome  string    `json:"outcome"`
	OrderID  string    `json:"order_id"`
	Event    string    `json:"event_type"`
	Attempt  int       `json:"attempt"`
	MS       float64   `json:"ms"`
	Reads    int       `json:"reads"`
	Writes   int       `json:"writes"`
	Publish  int       `json:"publishes"`
	Steps    int       `json:"steps"`
	Due      *int      `json:"due"`
	Error    string    `json:"error"`
}

// Write takes whole or partial lines.
func (v *view) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.rest = append(v.rest, p...)
	for {
		i := bytes.IndexByte(v.rest, '\n')
		if i < 0 {
			return len(p), nil
		}
		var l line
		if json.Unmarshal(v.rest[:i], &l) == nil && l.worthShowing() {
			fmt.Fprintln(v.out, l)
		}
		v.rest = append(v.rest[:0], v.rest[i+1:]...)
	}
}

// worthShowing leaves out sweeps that found nothing.
func (l line) worthShowing() bool {
	return !strings.HasPrefix(l.Function, "sweep-") || l.Severity != "INFO" || l.Writes+l.Publish > 0
}

func (l line) String() string {
	who := l.Function
	if l.Method != "" {
		who += "." + l.Method
	}
	if who == "" {
		who = l.Message
	}
	order := "-"
	if l.OrderID != "" {
		order = l.OrderID[:min(8, len(l.OrderID))]
	}
	s := fmt.Sprintf("%s  %-8s  %-24s %-16s %7.1f ms", l.Time.Format("15:04:05.000"), order, who, l.Outcome, l.MS)
	if l.Event != "" {
		s += "  " + l.Event[strings.LastIndex(l.Event, ".")+1:]
	}
	for _, n := range []struct {
		what string
		n    int
	}{{"reads", l.Reads}, {"writes", l.Writes}, {"published", l.Publish}, {"steps", l.Steps}} {
		if n.n > 0 {
			s += fmt.Sprintf("  %d %s", n.n, n.what)
		}
	}
	if l.Error != "" && l.Severity != "INFO" {
		s += "  " + l.Severity + ": " + strings.SplitN(l.Error, "\n", 2)[0]
	}
	return s
}
