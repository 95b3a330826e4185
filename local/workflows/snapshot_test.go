package workflows

import (
	"context"
	"encoding/json"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/wal"
)

// TestASnapshotIsTheEngineAndMayBeReplayedTwice holds also while a record of the log tells what the snapshot knows.
func TestASnapshotIsTheEngineAndMayBeReplayedTwice(t *testing.T) {
	t.Parallel()
	w, err := Compile("w.yaml", []byte(`
main:
  params: [n]
  steps:
  - maybe: {switch: [{condition: "${n == 2}", raise: no}]}
  - done: {return: "${n}"}
`))
	if err != nil {
		t.Fatal(err)
	}
	before := NewEngine(Options{})
	before.Deploy("w", w)
	for _, argument := range []string{"1", "2", "3"} {
		if _, err := before.Run(t.Context(), "w", json.RawMessage(argument)); err != nil {
			t.Fatal(err)
		}
	}
	began := before.replayed(record{
		Execution: &Execution{Name: "began", Workflow: "w", State: Active, Argument: json.RawMessage("4")}, Sequence: 9,
	})
	var records [][]byte
	if err := (*part)(before).Snapshot(func(r []byte) error {
		records = append(records, slices.Clone(r))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	records = append(records, began.record())
	after := NewEngine(Options{})
	for range 2 {
		for _, r := range records {
			if err := (*part)(after).Replay(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff(before.Executions("w"), after.Executions("w")); diff != "" {
		t.Errorf("executions (-before +after):\n%s", diff)
	}
	if n := len(after.store.done); n != 3 {
		t.Errorf("%d executions are known to have ended, want 3", n)
	}
	if n := len(after.Executions("w")); n != 4 {
		t.Errorf("%d executions, want 4", n)
	}
}

// TestExecutionsAreListedByCreationThoughOneComesBack: an execution that a snapshot had forgotten is in the log yet.
func TestExecutionsAreListedByCreationThoughOneComesBack(t *testing.T) {
	t.Parallel()
	e := NewEngine(Options{})
	for _, sequence := range []int64{2, 3, 1} {
		x := Execution{Name: string(rune('a' + sequence)), Workflow: "w", State: Active}
		text, err := json.Marshal(record{Execution: &x, Sequence: sequence})
		if err != nil {
			t.Fatal(err)
		}
		if err := (*part)(e).Replay(text); err != nil {
			t.Fatal(err)
		}
	}
	var names string
	for _, x := range e.Executions("w") {
		names += x.Name
	}
	if names != "dcb" {
		t.Errorf("executions %s, want dcb", names)
	}
	if last := e.store.sequence; last != 3 {
		t.Errorf("the last execution was number %d, want 3", last)
	}
}

func TestARequestThatIsCancelledDoesNotWaitForTheDisk(t *testing.T) {
	t.Parallel()
	log, err := wal.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	e := NewEngine(Options{Journal: log})
	if err := log.Recover(); err != nil {
		t.Fatal(err)
	}
	e.journal.last = 1 << 40 // never on the disk
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.journal.kept(ctx); status.Code(err) != codes.Canceled {
		t.Errorf("kept = %v, want CANCELLED", err)
	}
}

func TestARecordThatIsNoExecutionIsRefused(t *testing.T) {
	t.Parallel()
	if err := (*part)(NewEngine(Options{})).Replay([]byte("{")); err == nil {
		t.Error("no error")
	}
}

// TestASnapshotHasTheCallsOfWhatHasNotEnded takes a snapshot of an execution in its second call.
func TestASnapshotHasTheCallsOfWhatHasNotEnded(t *testing.T) {
	t.Parallel()
	w, err := Compile("w.yaml", []byte(`[{a: {call: sys.sleep, args: {seconds: 0.001}}}, {b: {call: sys.sleep, args: {seconds: 3600}}}]`))
	if err != nil {
		t.Fatal(err)
	}
	engine := func() *Engine {
		log, err := wal.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		e := NewEngine(Options{Journal: log})
		if err := log.Recover(); err != nil {
			t.Fatal(err)
		}
		e.Deploy("w", w)
		t.Cleanup(func() { e.Close(); _ = log.Close() })
		return e
	}
	before := engine()
	ex, err := before.create("w", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for calls := 0; calls < 3; runtime.Gosched() { // when the first sleep began, that it ended, when the second began
		ex.mu.Lock()
		calls = len(ex.calls)
		ex.mu.Unlock()
	}
	later := before
	for range 2 { // what was replayed is in a snapshot, too
		var records [][]byte
		err := (*part)(later).Snapshot(func(r []byte) error {
			records = append(records, slices.Clone(r))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		later = engine()
		for _, r := range records {
			if err := (*part)(later).Replay(r); err != nil {
				t.Fatal(err)
			}
		}
		got := later.store.get(ex.state.Name)
		if len(got.recorded.calls) != 3 || len(got.recorded.order) != 1 || got.source == nil {
			t.Errorf("recorded %v in the order %v, of %v", got.recorded.calls, got.recorded.order, got.source)
		}
	}
}
