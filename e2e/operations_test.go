package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// operations are what one order costs: billed operations, counted by the clients and told in the log.
type operations struct {
	Reads, Writes, Publishes, Deliveries, Invocations, Steps int
}

func (o operations) less(than operations) bool {
	sum := func(o operations) int {
		return o.Reads + o.Writes + o.Publishes + o.Deliveries + o.Invocations + o.Steps
	}
	return sum(o) < sum(than)
}

const operationsFile = "../docs/operations.md"

// TestWhatAnOrderCosts counts the operations of one order per ending and holds them to the committed table: one
// operation more, or fewer, fails. A redelivery or a sweep can add to a count, never take from it, so each ending
// is measured a few times and its least counts.
func TestWhatAnOrderCosts(t *testing.T) {
	want, err := os.ReadFile(operationsFile)
	if err != nil && !*update {
		t.Fatal(err)
	}
	best := map[string]operations{}
	var got []byte
	for range 4 {
		measureAll(t, best)
		if got = operationsTable(best); bytes.Equal(got, want) {
			return
		}
	}
	if *update {
		if err := os.WriteFile(operationsFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("the operations of an order changed; if that is meant, run go test ./e2e -run TestWhatAnOrderCosts -update\nwant\n%s\ngot\n%s", want, got)
}

func measureAll(t *testing.T, best map[string]operations) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	for _, s := range Scenarios {
		if !measured(s) || s.Reason == "expired" && best[s.Name].Writes > 0 {
			continue // expiry is slow, and nothing in it varies
		}
		o, err := s.Run(ctx, World{Customer: customer(t, "costs"), AtProvider: func(ctx context.Context, id string) error {
			await(ctx, t, id, func(c counted) bool { return c.sagasEnded == 1 })
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		n := await(ctx, t, o.GetOrderId(), func(c counted) bool { return c.notified && c.sagasEnded == c.sagasStarted }).operations
		if b, ok := best[s.Name]; !ok || n.less(b) {
			best[s.Name] = n
		}
	}
}

// measured leaves out the endings in which a cancellation races with a saga: what they cost depends on who wins where.
func measured(s Scenario) bool {
	return s.Name != "cancelled before payment" && s.Name != "cancelled inside the charge"
}

// counted is what the log says of one order.
type counted struct {
	operations
	sagasStarted, sagasEnded int
	notified                 bool
}

func await(ctx context.Context, t *testing.T, orderID string, done func(counted) bool) counted {
	for {
		c := count(t, orderID)
		if done(c) {
			return c
		}
		select {
		case <-ctx.Done():
			t.Fatalf("order %s: the log says no more than %+v", orderID, c)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// count adds up the log lines of an order: those that name it, and those of the trace that it began.
func count(t *testing.T, orderID string) (n counted) {
	raw, err := os.ReadFile(local.LogFile)
	if err != nil {
		t.Fatal(err)
	}
	type logLine struct {
		Function  string `json:"function"`
		OrderID   string `json:"order_id"`
		Trace     string `json:"logging.googleapis.com/trace"`
		Event     string `json:"event_type"`
		Outcome   string `json:"outcome"`
		Reads     int    `json:"reads"`
		Writes    int    `json:"writes"`
		Publishes int    `json:"publishes"`
		Calls     int    `json:"calls"`
		Steps     int    `json:"steps"`
	}
	var lines []logLine
	trace := ""
	for l := range strings.Lines(string(raw)) {
		var v logLine
		if json.Unmarshal([]byte(l), &v) != nil {
			continue // the last line may be half written
		}
		lines = append(lines, v)
		if v.OrderID == orderID && v.Function == "place-order" {
			trace = v.Trace
		}
	}
	for _, l := range lines {
		if l.OrderID != orderID && (trace == "" || l.Trace != trace) || l.Function == "get-order" || l.Outcome == "" {
			continue
		}
		n.Reads, n.Writes, n.Publishes, n.Steps = n.Reads+l.Reads, n.Writes+l.Writes, n.Publishes+l.Publishes, n.Steps+l.Steps
		switch {
		case l.Steps > 0: // an execution's end
			n.sagasEnded++
		case l.Event != "":
			n.Deliveries++
			n.Invocations++
		default:
			n.Invocations++
		}
		if l.Function == "start-fulfilment" && l.Calls > 0 {
			n.sagasStarted++
		}
		n.notified = n.notified || l.Function == "notify-customer"
	}
	return n
}

func operationsTable(best map[string]operations) []byte {
	var b bytes.Buffer
	b.WriteString(`# What an order costs

Billed operations of one order of one line, by how it ends: Firestore document reads and writes, Pub/Sub publishes and
deliveries, invocations of functions and services, and Workflows steps (our engine's count, by the published rule; not
yet compared with an invoice). Counted by the clients, told in the log line of each invocation, added up by trace and
order id. A test holds this table: one operation more fails (` + "`go test ./e2e -run TestWhatAnOrderCosts`" + `).
Each further line adds one read and one write (its stock). The sweeps' own queries are not any order's, and an order
cancelled while its saga runs is not here: what that costs depends on who wins where. Nor is the archive: Pub/Sub itself
writes each published event once more ([what that costs](costs.md)).

`)
	t := tabwriter.NewWriter(&b, 0, 0, 1, ' ', tabwriter.Debug|tabwriter.AlignRight)
	row := func(cells ...any) { fmt.Fprintf(t, strings.Repeat("%v \t", len(cells))+"\n", cells...) }
	row("Ending", "Reads", "Writes", "Publishes", "Deliveries", "Invocations", "Steps")
	row("---", "--:", "--:", "--:", "--:", "--:", "--:")
	for _, s := range Scenarios {
		if !measured(s) {
			continue
		}
		n := best[s.Name]
		row(s.Name, n.Reads, n.Writes, n.Publishes, n.Deliveries, n.Invocations, n.Steps)
	}
	t.Flush()
	var out bytes.Buffer
	for l := range strings.Lines(b.String()) {
		if i := strings.Index(l, "|"); i >= 0 && strings.Count(l, "|") > 3 {
			l = "|" + l
		}
		out.WriteString(l)
	}
	return out.Bytes()
}
