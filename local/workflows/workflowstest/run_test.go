package workflowstest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"orderflow.dev/local/workflows"
	"orderflow.dev/local/workflows/virtual"
	"orderflow.dev/local/workflows/workflowstest"
)

// patient tries for most of a day.
const patient = `
main:
  params: [job]
  steps:
    - begin:
        call: http.post
        args: {url: "http://jobs.test/v1/jobs?x=1", body: "${job}", headers: {X-Id: a}}
        result: begun
    - wait:
        call: sys.sleep
        args: {seconds: 3600}
    - ask:
        try:
          call: http.get
          args: {url: "${begun.body.url}", timeout: 90}
          result: state
        retry:
          predicate: ${http.default_retry_predicate}
          max_retries: 20
          backoff: {initial_delay: 60, max_delay: 7200, multiplier: 2}
    - judge:
        switch:
          - condition: ${state.body.done}
            return: ${state.body}
        next: wait
`

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(body)
}

func TestHoursOfWaitingAndRetryingPassAtOnceAndAlwaysAlike(t *testing.T) {
	t.Parallel()
	run := func() workflowstest.Result {
		asked := 0
		mux := http.NewServeMux()
		mux.HandleFunc("POST jobs.test/v1/jobs", func(w http.ResponseWriter, _ *http.Request) {
			answer(w, 201, map[string]any{"url": "http://jobs.test/v1/jobs/7"})
		})
		mux.HandleFunc("GET jobs.test/v1/jobs/7", func(w http.ResponseWriter, r *http.Request) {
			switch asked++; asked {
			case 1:
				panic(workflowstest.ErrRefused)
			case 2:
				panic(http.ErrAbortHandler)
			case 3:
				if err := workflowstest.Sleep(r.Context(), 10*time.Minute); err == nil {
					t.Error("a call outlived its timeout")
				}
			case 4, 5:
				answer(w, 503, nil)
			default:
				answer(w, 200, map[string]any{"done": asked > 6, "n": asked})
			}
		})
		return workflowstest.Run(t, patient, map[string]any{"name": "count"}, mux)
	}
	r := run()
	if r.Error != nil {
		t.Fatal(r.Error.Context)
	}
	get := func(at time.Duration, code int) workflowstest.Call {
		return workflowstest.Call{Method: "GET", URL: "http://jobs.test/v1/jobs/7", At: at, Code: code}
	}
	h, m, s := time.Hour, time.Minute, time.Second
	want := workflowstest.Result{
		Value: map[string]any{"done": true, "n": 7.0},
		Steps: []string{"begin", "wait", "ask", "judge", "wait", "ask", "judge"},
		Calls: []workflowstest.Call{
			{Method: "POST", URL: "http://jobs.test/v1/jobs?x=1", Body: map[string]any{"name": "count"}, Code: 201},
			get(h, 0), get(h+m, 0), get(h+3*m, 0), get(h+8*m+30*s, 503), get(h+16*m+30*s, 503), get(h+32*m+30*s, 200),
			get(2*h+32*m+30*s, 200),
		},
		Elapsed: 2*h + 32*m + 30*s,
	}
	opts := cmp.Options{
		cmpopts.IgnoreFields(workflowstest.Result{}, "Execution", "Billed"), cmpopts.IgnoreFields(workflowstest.Call{}, "Header"),
	}
	if diff := cmp.Diff(want, r, opts); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if got := r.Calls[0].Header.Get("X-Id"); got != "a" {
		t.Errorf("header X-Id is %q", got)
	}
	if r.Billed.Internal+r.Billed.External < 8+5 || r.Billed.External != 8 {
		t.Errorf("billed %+v: want 8 external calls", r.Billed)
	}
	if diff := cmp.Diff(r, run(), cmpopts.IgnoreFields(workflows.Execution{}, "Name", "Revision")); diff != "" {
		t.Errorf("once more it ran otherwise (-first +second):\n%s", diff)
	}
}

func TestAFailedExecutionSaysWhatWasRaisedAndWhere(t *testing.T) {
	t.Parallel()
	teapot := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, 418, map[string]any{"reason": "tea"}) })
	r := workflowstest.Run(t, "- brew:\n    call: http.get\n    args: {url: http://pot.test/}\n", nil, teapot)
	if r.Error == nil {
		t.Fatalf("it succeeded with %v", r.Value)
	}
	if diff := cmp.Diff([]string{"HttpError"}, r.Error.Tags()); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if v := r.Error.Value.(map[string]any); v["code"] != 418.0 || v["body"].(map[string]any)["reason"] != "tea" {
		t.Errorf("raised %v", v)
	}
	if !strings.Contains(r.Error.Error(), "418") || strings.Contains(r.Error.Error(), "\n") {
		t.Errorf("message %q", r.Error)
	}
	if !strings.Contains(r.Error.Context, `in step "brew", routine "main", line: 2`) || r.Error.Stack[0].Step != "brew" {
		t.Errorf("context %s, stack %+v", r.Error.Context, r.Error.Stack)
	}
	r = workflowstest.Run(t, "- a:\n    raise: no\n", nil, http.NotFoundHandler())
	if r.Error == nil || r.Error.Value != "no" || r.Error.Tags() != nil {
		t.Errorf("raised %+v, want the text no", r.Error)
	}
}

func TestEveryWayToFailIsSeenAsTheServiceShowsIt(t *testing.T) {
	t.Parallel()
	const call = `
- call:
    try:
      call: http.post
      args: {url: http://a.test/b, timeout: 30, body: text, headers: {Content-Type: text/plain}}
    except:
      as: e
      steps:
        - tell: {return: "${e.tags[0]}"}
`
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		want    string
		elapsed time.Duration
	}{
		"refused":    {func(http.ResponseWriter, *http.Request) { panic(workflowstest.ErrRefused) }, "ConnectionFailedError", 0},
		"broken off": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "ConnectionError", 0},
		"slow": {func(_ http.ResponseWriter, r *http.Request) { workflowstest.Sleep(r.Context(), time.Hour) },
			"TimeoutError", 30 * time.Second},
		"just too late": {func(_ http.ResponseWriter, r *http.Request) { workflowstest.Sleep(r.Context(), 30*time.Second) },
			"TimeoutError", 30 * time.Second},
		"code": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "HttpError", 0},
		"bad body": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, "{")
		}, "ResponseTypeError", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := workflowstest.Run(t, call, nil, tt.handler)
			if r.Value != tt.want || r.Elapsed != tt.elapsed {
				t.Errorf("%v after %v (%v), want %s after %v", r.Value, r.Elapsed, r.Error, tt.want, tt.elapsed)
			}
			if len(r.Calls) != 1 || r.Calls[0].Body != "text" {
				t.Errorf("calls %+v, want one with the body text", r.Calls)
			}
		})
	}
}

func TestSleepingOutsideOfAHandlerPanics(t *testing.T) {
	t.Parallel()
	bug := func() (p any) {
		defer func() { p = recover() }()
		workflowstest.Sleep(t.Context(), time.Second)
		return nil
	}
	if p, _ := bug().(string); !strings.Contains(p, "not of a request") {
		t.Errorf("sleeping outside of a handler: %v", p)
	}
}

func TestAHandlerSeesWhatAServerWould(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body any
		err := json.NewDecoder(r.Body).Decode(&body)
		answer(w, 200, []any{
			r.Method, r.Host, r.URL.String(), r.RequestURI, r.FormValue("q"), r.ContentLength, body, err == nil, r.RemoteAddr != "",
		})
	})
	r := workflowstest.Run(t, `
- a:
    call: http.request
    args: {method: PUT, url: "https://a.test:444/b%20c", query: {q: 1}, body: {k: [1]}}
    result: x
- b: {return: "${x.body}"}
`, nil, h)
	want := []any{"PUT", "a.test:444", "/b%20c?q=1", "/b%20c?q=1", "1", 9.0, map[string]any{"k": []any{1.0}}, true, true}
	if diff := cmp.Diff(want, r.Value); diff != "" {
		t.Errorf("seen (-want +got):\n%s", diff)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "w.yaml")
	const source = `
main:
  params: [n]
  steps:
    - a: {assign: [{x: '${sys.get_env("X")}'}]}
    - b: {call: sys.log, args: {text: hello}}
    - c: {return: ["${x}", "${time.format(sys.now())}", "${n}"]}
`
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	var lines []string
	r := workflowstest.Run(t, path, 7, nil,
		workflowstest.Env(map[string]string{"X": "x"}),
		workflowstest.At(time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC)),
		workflowstest.Options(func(o *workflows.Options) { o.Log = func(e workflows.Entry) { lines = append(lines, e.Text) } }))
	if diff := cmp.Diff([]any{"x", "1999-12-31T23:59:59.000000Z", 7.0}, r.Value); diff != "" {
		t.Errorf("value (-want +got):\n%s", diff)
	}
	if len(lines) != 3 || lines[1] != "hello" {
		t.Errorf("log %q", lines)
	}
	if r := workflowstest.Run(t, path, nil, nil); r.Value.([]any)[1] != "2030-01-01T00:00:00.000000Z" || r.Elapsed != 0 {
		t.Errorf("value %v after %v", r.Value, r.Elapsed)
	}
}

// TestExecutionsMayShareAClock: one that ended works no more, and the next one's time goes on from there.
func TestExecutionsMayShareAClock(t *testing.T) {
	t.Parallel()
	clock := virtual.NewClock(workflowstest.Start)
	for i := range 3 {
		r := workflowstest.Run(t, "- nap: {call: sys.sleep, args: {seconds: 60}}\n- now: {return: '${sys.now()}'}\n", nil, nil,
			workflowstest.Options(func(o *workflows.Options) { o.Clock = clock }))
		if want := float64(workflowstest.Start.Unix() + int64(i+1)*60); r.Value != want || r.Elapsed != time.Minute {
			t.Errorf("execution %d ended at %v after %v, want %v", i, r.Value, r.Elapsed, want)
		}
	}
}

// TestStepsOfSubworkflowsAndLoopsAreInOrder also where a step's only body bears its name.
func TestStepsOfSubworkflowsAndLoopsAreInOrder(t *testing.T) {
	t.Parallel()
	r := workflowstest.Run(t, `
main:
  steps:
    - each:
        for:
          value: v
          in: [1, 2]
          steps:
            - down: {call: down, args: {n: "${v}"}}
    - nested:
        steps:
          - last: {assign: [{x: 1}]}
down:
  params: [n]
  steps:
    - down:
        switch:
          - condition: ${n > 1}
            call: down
            args: {n: "${n - 1}"}
    - up: {return: "${up()}"}
up:
  steps:
    - up: {return: 0}
`, nil, nil)
	if r.Error != nil {
		t.Fatal(r.Error.Context)
	}
	want := "each down down up up down down down up up up up last"
	if got := strings.Join(r.Steps, " "); got != want {
		t.Errorf("steps\n%s, want\n%s", got, want)
	}
}

// fatal is a test that ends at the first failure.
type fatal struct {
	testing.TB
	why string
}

func (f *fatal) Helper() {}

func (f *fatal) Fatalf(format string, args ...any) {
	f.why = fmt.Sprintf(format, args...)
	panic(f)
}

func TestWhatCannotRunFailsTheTest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		definition string
		argument   any
		want       string
	}{
		{"- a:\n    call: nothing\n", nil, "workflow.yaml:2:11"},
		{"no-such-file.yaml", nil, "read the workflow: open no-such-file.yaml"},
		{"- a: {return: 1}\n", func() {}, "encode the argument"},
		{"- a: {return: 1}\n", strings.Repeat("x", 1<<20), "run the workflow"},
	} {
		f := &fatal{TB: t}
		func() {
			defer func() {
				if p := recover(); p != any(f) {
					t.Errorf("%q: ended with %v, want a failed test", tt.definition, p)
				}
			}()
			workflowstest.Run(f, tt.definition, tt.argument, nil)
		}()
		if !strings.Contains(f.why, tt.want) {
			t.Errorf("%q: failed by %q, want %q in it", tt.definition, f.why, tt.want)
		}
	}
}
