package workflows_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

func TestEndedExecutionsAreAsTheyWereAfterARestart(t *testing.T) {
	t.Parallel()
	sources := map[string]string{"w": `
main:
  params: [n]
  steps:
  - maybe: {switch: [{condition: '${n == 2}', raise: {code: 7, message: no}}]}
  - done: {return: "${n}"}
`}
	dir := t.TempDir()
	first := begin(t, dir, workflows.Options{Clock: newClock()}, sources)
	for _, argument := range []string{"1", "2", "null", `{"a":[1.5,"x"]}`} {
		if _, err := first.Run(t.Context(), "w", json.RawMessage(argument)); err != nil {
			t.Fatal(err)
		}
	}
	want := first.Executions("w")
	first.end()
	for range 2 {
		next := begin(t, dir, workflows.Options{Clock: newClock()}, sources)
		next.resume()
		if diff := cmp.Diff(want, next.Executions("w")); diff != "" {
			t.Errorf("executions (-before +after):\n%s", diff)
		}
		next.end()
	}
	if want[2].State != workflows.Failed || len(want[2].Error.Stack) == 0 {
		t.Errorf("the execution that should fail: %+v", want[2])
	}
}

func TestWhatHadNotEndedRunsAgainAfterACrashAndAfterAStop(t *testing.T) {
	t.Parallel()
	for name, places := range map[string]int{"all at once": 0, "one at a time": 1} {
		for how, crash := range map[string]bool{"crash": true, "stop": false} {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				dir, g := t.TempDir(), newGate(t)
				o := g.options()
				o.MaxConcurrent = places
				first := begin(t, dir, o, map[string]string{"w": callGate})
				names := map[string]string{}
				for _, argument := range []string{`"a"`, `"b"`} {
					names[first.create(argument)] = argument
				}
				<-g.entered
				if crash {
					dir = crashed(t, dir)
				} else {
					first.end()
				}
				close(g.open)
				next := begin(t, dir, o, map[string]string{"w": callGate})
				next.resume()
				ended := map[string]string{}
				for _, x := range next.awaitAll() {
					ended[x.Name] = outcome(x)
					if x.Labels["of"] != strings.Trim(names[x.Name], `"`) || x.Start.IsZero() || !strings.HasPrefix(x.Revision, "000001-") {
						t.Errorf("resumed: %+v", x)
					}
				}
				if diff := cmp.Diff(names, ended); diff != "" {
					t.Errorf("results by name (-want +got):\n%s", diff)
				}
				next.end()
				calls := g.calls.Load()
				last := begin(t, dir, o, map[string]string{"w": callGate})
				last.resume()
				if last.awaitAll(); g.calls.Load() != calls {
					t.Error("what had ended ran again")
				}
			})
		}
	}
}

func TestExecutionsOfAMissingWorkflowWaitForIt(t *testing.T) {
	t.Parallel()
	dir, g := t.TempDir(), newGate(t)
	first := begin(t, dir, g.options(), map[string]string{"w": callGate})
	first.create("1")
	first.end()
	close(g.open)
	next := begin(t, dir, g.options(), nil)
	if err := next.Resume(); err == nil || !strings.Contains(err.Error(), "executions of w: no such workflow") {
		t.Errorf("Resume = %v", err)
	}
	if x := next.Executions("w"); len(x) != 1 || x[0].State != workflows.Active {
		t.Errorf("executions %+v", x)
	}
	next.Deploy("w", compile(t, callGate))
	next.resume()
	next.resume() // again: it runs already
	if x := next.awaitAll(); outcome(x[0]) != "1" {
		t.Errorf("outcome %s", outcome(x[0]))
	}
}

func TestAnExecutionThatIsCancelledBeforeItIsResumedDoesNotRun(t *testing.T) {
	t.Parallel()
	dir, g := t.TempDir(), newGate(t)
	first := begin(t, dir, g.options(), map[string]string{"w": callGate})
	name := first.create("1")
	<-g.entered
	first.end()
	next := begin(t, dir, g.options(), map[string]string{"w": callGate})
	if code, x := next.ask("POST", name[strings.LastIndexByte(name, '/'):]+":cancel", ""); code != http.StatusOK {
		t.Fatalf("cancel: %d %v", code, x)
	}
	next.resume()
	if x := next.awaitAll(); x[0].State != workflows.Cancelled || g.calls.Load() != 1 {
		t.Errorf("%s after %d calls", x[0].State, g.calls.Load())
	}
	next.end()
	last := begin(t, dir, g.options(), map[string]string{"w": callGate})
	if x := last.Executions("w"); x[0].State != workflows.Cancelled {
		t.Errorf("after a restart: %s", x[0].State)
	}
}

func TestAsManyEndedExecutionsAreKeptAfterARestartAsBefore(t *testing.T) {
	t.Parallel()
	dir, o := t.TempDir(), workflows.Options{KeepFinished: 3}
	sources := map[string]string{"w": `{main: {params: [n], steps: [{done: {return: "${n}"}}]}}`}
	for life := range 3 {
		l := begin(t, dir, o, sources)
		for i := range 4 {
			if _, err := l.Run(t.Context(), "w", json.RawMessage(fmt.Sprint(10*life+i))); err != nil {
				t.Fatal(err)
			}
		}
		l.end()
	}
	var got []string
	for _, x := range begin(t, dir, o, sources).Executions("w") {
		got = append(got, string(x.Result))
	}
	if diff := cmp.Diff([]string{"23", "22", "21"}, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

func TestAnExecutionThatCannotBeKeptIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	l := begin(t, t.TempDir(), g.options(), map[string]string{"w": callGate})
	if err := l.log.Close(); err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"POST", "GET"} { // what is listed is what was begun
		if code, x := l.ask(method, "", "{}"); code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %v", method, code, x)
		}
	}
	if err := l.Engine.Resume(); err != nil {
		t.Error(err)
	}
	l.Close()
	if err := l.Engine.Resume(); err == nil {
		t.Error("a closed engine resumed")
	}
}
