package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

// TestConcurrentExecutions runs 1,000 executions over HTTP at a time; each gets
// its own result.
func TestConcurrentExecutions(t *testing.T) {
	t.Parallel()
	const n = 1000
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.Copy(w, r.Body)
	})
	var ended atomic.Int32
	e := workflows.NewEngine(workflows.Options{KeepFinished: 100, Env: map[string]string{"URL": url}, OnEnd: func(workflows.Execution) { ended.Add(1) }})
	e.Deploy("w", compile(t, `
main:
  params: [n]
  steps:
  - init: {assign: [{sum: 0}]}
  - loop: {for: {value: v, range: [1, 3], steps: [{add: {assign: [{sum: "${sum + v * n}"}]}}]}}
  - echo: {call: http.post, args: {url: '${sys.get_env("URL")}', body: {n: "${sum}"}}, result: r}
  - done: {return: "${r.body.n}"}
`))
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			x, err := e.Run(t.Context(), "w", json.RawMessage(fmt.Sprint(i)))
			if want := fmt.Sprint(6 * i); err != nil || string(x.Result) != want {
				t.Errorf("execution %d = %s, %v, %v; want %s", i, x.Result, x.Error, err, want)
			}
		})
	}
	wg.Wait()
	if ended.Load() != n {
		t.Errorf("OnEnd was called %d times, want %d", ended.Load(), n)
	}
	if kept := len(e.Executions("w")); kept != 100 {
		t.Errorf("kept %d executions, want 100", kept)
	}
}

// TestQueue: with one place, the second execution waits until the first ends,
// and can be cancelled while it waits.
func TestQueue(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	url := serve(t, func(http.ResponseWriter, *http.Request) {
		entered <- struct{}{}
		<-release
	})
	e := workflows.NewEngine(workflows.Options{MaxConcurrent: 1, Env: map[string]string{"URL": url}})
	e.Deploy("w", compile(t, `[{a: {call: http.get, args: {url: '${sys.get_env("URL")}'}}}]`))
	var wg sync.WaitGroup
	wg.Go(func() {
		if x, err := e.Run(t.Context(), "w", nil); err != nil || x.State != workflows.Succeeded {
			t.Errorf("first = %v %v, %v", x.State, x.Error, err)
		}
	})
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	var second workflows.Execution
	wg.Go(func() { second, _ = e.Run(ctx, "w", nil) })
	for len(e.Executions("w")) < 2 {
		runtime.Gosched()
	}
	if s := e.Executions("w")[0].State; s != workflows.Queued {
		t.Errorf("second = %s, want QUEUED", s)
	}
	cancel()
	for e.Executions("w")[0].State == workflows.Queued {
		runtime.Gosched()
	}
	close(release)
	wg.Wait()
	if second.State != workflows.Cancelled {
		t.Errorf("second = %s, want CANCELLED", second.State)
	}
}

// TestCancelDuringRequest: the end of Run's context ends the execution, also
// within a try that catches everything.
func TestCancelDuringRequest(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	})
	e := workflows.NewEngine(workflows.Options{Env: map[string]string{"URL": url}})
	e.Deploy("w", compile(t, `
- a:
    try: {call: http.get, args: {url: '${sys.get_env("URL")}'}}
    retry: {predicate: "${retry.always}", max_retries: 100}
    except: {as: e, steps: [{b: {return: caught}}]}`))
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-entered
		cancel(errors.New("enough"))
	}()
	x, err := e.Run(ctx, "w", nil)
	if err != nil || x.State != workflows.Cancelled || x.Error.Context != "enough" {
		t.Errorf("got %s %+v, %v; want CANCELLED: enough", x.State, x.Error, err)
	}
}

// TestRevisions: a running execution keeps the revision it started with.
func TestRevisions(t *testing.T) {
	t.Parallel()
	e := workflows.NewEngine(workflows.Options{Project: "p", Location: "l"})
	var got []string
	for _, v := range []string{"one", "two"} {
		e.Deploy("w", compile(t, "- a: {return: "+v+"}"))
		x, err := e.Run(t.Context(), "w", nil)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(x.Result)+" "+strings.SplitN(x.Revision, "-", 2)[0])
	}
	if diff := cmp.Diff([]string{`"one" 000001`, `"two" 000002`}, got); diff != "" {
		t.Errorf("revisions (-want +got):\n%s", diff)
	}
}

// TestSys checks environment, clock, log and trace.
func TestSys(t *testing.T) {
	t.Parallel()
	clock := newClock()
	var mu sync.Mutex
	var lines []string
	x := run(t, workflows.Options{
		Project: "p", Location: "l", Env: map[string]string{"MINE": "x"}, Clock: clock, Trace: true,
		Log: func(e workflows.Entry) {
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, e.Severity+" "+e.Text)
		},
	}, `
- log1: {call: sys.log, args: {text: hello, severity: WARNING}}
- log2: {call: sys.log, args: {json: {a: 1}}}
- zzz: {call: sys.sleep, args: {seconds: 1.5}}
- until: {call: sys.sleep_until, args: {time: "2026-01-02T03:04:10Z"}}
- past: {call: sys.sleep_until, args: {time: "2020-01-01T00:00:00Z"}}
- done:
    return:
    - ${sys.get_env("MINE")}
    - ${sys.get_env("NONE", "fallback")}
    - ${sys.get_env("NONE")}
    - ${sys.get_env("GOOGLE_CLOUD_PROJECT_ID") + "/" + sys.get_env("GOOGLE_CLOUD_LOCATION") + "/" + sys.get_env("GOOGLE_CLOUD_WORKFLOW_ID")}
    - ${len(sys.get_env("GOOGLE_CLOUD_WORKFLOW_EXECUTION_ID"))}
    - ${time.format(sys.now())}
`, "")
	if diff := cmp.Diff(`["x","fallback",null,"p/l/w",36,"2026-01-02T03:04:10.000000Z"]`, outcome(x)); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
	want := []string{"INFO execution started", "WARNING hello", `DEFAULT {"a":1}`, "INFO execution ended: SUCCEEDED"}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	var trace []string
	for _, s := range x.Trace {
		trace = append(trace, s.Step+" "+s.Type)
	}
	if diff := cmp.Diff([]string{"log1 STEP_CALL", "log2 STEP_CALL", "zzz STEP_CALL", "until STEP_CALL", "past STEP_CALL", "done STEP_RETURN"}, trace); diff != "" {
		t.Errorf("trace (-want +got):\n%s", diff)
	}
}
