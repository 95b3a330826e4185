package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"orderflow.dev/internal/diagnosis"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/stack"
)

// localLook looks at the running stack.
type localLook struct {
	*look
	stack stack.Endpoints
}

func (l *localLook) steps() map[string]func(context.Context) error {
	steps := map[string]func(context.Context) error{"sweeps": func(context.Context) error { return l.log() }}
	for name, url := range map[string]string{
		"gateway": l.stack.Gateway + "/v1/orders", "issuer": l.stack.Issuer + "/.well-known/openid-configuration",
		"provider": l.stack.Provider, "inventory": l.stack.Inventory, "payment": l.stack.Payment,
		"workflows": "http://" + l.stack.Workflows + "/v1/projects/" + stack.Project + "/locations/" + stack.Location + "/workflows",
		"storage":   l.stack.Storage + "/storage/v1/b/" + unit.BucketName(stack.Project, "uploads"),
	} {
		steps["answers: "+name] = func(ctx context.Context) error { return l.answers(ctx, name, url) }
	}
	for name, address := range map[string]string{"Firestore": l.stack.Firestore, "Pub/Sub": l.stack.PubSub} {
		steps["answers: "+name] = func(ctx context.Context) error { return l.listens(ctx, name, address) }
	}
	return steps
}

// listens asks a part that does not speak HTTP/1 for a connection.
func (l *localLook) listens(ctx context.Context, name, address string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err == nil {
		conn.Close()
	}
	l.see(func(s *diagnosis.Seen) { s.Parts = append(s.Parts, diagnosis.Part{Name: name, Err: err}) })
	return nil
}

// answers asks a part anything: what it answers does not matter, unless it is trouble of its own. Of what tells the time,
// the clock is compared.
func (l *localLook) answers(ctx context.Context, name, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	part := diagnosis.Part{Name: name}
	part.Err = func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		asked := time.Now()
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode >= http.StatusInternalServerError {
			return fmt.Errorf("GET %s: %s", url, resp.Status)
		}
		if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil && (name == "issuer" || name == "provider") {
			l.clock(name, asked.Truncate(time.Second), at) // the header has whole seconds, rounded down
		}
		return nil
	}()
	l.see(func(s *diagnosis.Seen) { s.Parts = append(s.Parts, part) })
	return nil
}

// logTail is how much of the log is read, in bytes; recently is how long ago a failed delivery still tells of trouble.
const (
	logTail  = 8 << 20
	recently = 5 * time.Minute
)

// logLine is what is read of a line of the log.
type logLine struct {
	Time         time.Time `json:"time"`
	Function     string    `json:"function"`
	Outcome      string    `json:"outcome"`
	Message      string    `json:"message"`
	Subscription string    `json:"subscription"`
	Throttled    int       `json:"throttled"`
}

// log reads the end of the stack's log: when each sweep ran last, and which deliveries failed lately.
func (l *localLook) log() error {
	file, err := os.Open(l.stack.LogFile)
	if err != nil {
		return err
	}
	defer file.Close()
	if end, err := file.Seek(0, io.SeekEnd); err == nil && end > logTail {
		if _, err := file.Seek(-logTail, io.SeekEnd); err != nil {
			return err
		}
	} else if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	sweeps, failed := map[string]diagnosis.Run{}, map[string]int{}
	for _, name := range l.minutely() {
		sweeps[name] = diagnosis.Run{}
	}
	lines := bufio.NewReader(file)
	for {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			break // the last line may still be being written
		}
		var one logLine
		if json.Unmarshal(text, &one) != nil {
			continue // the first may be cut
		}
		if _, ok := sweeps[one.Function]; ok && one.Outcome != "" {
			sweeps[one.Function] = diagnosis.Run{At: one.Time, Outcome: one.Outcome, Counts: map[string]int{"throttled": one.Throttled}}
		}
		if one.Message == "delivery failed" && l.now.Sub(one.Time) < recently {
			failed[one.Subscription]++
		}
	}
	subscriptions := []diagnosis.Subscription{}
	for name, n := range failed {
		subscriptions = append(subscriptions, diagnosis.Subscription{Name: name, Failed: n})
	}
	l.see(func(s *diagnosis.Seen) { s.Sweeps, s.Subscriptions = sweeps, subscriptions })
	return nil
}
