package workflows

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestStepEntriesNavigate: entries know the ones before, after, around and in
// them, also where the trace has lost some.
func TestStepEntriesNavigate(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	x := Execution{Name: "x", Trace: []StepTrace{
		{ID: 1, Type: "STEP_CALL", Routine: "main", Step: "a", Start: begin, End: begin.Add(time.Second)},
		{ID: 2, Parent: 1, Type: "STEP_RETURN", Routine: "sub", Step: "b", Start: begin, End: begin.Add(time.Millisecond)},
		{ID: 3, Parent: 1, Previous: 2, Thread: 7, Routine: "sub", Step: "c", Start: begin},
		{ID: 4, Previous: 1, Routine: "main", Step: "d", Start: begin, End: begin, Error: `RuntimeError: "say"`, Payload: `"say \"no\""`},
		{ID: 6, Previous: 5, Parent: 99, Routine: "main", Step: "e", Start: begin, End: begin},
	}}
	want := []string{
		`{"name":"x/stepEntries/1","createTime":"2026-01-02T02:04:05Z","updateTime":"2026-01-02T02:04:06Z","routine":"main","step":"a",` +
			`"stepType":"STEP_CALL","state":"STATE_SUCCEEDED","entryId":"1","navigationInfo":{"next":"4","children":["2","3"]}}`,
		`{"name":"x/stepEntries/2","createTime":"2026-01-02T02:04:05Z","updateTime":"2026-01-02T02:04:05.001Z","routine":"sub","step":"b",` +
			`"stepType":"STEP_RETURN","state":"STATE_SUCCEEDED","entryId":"2","navigationInfo":{"parent":"1","next":"3"}}`,
		`{"name":"x/stepEntries/3","createTime":"2026-01-02T02:04:05Z","updateTime":"2026-01-02T02:04:05Z","routine":"sub","step":"c",` +
			`"state":"STATE_IN_PROGRESS","entryId":"3","navigationInfo":{"parent":"1","previous":"2"},"stepEntryMetadata":{"threadId":"7"}}`,
		`{"name":"x/stepEntries/4","createTime":"2026-01-02T02:04:05Z","updateTime":"2026-01-02T02:04:05Z","routine":"main","step":"d",` +
			`"state":"STATE_FAILED","exception":{"payload":"\"say \\\"no\\\"\""},"entryId":"4","navigationInfo":{"previous":"1"}}`,
		`{"name":"x/stepEntries/6","createTime":"2026-01-02T02:04:05Z","updateTime":"2026-01-02T02:04:05Z","routine":"main","step":"e",` +
			`"state":"STATE_SUCCEEDED","entryId":"6","navigationInfo":{"parent":"99","previous":"5"}}`,
	}
	for i, e := range stepEntries(x) {
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[i], string(text)); diff != "" {
			t.Errorf("entry %d (-want +got):\n%s", i, diff)
		}
	}
}
