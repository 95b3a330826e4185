package workflows_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

// echo answers with what it was sent, once so many calls have been under way at once, and counts how many are.
type echo struct {
	*httptest.Server
	now, most, calls atomic.Int64
}

func newEcho(t testing.TB, together int64) *echo {
	t.Helper()
	e := &echo{}
	met, once := make(chan struct{}), sync.Once{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.calls.Add(1)
		n := e.now.Add(1)
		defer e.now.Add(-1)
		for most := e.most.Load(); n > most && !e.most.CompareAndSwap(most, n); most = e.most.Load() {
		}
		if n == together {
			once.Do(func() { close(met) })
		}
		select {
		case <-met:
		case <-time.After(time.Minute):
			t.Errorf("%d calls are under way, and no more come, want %d", n, together)
		}
		time.Sleep(time.Millisecond) // lets come who must not
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	}))
	t.Cleanup(e.Close)
	return e
}

// env gives the workflow the server's URL.
func (e *echo) env() workflows.Options {
	return workflows.Options{Env: map[string]string{"URL": e.URL}}
}

// threads is how many of an execution work at once.
var threads = int64(workflows.DefaultLimits().Threads)

const sumInParallel = `
main:
  params: [n]
  steps:
  - init: {assign: [{total: 0}, {url: "${sys.get_env(\"URL\")}"}]}
  - add:
      parallel:
        shared: [total]
        %s
        for:
          value: v
          index: i
          range: "${[1, n]}"
          steps:
          - call: {call: http.post, args: {url: "${url}", body: "${v}"}, result: answer}
          - check: {switch: [{condition: "${i + 1 != v}", raise: "index"}]}
          - plus: {assign: [{total: "${total + answer.body}"}]}
  - done: {return: "${total}"}
`

func TestParallelIterationsLoseNoUpdateOfASharedVariable(t *testing.T) {
	t.Parallel()
	server := newEcho(t, threads)
	if got := outcome(run(t, server.env(), fmt.Sprintf(sumInParallel, ""), "100")); got != "5050" {
		t.Errorf("sum = %s, want 5050", got)
	}
	if most := server.most.Load(); most != threads {
		t.Errorf("%d calls at once, want %d", most, threads)
	}
}

func TestParallelConcurrencyLimitHolds(t *testing.T) {
	t.Parallel()
	for limit, want := range map[string]int64{"3": 3, "'${1 + 1}'": 2, "1": 1} {
		server := newEcho(t, want)
		source := fmt.Sprintf(sumInParallel, "concurrency_limit: "+limit)
		if got := outcome(run(t, server.env(), source, "20")); got != "210" {
			t.Errorf("limit %s: sum = %s, want 210", limit, got)
		}
		if most := server.most.Load(); most != want {
			t.Errorf("limit %s: %d calls at once", limit, most)
		}
	}
}

func TestParallelThreadsOfNestedStepsAreLimitedTogether(t *testing.T) {
	t.Parallel()
	server := newEcho(t, threads)
	x := run(t, server.env(), `
- init: {assign: [{url: "${sys.get_env(\"URL\")}"}]}
- outer:
    parallel:
      for:
        value: i
        range: [1, 6]
        steps:
        - inner: {parallel: {for: {value: j, range: [1, 10], steps: [{call: {call: http.post, args: {url: "${url}", body: "${j}"}}}]}}}
- done: {return: all}
`, "")
	if got := outcome(x); got != `"all"` || server.calls.Load() != 60 {
		t.Errorf("outcome %s after %d calls", got, server.calls.Load())
	}
	if most := server.most.Load(); most != threads {
		t.Errorf("%d calls at once, want %d", most, threads)
	}
}

func TestParallelSteps(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ steps, want string }{
		"branches write what they share": {`
- init: {assign: [{a: 0}, {b: 0}, {c: kept}]}
- both:
    parallel:
      shared: [a, b]
      branches:
      - one: {steps: [{set: {assign: [{a: 1}, {mine: 2}, {a: "${a + mine}"}]}}]}
      - two: {steps: [{set2: {assign: [{b: "${c}"}]}}]}
- done: {return: ["${a}", "${b}", "${c}"]}`, `[3,"kept","kept"]`},
		"elements of a shared map": {`
- init: {assign: [{m: {}}]}
- each:
    parallel:
      shared: [m]
      for: {value: k, in: [x, y, z], steps: [{set: {assign: [{'m[k]': "${k + k}"}]}}]}
- done: {return: "${m}"}`, `{"x":"xx","y":"yy","z":"zz"}`},
		"no iterations": {`
- each: {parallel: {for: {value: v, in: [], steps: [{a: {raise: x}}]}}}
- done: {return: 1}`, `1`},
		"continue ends an iteration": {`
- init: {assign: [{n: 0}]}
- each:
    parallel:
      shared: [n]
      for:
        value: v
        in: [1, 2, 3]
        steps:
        - skip: {switch: [{condition: "${v == 2}", next: continue}]}
        - add: {assign: [{n: "${n + v}"}]}
- done: {return: "${n}"}`, `4`},
		"others go on when one fails": {`
- init: {assign: [{done: []}]}
- each:
    try:
      parallel:
        shared: [done]
        for:
          value: v
          in: [1, 2, 3]
          steps:
          - fail: {switch: [{condition: "${v == 2}", raise: {code: 7}}]}
          - note: {assign: [{done: "${list.concat(done, v)}"}]}
    except: {as: e, steps: [{tell: {return: ["${done}", "${e.tags}", "${e.message}", "${e.truncated}", "${e.branches[0].id}", "${e.branches[0].error.payload}", "${len(e.branches)}"]}}]}`,
			`[[1,3],["UnhandledBranchError","RuntimeError"],"UnhandledBranchError: One or more branches or iterations encountered an unhandled runtime error",false,"1","{\"code\":7}",1]`},
		"the context of a branch's error": {`
- each:
    try:
      parallel:
        branches:
        - first: {steps: [{a: {assign: [{x: "${1 / 0}"}]}}]}
        - second: {steps: [{b: {raise: "oh"}}]}
    except: {as: e, steps: [{tell: {return: "${e.branches}"}}]}`,
			`[{"error":{"context":"ZeroDivisionError: division by zero: integer / integer\nin step \"a\", routine \"main\", line: 6","payload":"{\"message\":\"ZeroDivisionError: division by zero: integer / integer\",\"tags\":[\"ZeroDivisionError\"]}"},"id":"first"},{"error":{"context":"RuntimeError: \"oh\"\nin step \"b\", routine \"main\", line: 7","payload":"\"oh\""},"id":"second"}]`},
		"a branch handles its own error": {`
- each:
    parallel:
      branches:
      - a: {steps: [{t: {try: {raise: x}, except: {steps: [{n: {assign: [{y: 1}]}}]}}}]}
- done: {return: fine}`, `"fine"`},
		"two deep": {`
- init: {assign: [{n: 0}]}
- outer:
    parallel:
      shared: [n]
      for:
        value: i
        in: [1, 2, 3]
        steps:
        - inner:
            parallel:
              shared: [n]
              for: {value: j, in: [1, 2], steps: [{add: {assign: [{n: "${n + i * j}"}]}}]}
- done: {return: "${n}"}`, `18`},
		"a limit that is none": {`
- init: {assign: [{limit: 0}]}
- each: {parallel: {concurrency_limit: "${limit}", for: {value: v, in: [1], steps: [{a: {assign: [{x: 1}]}}]}}}`,
			`error: ValueError: concurrency_limit must be positive, got 0`},
		"sleeping branches": {`
- both:
    parallel:
      branches:
      - a: {steps: [{s: {call: sys.sleep, args: {seconds: 3600}}}]}
      - b: {steps: [{s2: {call: sys.sleep, args: {seconds: 60}}}]}
- done: {return: woken}`, `"woken"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := run(t, workflows.Options{Clock: newClock()}, c.steps, "")
			if diff := cmp.Diff(c.want, outcome(x)); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParallelStepsNestTwoDeepAlsoThroughSubworkflows(t *testing.T) {
	t.Parallel()
	x := run(t, workflows.Options{}, `
main:
  steps:
  - go: {call: nested, args: {depth: 3}}
nested:
  params: [depth]
  steps:
  - stop: {switch: [{condition: "${depth == 0}", return: 0}]}
  - fork: {parallel: {branches: [{b: {steps: [{again: {call: nested, args: {depth: "${depth - 1}"}}}]}}]}}
`, "")
	if got := outcome(x); !strings.Contains(fmt.Sprint(x.Error), "ParallelNestingError") || !strings.Contains(got, "UnhandledBranchError") {
		t.Errorf("outcome %s: %v", got, x.Error)
	}
}

// branches are n branches, each with a step that assigns.
func branches(n int) (list string) {
	for i := range n {
		list += fmt.Sprintf("{b: {steps: [{s%d: {assign: [{z: 1}]}}]}},", i)
	}
	return list
}

func TestParallelStepsThatTheServiceRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ source, want string }{
		"neither branches nor for": {"- a: {parallel: {shared: []}}\n", "1:7: parallel needs either branches or for"},
		"eleven branches":          {"- a: {parallel: {branches: [" + branches(11) + "]}}\n", "1:28: parallel has 11 branches, the limit is 10 (run several parallel steps)"},
		"a branch without steps":   {"- a: {parallel: {branches: [{b: {}}]}}\n", `1:30: branch "b" has no steps`},
		"another policy":           {"- a: {parallel: {exception_policy: stop, branches: [{b: {steps: [{x: {assign: [{z: 1}]}}]}}]}}\n", `1:36: exception_policy can only be continueAll, got "stop" (leave it out)`},
		"a limit of zero":          {"- a: {parallel: {concurrency_limit: 0, branches: [{b: {steps: [{x: {assign: [{z: 1}]}}]}}]}}\n", `1:37: concurrency_limit must be a positive integer, got "0"`},
		"a write that is not shared": {"- i: {assign: [{v: 1}]}\n- a: {parallel: {branches: [{b: {steps: [{x: {assign: [{v: 2}]}}]}}]}}\n",
			`2:57: variable "v" is not shared, so a branch or iteration cannot write it (add it to shared of the parallel step)`},
		"an element that is not shared": {"- i: {assign: [{v: {}}]}\n- a: {parallel: {branches: [{b: {steps: [{x: {assign: [{v.k: 2}]}}]}}]}}\n",
			`2:57: variable "v" is not shared, so a branch or iteration cannot write it (add it to shared of the parallel step)`},
		"a result that is not shared": {"- i: {assign: [{v: 1}]}\n- a: {parallel: {branches: [{b: {steps: [{x: {call: sys.now, result: v}}]}}]}}\n",
			`2:70: variable "v" is not shared, so a branch or iteration cannot write it (add it to shared of the parallel step)`},
		"sharing what is not there": {"- a: {parallel: {shared: [v], branches: [{b: {steps: [{x: {assign: [{z: 1}]}}]}}]}}\n",
			`1:27: shared: there is no variable "v" (assign it before the parallel step)`},
		"return": {"- a: {parallel: {branches: [{b: {steps: [{x: {return: 1}}]}}]}}\n",
			"1:47: a branch or iteration of a parallel step cannot return (assign it to a shared variable)"},
		"break": {"- a: {parallel: {for: {value: v, in: [], steps: [{x: {next: break}}]}}}\n",
			"1:61: break in a parallel loop, whose iterations do not wait for each other (use continue)"},
		"a jump out": {"- a: {parallel: {branches: [{b: {steps: [{x: {next: c}}]}}]}}\n- c: {return: 1}\n",
			`1:53: next: step "c" in line 2 cannot be reached from here (jumps reach steps of the same routine, not into or out of a loop or into an except block)`},
		"a jump in": {"- a: {parallel: {branches: [{b: {steps: [{x: {assign: [{z: 1}]}}]}}]}}\n- c: {next: x}\n",
			`2:13: next: step "x" in line 1 cannot be reached from here (jumps reach steps of the same routine, not into or out of a loop or into an except block)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := workflows.Compile("f.yaml", []byte(c.source))
			if diff := cmp.Diff("f.yaml:"+c.want, fmt.Sprint(err)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParallelExecutionsByTheThousand(t *testing.T) {
	t.Parallel()
	e := workflows.NewEngine(workflows.Options{Clock: newClock()})
	e.Deploy("w", compile(t, `
- init: {assign: [{n: 0}]}
- each:
    parallel:
      shared: [n]
      for:
        value: v
        range: [1, 10]
        steps:
        - wait: {call: sys.sleep, args: {seconds: "${v}"}}
        - add: {assign: [{n: "${n + v}"}]}
- done: {return: "${n}"}
`))
	defer e.Close()
	results := make(chan string, 1000)
	for range cap(results) {
		go func() {
			x, err := e.Run(t.Context(), "w", nil)
			if err != nil {
				t.Error(err)
			}
			results <- outcome(x)
		}()
	}
	for range cap(results) {
		if got := <-results; got != "55" {
			t.Fatalf("outcome = %s, want 55", got)
		}
	}
}

func TestParallelBranchesEndWhenTheExecutionIsCancelled(t *testing.T) {
	t.Parallel()
	e := workflows.NewEngine(workflows.Options{})
	e.Deploy("w", compile(t, `
- each: {parallel: {for: {value: v, range: [1, 100], steps: [{wait: {call: sys.sleep, args: {seconds: 3600}}}]}}}
`))
	ended := make(chan workflows.Execution, 1)
	go func() {
		x, _ := e.Run(t.Context(), "w", nil)
		ended <- x
	}()
	for len(e.Executions("w")) == 0 {
		time.Sleep(time.Millisecond)
	}
	e.Close()
	if x := <-ended; x.State != workflows.Cancelled {
		t.Errorf("state %s, want CANCELLED", x.State)
	}
}
