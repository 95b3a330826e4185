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
	body, err := json.Marshal(map[string]any{"argument": argument, "labels": map[string]string{"of": strings.Trim(argument, `"`)}})
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
