package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	tree "orderflow.dev"
	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/diagnosis"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/cloudtest"
	"orderflow.dev/local/stack"
)

// silent publishes nothing.
type silent struct{}

func (silent) Publish(context.Context, ...event.Event) error { return errors.New("nobody listens") }

// google answers as Google's APIs do, of a project in which two things are wrong besides.
func google(w http.ResponseWriter, r *http.Request) {
	now := time.Now().UTC().Format(time.RFC3339)
	switch {
	case strings.HasSuffix(r.URL.Path, "/services"):
		fmt.Fprint(w, `{"services": [
			{"name": "projects/p/locations/r/services/place-order", "latestReadyRevision": "a/place-order-00007", "latestCreatedRevision": "a/place-order-00007", "terminalCondition": {"state": "CONDITION_SUCCEEDED"}},
			{"name": "projects/p/locations/r/services/payment", "latestReadyRevision": "a/payment-00007", "latestCreatedRevision": "a/payment-00008", "terminalCondition": {"state": "CONDITION_FAILED", "message": "no such secret"}}]}`)
	case strings.HasSuffix(r.URL.Path, "/fulfil-order"):
		fmt.Fprint(w, `{"state": "ACTIVE", "revisionId": "000003-abc"}`)
	case strings.HasSuffix(r.URL.Path, "entries:list"):
		var q struct{ Filter string }
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || strings.Contains(q.Filter, `"sweep-uploads"`) {
			fmt.Fprint(w, `{}`)
			return
		}
		fmt.Fprintf(w, `{"entries": [{"timestamp": %q, "jsonPayload": {"outcome": "ok", "throttled": 12}}]}`, now)
	case strings.Contains(r.URL.Query().Get("filter"), "oldest_unacked"):
		fmt.Fprint(w, `{"timeSeries": [{"resource": {"labels": {"subscription_id": "notify-customer.OrderConfirmed"}}, "points": [{"value": {"int64Value": "1500"}}, {"value": {"int64Value": "0"}}]}]}`)
	case strings.HasSuffix(r.URL.Path, "-uploads"):
		fmt.Fprint(w, `{"location": "US"}`)
	case strings.HasSuffix(r.URL.Path, "-reports"):
		http.NotFound(w, r)
	default: // instances
		http.Error(w, `{"error": {"status": "PERMISSION_DENIED"}}`, http.StatusForbidden)
	}
}

// TestDoctorFindsWhatIsWrongInAProject seeds the stores and the APIs of a project of its own with troubles, and looks three
// hours later. Not parallel: others' tests look now.
func TestDoctorFindsWhatIsWrongInAProject(t *testing.T) {
	apis := httptest.NewServer(http.HandlerFunc(google))
	t.Cleanup(apis.Close)
	cloudLookBase, lookAt = apis.URL, func() time.Time { return time.Now().Add(3 * time.Hour) }
	t.Cleanup(func() { cloudLookBase, lookAt = "", time.Now })
	project, id, importID := "test-"+cloudtest.NewID()[:12], cloudtest.NewID(), cloudtest.NewID()
	database := func(name string) *store.Firestore {
		db, err := store.Open(t.Context(), project, name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}
	placed := &order.Order{ID: id, NextAttempt: time.Now(), Attempts: 5}
	placed.Journal.Append(&eventv1.OrderCreated{
		OrderId: id, Seq: 1, EventTime: timestamppb.Now(), CustomerId: "c", ExpireTime: timestamppb.New(time.Now().Add(time.Minute)),
		Lines: []*typev1.OrderLine{{Sku: "a", Quantity: 1}}, Total: &typev1.Money{CurrencyCode: "GBP", MinorUnits: 1},
	}, false)
	if err := store.NewOrders(database("orders"), silent{}, time.Now).Create(t.Context(), placed); err != nil {
		t.Fatal(err)
	}
	im := &importing.Import{ID: importID, State: importing.Working, Upload: importing.File{Name: "orders/acme/a.csv"}, NextLook: time.Now(), Created: time.Now()}
	if err := store.NewImports(database("imports")).Create(t.Context(), im); err != nil {
		t.Fatal(err)
	}
	if err := store.NewDeadLetters(database("platform"), time.Now).Park(t.Context(), cloudtest.NewID(), "close-order", "r", confirmed(t, id)); err != nil {
		t.Fatal(err)
	}

	out, _, err := orderflow(t.Context(), "doctor", "--project", project, "--json")
	if exitCode(err) != 1 {
		t.Errorf("the doctor ends with %v, exit code %d, want 1", err, exitCode(err))
	}
	found := findings(t, out)
	for _, want := range []struct {
		check string
		level diagnosis.Level
		says  string
	}{
		{"answers: place-order", diagnosis.OK, "revision place-order-00007"},
		{"answers: payment", diagnosis.Bad, "revision payment-00008 is not ready: no such secret"},
		{"answers: confirm-order", diagnosis.Bad, "not deployed"},
		{"answers: fulfil-order", diagnosis.OK, "000003-abc"},
		{"answers: bucket " + project + "-uploads", diagnosis.OK, "in US"},
		{"answers: bucket " + project + "-reports", diagnosis.Bad, "no such thing"},
		{"clock: Firestore", diagnosis.OK, ""},
		{"unpublished: orders", diagnosis.Bad, "hours"},
		{"unpublished: payments", diagnosis.OK, ""},
		{"orders", diagnosis.Bad, id},
		{"orders", diagnosis.Warn, "3 times or more"},
		{"sagas", diagnosis.Warn, "12"},
		{"dead letters", diagnosis.Bad, "close-order gave up on 1"},
		{"sweep: sweep-orders", diagnosis.Bad, "hours"},
		{"sweep: sweep-uploads", diagnosis.Warn, "no run"},
		{"subscription: notify-customer.OrderConfirmed", diagnosis.Bad, "25 minutes"},
		{"import: " + importID, diagnosis.Bad, "orders/acme/a.csv"},
		{"instances", diagnosis.Unknown, "PERMISSION_DENIED"},
	} {
		if !told(found, want.check, want.level, want.says) {
			t.Errorf("there is no finding %s of %s that says %q in:\n%s", want.level, want.check, want.says, out)
		}
	}
	text, _, _ := orderflow(t.Context(), "doctor", "--project", project)
	has(t, text, "✗  bad", "→ docs/runbook.md, Orders are overdue", "→ orderflow dead-letters --project "+project+" list --function close-order")
}

func findings(t *testing.T, out string) []diagnosis.Finding {
	t.Helper()
	var answer struct {
		Worst    diagnosis.Level
		Findings []diagnosis.Finding
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return answer.Findings
}

func told(found []diagnosis.Finding, check string, level diagnosis.Level, says string) bool {
	for _, f := range found {
		if f.Check == check && f.Level == level && strings.Contains(f.Found, says) {
			return true
		}
	}
	return false
}

func TestDoctorWithoutAnythingToLookAt(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	if _, _, err := orderflow(t.Context(), "doctor"); exitCode(err) != 2 || !strings.Contains(err.Error(), "orderflow up") {
		t.Errorf("without a stack: %v, exit code %d, want 2", err, exitCode(err))
	}
}

// TestDoctorReadsTheStacksLog: which sweep ran when and how, and which deliveries fail.
func TestDoctorReadsTheStacksLog(t *testing.T) {
	t.Parallel()
	now := time.Now()
	at := func(ago time.Duration) string { return now.Add(-ago).Format(time.RFC3339Nano) }
	log := filepath.Join(t.TempDir(), "log.jsonl")
	text := strings.Join([]string{
		`cut off at the beginning"}`,
		`{"time":"` + at(2*time.Minute) + `","function":"sweep-orders","outcome":"unavailable"}`,
		`{"time":"` + at(time.Minute) + `","function":"sweep-orders","outcome":"ok","throttled":3}`,
		`{"time":"` + at(time.Minute) + `","function":"place-order","outcome":"ok"}`,
		`{"time":"` + at(time.Hour) + `","message":"delivery failed","subscription":"old"}`,
		`{"time":"` + at(time.Second) + `","message":"delivery failed","subscription":"new"}`,
		`{"time":"` + at(0) + `","function":"sweep-orders","outcome":"being wri`,
	}, "\n")
	if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	units, err := unit.Load(tree.Tree)
	if err != nil {
		t.Fatal(err)
	}
	l := &look{units: units, now: now}
	if err := (&localLook{l, stack.Endpoints{LogFile: log}}).log(); err != nil {
		t.Fatal(err)
	}
	run := l.seen.Sweeps["sweep-orders"]
	if run.Outcome != "ok" || run.Counts["throttled"] != 3 || !l.seen.Sweeps["sweep-journals"].At.IsZero() || len(l.seen.Sweeps) != 3 {
		t.Errorf("sweeps are %+v", l.seen.Sweeps)
	}
	if s := l.seen.Subscriptions; len(s) != 1 || s[0].Name != "new" || s[0].Failed != 1 {
		t.Errorf("subscriptions are %+v", s)
	}
}

// TestDoctorAsksEveryPart: one that does not answer is found.
func TestDoctorAsksEveryPart(t *testing.T) {
	t.Parallel()
	up := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(up.Close)
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	t.Cleanup(broken.Close)
	host := strings.TrimPrefix(up.URL, "http://")
	l := &localLook{&look{seen: diagnosis.Seen{Clocks: map[string]time.Duration{}}}, stack.Endpoints{
		Gateway: broken.URL, Issuer: up.URL, Provider: up.URL, Inventory: down.URL, Payment: up.URL, Storage: up.URL, Workflows: host,
		Firestore: host, PubSub: strings.TrimPrefix(down.URL, "http://"),
	}}
	for check, step := range l.steps() {
		if strings.HasPrefix(check, "answers: ") {
			if err := step(t.Context()); err != nil {
				t.Errorf("%s: %v", check, err)
			}
		}
	}
	for _, p := range l.seen.Parts {
		if wrong := p.Name == "gateway" || p.Name == "inventory" || p.Name == "Pub/Sub"; (p.Err != nil) != wrong {
			t.Errorf("%s: %v", p.Name, p.Err)
		}
	}
	if len(l.seen.Parts) != 9 || len(l.seen.Clocks) != 2 {
		t.Errorf("parts %v, clocks %v", l.seen.Parts, l.seen.Clocks)
	}
}

// TestAClockThatAnswersSlowlyIsRight: only what lies outside of the time of asking is wrong.
func TestAClockThatAnswersSlowlyIsRight(t *testing.T) {
	t.Parallel()
	l := &look{seen: diagnosis.Seen{Clocks: map[string]time.Duration{}}}
	asked := time.Now().Add(-20 * time.Second) // and the answer is here now
	l.clock("at first", asked, asked.Add(time.Millisecond))
	l.clock("at last", asked, time.Now())
	l.clock("ahead", asked, time.Now().Add(time.Hour))
	l.clock("behind", asked, asked.Add(-time.Hour))
	for name, want := range map[string]time.Duration{"at first": 0, "at last": 0, "ahead": time.Hour, "behind": -time.Hour} {
		if got := l.seen.Clocks[name]; got.Round(time.Minute) != want {
			t.Errorf("%s: %s from ours, want %s", name, got, want)
		}
	}
}
