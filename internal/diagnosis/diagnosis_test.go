package diagnosis_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"orderflow.dev/internal/diagnosis"
)

var now = time.Date(2026, 11, 1, 3, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

// healthy is a pipeline in which everything was looked at and nothing is wrong.
func healthy() diagnosis.Seen {
	run := diagnosis.Run{At: ago(30 * time.Second), Outcome: "ok", Counts: map[string]int{"due": 3}}
	return diagnosis.Seen{
		At:            now,
		Parts:         []diagnosis.Part{{Name: "gateway"}},
		Clocks:        map[string]time.Duration{"orders": -40 * time.Millisecond},
		Unpublished:   map[string]time.Time{"orders": {}, "payments": ago(5 * time.Second)},
		Orders:        &diagnosis.Orders{Unfinished: []diagnosis.Order{{ID: "o1", Expires: now.Add(time.Hour), Attempts: 1}}},
		DeadLetters:   []diagnosis.DeadLetter{},
		Sweeps:        map[string]diagnosis.Run{"sweep-orders": run, "sweep-journals": run},
		Subscriptions: []diagnosis.Subscription{{Name: "notify-customer.OrderConfirmed", Oldest: time.Second}},
		Imports:       []diagnosis.Import{{ID: "i1", Name: "a.csv", Changed: ago(time.Minute)}},
		Limits:        []diagnosis.Limit{{Unit: "place-order", Timeout: 10 * time.Second, Waits: 5 * time.Second, Instances: 50, Used: 3}},
	}
}

func TestAHealthyPipelineIsOK(t *testing.T) {
	t.Parallel()
	found := diagnosis.Diagnose(healthy())
	if len(found) < 9 {
		t.Errorf("%d findings: something that was looked at is not told: %+v", len(found), found)
	}
	for _, f := range found {
		if f.Level != diagnosis.OK || f.Do != "" || f.Found == "" {
			t.Errorf("%+v, want ok and nothing to do", f)
		}
	}
}

// TestTroublesAreFound: each is the only one there is, is found, says what it is about, and leads to a heading of the runbook
// that exists.
func TestTroublesAreFound(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spoil func(*diagnosis.Seen)
		level diagnosis.Level
		check string
		says  string
	}{
		"a part that does not answer": {func(s *diagnosis.Seen) { s.Parts[0].Err = errors.New("connection\nrefused") }, diagnosis.Bad, "answers: gateway", "connection refused"},
		"the same in a project":       {func(s *diagnosis.Seen) { s.Project, s.Parts[0].Err = "p", errors.New("not ready") }, diagnosis.Bad, "answers: gateway", "not ready"},
		"a clock that is ahead":       {func(s *diagnosis.Seen) { s.Clocks["orders"] = 3 * time.Second }, diagnosis.Warn, "clock: orders", "+3.0 s"},
		"a clock far behind":          {func(s *diagnosis.Seen) { s.Clocks["orders"] = -time.Hour }, diagnosis.Bad, "clock: orders", "-3600.0 s"},
		"an event not yet published":  {func(s *diagnosis.Seen) { s.Unpublished["orders"] = ago(3 * time.Minute) }, diagnosis.Warn, "unpublished: orders", "3 minutes"},
		"an event never published":    {func(s *diagnosis.Seen) { s.Unpublished["payments"] = ago(49 * time.Hour) }, diagnosis.Bad, "unpublished: payments", "2 days"},
		"an order overdue":            {func(s *diagnosis.Seen) { s.Orders.Unfinished[0].Expires = ago(16 * time.Minute) }, diagnosis.Bad, "orders", "o1"},
		"an order long cancelling":    {func(s *diagnosis.Seen) { s.Orders.Unfinished[0].Cancelling = ago(11 * time.Minute) }, diagnosis.Warn, "orders", "cancelling"},
		"an order tried often":        {func(s *diagnosis.Seen) { s.Orders.Unfinished[0].Attempts = 3 }, diagnosis.Warn, "orders", "3 times"},
		"sagas throttled":             {func(s *diagnosis.Seen) { s.Sweeps["sweep-orders"].Counts["throttled"] = 7 }, diagnosis.Warn, "sagas", "refused to start 7"},
		"a dead letter": {func(s *diagnosis.Seen) {
			s.DeadLetters = []diagnosis.DeadLetter{{"notify-customer", ago(time.Hour)}, {"notify-customer", ago(3 * time.Hour)}}
		}, diagnosis.Bad, "dead letters", "2 events, the oldest 3 hours"},
		"a sweep that failed": {func(s *diagnosis.Seen) { s.Sweeps["sweep-journals"] = diagnosis.Run{At: now, Outcome: "unavailable"} }, diagnosis.Bad, "sweep: sweep-journals", "unavailable"},
		"a sweep that is late": {func(s *diagnosis.Seen) {
			s.Sweeps["sweep-journals"] = diagnosis.Run{At: ago(4 * time.Minute), Outcome: "ok"}
		}, diagnosis.Warn, "sweep: sweep-journals", "4 minutes"},
		"a sweep that is gone":  {func(s *diagnosis.Seen) { s.Sweeps["sweep-journals"] = diagnosis.Run{At: ago(time.Hour), Outcome: "ok"} }, diagnosis.Bad, "sweep: sweep-journals", "60 minutes"},
		"a sweep never seen":    {func(s *diagnosis.Seen) { s.Sweeps["sweep-uploads"] = diagnosis.Run{} }, diagnosis.Warn, "sweep: sweep-uploads", "no run"},
		"messages that wait":    {func(s *diagnosis.Seen) { s.Subscriptions[0].Oldest = 11 * time.Minute }, diagnosis.Bad, "subscription: notify-customer.OrderConfirmed", "11 minutes"},
		"deliveries that fail":  {func(s *diagnosis.Seen) { s.Subscriptions[0].Failed = 4 }, diagnosis.Warn, "subscription: notify-customer.OrderConfirmed", "4 deliveries"},
		"an import that stands": {func(s *diagnosis.Seen) { s.Imports[0].Changed = ago(2 * time.Hour) }, diagnosis.Bad, "import: i1", "a.csv"},
		"instances all in use":  {func(s *diagnosis.Seen) { s.Limits[0].Used = 46 }, diagnosis.Warn, "limits", "46 of its 50"},
		"times in wrong order":  {func(s *diagnosis.Seen) { s.Limits[0].Waits = 12 * time.Second }, diagnosis.Warn, "limits", "12s"},
		"what was not seen":     {func(s *diagnosis.Seen) { s.Unseen = map[string]error{"imports": errors.New("permission denied")} }, diagnosis.Unknown, "imports", "permission denied"},
	} {
		s := healthy()
		c.spoil(&s)
		found := diagnosis.Diagnose(s)
		var troubles []diagnosis.Finding
		for _, f := range found {
			if f.Level != diagnosis.OK {
				troubles = append(troubles, f)
			}
		}
		if len(troubles) != 1 || diagnosis.Worst(found) != c.level {
			t.Errorf("%s: found %+v, want one of level %s", name, troubles, c.level)
			continue
		}
		f := troubles[0]
		if f.Level != c.level || f.Check != c.check || !strings.Contains(f.Found, c.says) || f.Do == "" {
			t.Errorf("%s: %+v, want %s of %s that says %q, and what to do", name, f, c.level, c.check, c.says)
		}
		if _, heading, ok := strings.Cut(f.Do, "docs/runbook.md, "); ok && !strings.Contains(string(page), "# "+heading+"\n") {
			t.Errorf("%s: the runbook has no heading %q", name, heading)
		}
	}
}
