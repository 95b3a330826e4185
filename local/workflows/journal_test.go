package workflows_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/wal"
	"orderflow.dev/local/workflows"
)

// lifetime is an engine over a journal.
type lifetime struct {
	t *testing.T
	*workflows.Engine
	log *wal.Log
}

// begin opens a journal, deploys workflows by id, and recovers.
func begin(t *testing.T, dir string, o workflows.Options, sources map[string]string) lifetime {
	t.Helper()
	log, err := wal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	o.Journal = log
	l := lifetime{t, workflows.NewEngine(o), log}
	if err := log.Recover(); err != nil {
		t.Fatal(err)
	}
	for id, source := range sources {
		l.Deploy(id, compile(t, source))
	}
	t.Cleanup(func() { l.Close(); _ = log.Close() }) // again, mostly
	return l
}

func (l lifetime) end() {
	l.t.Helper()
	l.Close()
	if err := l.log.Close(); err != nil {
		l.t.Error(err)
	}
}

func (l lifetime) resume() {
	l.t.Helper()
	if err := l.Resume(); err != nil {
		l.t.Fatal(err)
	}
}

// crashed copies a journal as it is: what a process that is killed right now leaves. No snapshot is made meanwhile.
func crashed(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(to, "lock")); err != nil {
		t.Fatal(err)
	}
	return to
}

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

// gate is a service that holds requests until it is opened.
type gate struct {
	url     string
	entered chan string // what they brought
	open    chan struct{}
	calls   atomic.Int32
}

func newGate(t *testing.T) *gate {
	g := &gate{entered: make(chan string, 100), open: make(chan struct{})}
	g.url = serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		g.calls.Add(1)
		g.entered <- string(body)
		select {
		case <-g.open:
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(body)
		case <-r.Context().Done():
		}
	})
	return g
}

func (g *gate) options() workflows.Options {
	return workflows.Options{Env: map[string]string{"URL": g.url}}
}

const callGate = `
main:
  params: [n]
  steps:
  - call: {call: http.post, args: {url: '${sys.get_env("URL")}', body: "${n}"}, result: r}
  - done: {return: "${r.body}"}
`

// ask sends a request to the engine's REST API, below the workflow's executions.
func (l lifetime) ask(method, path, body string) (int, map[string]any) {
	l.t.Helper()
	url := serve(l.t, l.Handler().ServeHTTP)
	return rest(l.t, method, url+"/v1/projects/local-project/locations/us-central1/workflows/w/executions"+path, body)
}

// create begins an execution and answers its name.
func (l lifetime) create(argument string) string {
	l.t.Helper()
	body, err := json.Marshal(map[string]any{"argument": argument, "labels": map[string]string{"of": argument}})
	if err != nil {
		l.t.Fatal(err)
	}
	code, x := l.ask("POST", "", string(body))
	if code != http.StatusOK {
		l.t.Fatalf("create: %d %v", code, x)
	}
	return fmt.Sprint(x["name"])
}

// awaitAll waits until all executions ended.
func (l lifetime) awaitAll() []workflows.Execution {
	for {
		all, open := l.Executions("w"), false
		for _, x := range all {
			open = open || x.State == workflows.Active || x.State == workflows.Queued
		}
		if !open {
			return all
		}
		runtime.Gosched()
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
					if x.Labels["of"] != names[x.Name] || x.Start.IsZero() || !strings.HasPrefix(x.Revision, "000001-") {
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
	for method, path := range map[string]string{"POST": "", "GET": ""} {
		if code, x := l.ask(method, path, "{}"); code != http.StatusServiceUnavailable {
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
