package storage_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/storage"
)

func TestRestartKeepsEverything(t *testing.T) {
	t.Parallel()
	b := start(t, storage.Options{})
	b.put("gone", "x")
	b.put("o", "old")
	b.put("o", "content")
	b.ask("PATCH", objectPath("o"), `{"metadata":{"k":"v"}}`)
	b.ask("DELETE", objectPath("gone"), "")
	before := b.stat("o")
	for range 3 {
		b.restart()
		if diff := cmp.Diff(before, b.stat("o")); diff != "" {
			t.Errorf("after a restart (-before +after):\n%s", diff)
		}
		b.want("content", b.ask("GET", "/bucket/o", ""), 200, "content")
		b.want("what was deleted", b.ask("GET", objectPath("gone"), ""), 404, "")
	}
	if n := b.files("data"); n != 1 {
		t.Errorf("%d files of content, want 1", n)
	}
	after := b.put("o", "x")
	if number(t, after.Generation) <= number(t, before.Generation) {
		t.Errorf("generation %s after %s", after.Generation, before.Generation)
	}
}

func number(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Error(err)
	}
	return n
}

func TestJournalThatBrokeOff(t *testing.T) {
	t.Parallel()
	b := start(t, storage.Options{})
	b.put("o", "x")
	journal := b.options.Dir + "/journal.jsonl"
	whole, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	rewrite := func(text string) {
		if err := os.WriteFile(journal, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rewrite(string(whole) + `{"put":{"name":"half`)
	if err := os.WriteFile(b.options.Dir+"/data/12345", []byte("of no object"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.restart()
	b.want("before the end", b.ask("GET", "/bucket/o", ""), 200, "x")
	if n := b.files("data"); n != 1 {
		t.Errorf("%d files of content, want 1", n)
	}
	rewrite("nonsense\n" + string(whole))
	if _, err := storage.Open(b.options); err == nil || !strings.Contains(err.Error(), "journal.jsonl, line 1, is damaged") {
		t.Errorf("Open: %v", err)
	}
	rewrite(string(whole))
}

// TestGenerationsRiseThoughTheClockWentBack: the journal knows of one in the year 2096.
func TestGenerationsRiseThoughTheClockWentBack(t *testing.T) {
	t.Parallel()
	o := storage.Options{Dir: t.TempDir()}
	if err := os.WriteFile(o.Dir+"/journal.jsonl", []byte(`{"generation":4000000000000000}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := start(t, o)
	for want := int64(4000000000000001); want < 4000000000000004; want++ {
		if got := number(t, b.put("o", "x").Generation); got != want {
			t.Errorf("generation %d, want %d", got, want)
		}
		b.restart()
	}
}

func TestGenerationsRise(t *testing.T) {
	t.Parallel()
	b := start(t, storage.Options{})
	var last int64
	for i := range 50 {
		o := b.put(fmt.Sprint("o", i%3), "x")
		if g := number(t, o.Generation); g <= last || g < 1e15 {
			t.Fatalf("generation %d after %d", g, last)
		} else {
			last = g
		}
	}
}
