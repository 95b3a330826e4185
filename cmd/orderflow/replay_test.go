package main

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/internal/archive"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/cloudtest"
)

// archived puts messages into the archive of the tests' project, as published so long ago.
func archived(t *testing.T, ago time.Duration, messages ...event.Message) {
	t.Helper()
	var records []archive.Record
	for _, m := range messages {
		records = append(records, archive.Record{MessageID: cloudtest.NewID(), PublishTime: time.Now().Add(-ago), Attributes: m.Attributes, Data: m.Data})
	}
	file, err := archive.Encode(records)
	if err != nil {
		t.Fatal(err)
	}
	name := archive.Name(messages[0].Attributes["ce-type"], time.Now().Add(-ago), cloudtest.NewID())
	w := cloudtest.Bucket(t, archive.Bucket).Create(t.Context(), name, archive.ContentType, nil)
	if _, err := w.Write(file); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// replaying runs a replay in the tests' project, and fails the test if it fails.
func replaying(t *testing.T, args ...string) string {
	t.Helper()
	out, _, err := orderflow(t.Context(), append([]string{"replay", "--project", cloudtest.Project()}, args...)...)
	if err != nil {
		t.Fatalf("%s: %v", args, err)
	}
	return out
}

func TestArchivedEventsAreReplayedAsTheyWere(t *testing.T) {
	t.Parallel()
	order := cloudtest.NewID()
	m := confirmed(t, order)
	archived(t, time.Hour, m, m, confirmed(t, cloudtest.NewID()))
	archived(t, 3*time.Hour, confirmed(t, order))
	tap := cloudtest.NewTap(t, m.Attributes["ce-type"])
	has(t, replaying(t, "--from", "2h", "--order", order, "--reason", "r", "--dry-run"), "OrderConfirmed", "1 the same event again", "about other orders")
	if sent := tap.About(order); len(sent) != 0 {
		t.Errorf("a dry run published %v", sent)
	}
	out := replaying(t, "--from", "2h", "--order", order, "--reason", "mail is back", "--by", "ann", "--function", "notify-customer")
	has(t, out, "1 of 1 events published again")
	sent := tap.About(order)
	if len(sent) != 1 {
		t.Fatalf("%d messages were published, want 1:\n%s", len(sent), out)
	}
	want, got := maps.Clone(m.Attributes), sent[0].Attributes
	want["ce-replayfor"], want["ce-replay"] = "notify-customer", got["ce-replay"]
	maps.DeleteFunc(got, func(name, _ string) bool { return strings.HasPrefix(name, "googclient_") }) // the schema's
	if diff := cmp.Diff(want, got); diff != "" || string(sent[0].Data) != string(m.Data) || got["ce-replay"] == "" {
		t.Errorf("replayed (-archived +published):\n%s", diff)
	}
	has(t, replaying(t, "list"), got["ce-replay"], "ann", "mail is back", "for notify-customer about "+order)
}

func TestAReplaySaysWhatAndWhy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, want string }{
		{"--reason r", `"from" not set`},
		{"--from 1h", `"reason" not set`},
		{"--from yesterday --reason r", "--from \"yesterday\": write a time as"},
		{"--from -1h --reason r", "--from \"-1h\": write a time as"},
		{"--from 1h --to 2h --reason r", "there is no time between"},
		{"--from 2026-01-02T00:00:00Z --to 2026-01-01T00:00:00Z --reason r", "there is no time between"},
		{"--from 1h --reason r --rate 0", "--rate"},
		{"--from 1h --reason r --late 169h", "--late"},
		{"--from 1h --reason r --function place-order", "no function of that name takes events"},
		{"--from 1h --reason r --type OrderLost", "orderflow knows ImportChunk, "},
		{"--from 1h --reason r --function notify-customer --type OrderCreated", "notify-customer knows OrderCancelled, OrderConfirmed"},
	} {
		_, _, err := orderflow(t.Context(), append([]string{"replay", "--project", cloudtest.Project()}, strings.Fields(c.args)...)...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.args, err, c.want)
		}
	}
}

func TestTypesOfAReplay(t *testing.T) {
	t.Parallel()
	units := []unit.Unit{
		{Name: "f", Publishes: []string{"A", "B"}, Trigger: unit.Trigger{Events: []unit.Event{{Type: "C"}, {Type: "D"}}}},
		{Name: "g", Publishes: []string{"C"}, Trigger: unit.Trigger{Events: []unit.Event{{Type: "A"}}}},
	}
	for name, c := range map[string]struct {
		function string
		asked    []string
		want     string
	}{
		"all there are":         {"", nil, "A, B, C, D"},
		"of a function":         {"f", nil, "C, D"},
		"some":                  {"", []string{"D", "B", "D"}, "B, D"},
		"by the whole name":     {"f", []string{"orderflow.event.v1.C"}, "C"},
		"of one that has fewer": {"g", []string{"A"}, "A"},
	} {
		types, err := typesOf(units, c.function, c.asked)
		if got := shortNames(types); err != nil || got != c.want {
			t.Errorf("%s: %s, error %v, want %s", name, got, err, c.want)
		}
	}
}
