package workflows

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"cloud.google.com/go/workflows/apiv1/workflowspb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	"orderflow.dev/local/wal"
)

// life is an engine over a log, and what it should have deployed.
type life struct {
	*Engine
	log  *wal.Log
	dir  string
	want map[string]*modelled
}

// modelled is what a workflow should be.
type modelled struct {
	sources     []string // of its revisions
	description string
	executions  int
}

func (l *life) begin(t *rapid.T) {
	var err error
	if l.log, err = wal.Open(l.dir); err != nil {
		t.Fatal(err)
	}
	l.Engine = NewEngine(Options{Journal: l.log})
	if err := l.log.Recover(); err != nil {
		t.Fatal(err)
	}
	if err := l.Resume(); err != nil {
		t.Fatal(err)
	}
}

func (l *life) end(t *rapid.T) {
	l.Close()
	if err := l.log.Close(); err != nil {
		t.Fatal(err)
	}
}

func ask(source, description string) *workflowspb.Workflow {
	return &workflowspb.Workflow{Description: description, SourceCode: &workflowspb.Workflow_SourceContents{SourceContents: source}}
}

// step does one thing to the engine and to the model, and compares the answers.
func (l *life) step(t *rapid.T) {
	id := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "id")
	source := fmt.Sprintf("- done: {return: %d}", rapid.IntRange(0, 2).Draw(t, "source"))
	description := rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "description")
	m, ctx := l.want[id], context.Background()
	var err error
	wrong := codes.NotFound
	switch what := rapid.SampledFrom([]string{"create", "update", "describe", "delete", "run", "restart"}).Draw(t, "what"); what {
	case "create":
		_, err = l.createDefinition(ctx, id, ask(source, description))
		if m != nil {
			wrong, m = codes.AlreadyExists, nil
			break
		}
		m = &modelled{[]string{source}, description, 0}
		l.want[id] = m
	case "update", "describe":
		paths := map[string][]string{"update": {"source_contents"}, "describe": {"description"}}[what]
		_, err = l.updateDefinition(ctx, id, ask(source, description), paths)
		switch {
		case m == nil:
		case what == "describe":
			m.description = description
		case m.sources[len(m.sources)-1] != source:
			m.sources = append(m.sources, source)
		}
	case "delete":
		err = l.deleteDefinition(ctx, id)
		delete(l.want, id)
	case "run":
		if _, err = l.Run(ctx, id, nil); m != nil {
			m.executions++
		}
	case "restart":
		l.end(t)
		l.begin(t)
		return
	}
	if (err == nil) != (m != nil) || err != nil && status.Code(err) != wrong {
		t.Fatalf("%v, but the model has %+v", err, m)
	}
}

// check compares the engine with the model.
func (l *life) check(t *rapid.T) {
	if n := len(l.shownWorkflows()); n != len(l.want) {
		t.Fatalf("%d workflows, want %d", n, len(l.want))
	}
	for id, m := range l.want {
		all, err := l.shownRevisions(id)
		if err != nil {
			t.Fatal(err)
		}
		var sources []string
		for i, w := range all {
			sources = append(sources, w.GetSourceContents())
			if w.Description != m.description || w.RevisionId[:6] != fmt.Sprintf("%06d", i+1) || w.Name != l.workflowName(id) {
				t.Errorf("revision %d of %s: %v, want %+v", i+1, id, w, m)
			}
		}
		if diff := cmp.Diff(m.sources, sources); diff != "" {
			t.Errorf("sources of %s (-want +got):\n%s", id, diff)
		}
		if n := len(l.Executions(id)); n != m.executions {
			t.Errorf("%d executions of %s, want %d", n, id, m.executions)
		}
	}
}

// TestDefinitionsAreWhatTheModelSays through changes and restarts.
func TestDefinitionsAreWhatTheModelSays(t *testing.T) {
	t.Parallel()
	dir, lives := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		lives++
		l := &life{dir: filepath.Join(dir, fmt.Sprint(lives)), want: map[string]*modelled{}}
		l.begin(t)
		defer func() { l.Close(); _ = l.log.Close(); _ = os.RemoveAll(l.dir) }()
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			l.step(t)
			l.check(t)
		}
		l.end(t)
		l.begin(t)
		l.check(t)
	})
}

// TestASnapshotOfDefinitionsMayMeetTheRecordsItKnows: the log is replayed from
// before the snapshot on.
func TestASnapshotOfDefinitionsMayMeetTheRecordsItKnows(t *testing.T) {
	t.Parallel()
	before, ctx := NewEngine(Options{}), t.Context()
	var log [][]byte
	note := func(id string) {
		d := before.definitions.byID[id]
		log = append(log, d.encode(id, d.latest()))
	}
	for _, id := range []string{"a", "b", "c"} {
		if _, err := before.createDefinition(ctx, id, ask("- a: {return: 1}", "")); err != nil {
			t.Fatal(err)
		}
		note(id)
	}
	for _, source := range []string{"- a: {return: 2}", "- a: {return: 3}"} {
		if _, err := before.updateDefinition(ctx, "a", ask(source, "d"), []string{"source_contents", "description"}); err != nil {
			t.Fatal(err)
		}
		note("a")
	}
	for _, id := range []string{"b", "c"} {
		if err := before.deleteDefinition(ctx, id); err != nil {
			t.Fatal(err)
		}
		log = append(log, []byte(`{"ID":"`+id+`"}`))
	}
	if _, err := before.createDefinition(ctx, "c", ask("- a: {return: 4}", "")); err != nil {
		t.Fatal(err)
	}
	note("c")

	after := NewEngine(Options{})
	var records [][]byte
	if err := (*definitionsPart)(before).Snapshot(func(r []byte) error { records = append(records, r); return nil }); err != nil {
		t.Fatal(err)
	}
	for _, r := range slices.Concat(records, log) {
		if err := (*definitionsPart)(after).Replay(r); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"a", "b", "c"} {
		want, _ := before.shownRevisions(id)
		got, _ := after.shownRevisions(id)
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("%s (-before +after):\n%s", id, diff)
		}
	}
}

func TestRecordsThatAreNoWorkflowAreRefused(t *testing.T) {
	t.Parallel()
	for _, w := range []*workflowspb.Workflow{
		{RevisionId: "000001-abc"},
		{RevisionId: "abc", SourceCode: ask("- a: {return: 1}", "").SourceCode},
		{RevisionId: "x-abc", SourceCode: ask("- a: {return: 1}", "").SourceCode},
	} {
		text := (&definition{resource: w}).encode("a", &revision{name: w.RevisionId, resource: w})
		if err := (*definitionsPart)(NewEngine(Options{})).Replay(text); err == nil {
			t.Errorf("%v is replayed", w)
		}
	}
	for _, text := range []string{"{", `{"ID":"a","Resource":"/////w=="}`} {
		if err := (*definitionsPart)(NewEngine(Options{})).Replay([]byte(text)); err == nil {
			t.Errorf("%s is replayed", text)
		}
	}
}

// TestDeletingDoesNotWaitLongerThanItsCaller: an execution that deletes its own
// workflow ends after that.
func TestDeletingDoesNotWaitLongerThanItsCaller(t *testing.T) {
	t.Parallel()
	e := NewEngine(Options{KeepFinished: 1})
	w, err := Compile("w.yaml", []byte("- a: {return: 1}"))
	if err != nil {
		t.Fatal(err)
	}
	e.Deploy("w", w)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ex := &execution{engine: e, clock: e.options.Clock, rev: e.definitions.revision("w", ""), done: make(chan struct{})}
	ex.state = Execution{Name: "self", Workflow: "w", State: Active}
	ex.ctx, ex.cancel = context.WithCancelCause(e.ctx)
	e.store.add(ex)
	if err := e.deleteDefinition(ctx, "w"); err != nil {
		t.Error(err)
	}
	if context.Cause(ex.ctx) == nil {
		t.Error("the execution is not cancelled")
	}
	ex.run(nil)
	e.Deploy("other", w)
	for range 3 { // more than are kept
		if x, err := e.Run(t.Context(), "other", nil); err != nil || x.State != Succeeded {
			t.Errorf("%+v, %v", x, err)
		}
	}
	if n := len(e.Executions("other")) + len(e.Executions("w")); n != 1 {
		t.Errorf("%d executions, want 1", n)
	}
}

// TestWhatIsForgottenIsTheOldestAlsoAfterADeletion of a workflow.
func TestWhatIsForgottenIsTheOldestAlsoAfterADeletion(t *testing.T) {
	t.Parallel()
	e := NewEngine(Options{KeepFinished: 4})
	w, err := Compile("w.yaml", []byte("main: {params: [n], steps: [{a: {return: '${n}'}}]}"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	run := func(ids ...string) {
		for _, id := range ids {
			n++
			if _, err := e.Run(t.Context(), id, fmt.Append(nil, n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	e.Deploy("a", w)
	e.Deploy("b", w)
	run("a", "b", "a", "a", "b", "a") // 3 to 6 are kept
	if err := e.deleteDefinition(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	run("a", "a") // 7 and 8, and 3 goes
	var got string
	for _, x := range e.Executions("a") {
		got += string(x.Result)
	}
	if got != "8764" {
		t.Errorf("kept %s, want 8764", got)
	}
}
