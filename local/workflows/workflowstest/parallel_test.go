package workflowstest_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"orderflow.dev/local/workflows"
	"orderflow.dev/local/workflows/workflowstest"
)

// shop asks each of many suppliers, slow ones and ones in trouble, at once.
const shop = `
- begin:
    assign: [{answered: []}]
- each:
    parallel:
      shared: [answered]
      for:
        value: n
        range: [1, 12]
        steps:
          - wait: {call: sys.sleep, args: {seconds: "${n % 4}"}}
          - ask:
              try:
                call: http.get
                args: {url: '${"http://supplier" + string(n) + ".test/"}', timeout: 100}
              retry: ${http.default_retry}
          - note: {assign: [{answered: "${list.concat(answered, n)}"}]}
- done: {return: "${answered}"}
`

// TestParallelThreadsShareTheVirtualTime: each thread's waits are its own, and all of it is the same each time.
func TestParallelThreadsShareTheVirtualTime(t *testing.T) {
	t.Parallel()
	run := func() workflowstest.Result {
		asked := map[string]int{} // no lock: one thread works at a time
		return workflowstest.Run(t, shop, nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked[r.Host]++
			switch {
			case r.Host == "supplier1.test" && asked[r.Host] < 3:
				w.WriteHeader(503)
			case r.Host == "supplier2.test" && asked[r.Host] == 1:
				workflowstest.Sleep(r.Context(), time.Hour)
			case r.Host == "supplier4.test":
				workflowstest.Sleep(r.Context(), time.Minute)
			}
		}))
	}
	r := run()
	if r.Error != nil {
		t.Fatal(r.Error.Context)
	}
	at := map[string][]time.Duration{}
	for _, c := range r.Calls {
		at[c.URL] = append(at[c.URL], c.At)
	}
	s := time.Second
	for n, want := range map[int][]time.Duration{1: {s, 2 * s, 3*s + s/4}, 2: {2 * s, 103 * s}, 4: {0}, 7: {3 * s}, 12: {0}} {
		if diff := cmp.Diff(want, at[fmt.Sprintf("http://supplier%d.test/", n)]); diff != "" {
			t.Errorf("calls of supplier %d (-want +got):\n%s", n, diff)
		}
	}
	if answered := r.Value.([]any); len(answered) != 12 || answered[11] != 2.0 || answered[10] != 4.0 {
		t.Errorf("answered in the order %v, want 4 and 2 last", answered)
	}
	if r.Elapsed != 103*s {
		t.Errorf("took %v, want 103s", r.Elapsed)
	}
	for range 20 {
		if diff := cmp.Diff(r, run(), cmpopts.IgnoreFields(workflows.Execution{}, "Name", "Revision")); diff != "" {
			t.Fatalf("once more it ran otherwise (-first +then):\n%s", diff)
		}
	}
}

// TestCallsMadeAtOnceAreInTheOrderOfTheThreads although nothing but the calls tells them apart, and each gets its own answer.
func TestCallsMadeAtOnceAreInTheOrderOfTheThreads(t *testing.T) {
	t.Parallel()
	for range 50 {
		n := 0 // no lock: the handler is called by one thread at a time
		r := workflowstest.Run(t, `
- begin: {assign: [{answers: [0, 0, 0, 0, 0, 0, 0, 0, 0]}]}
- each:
    parallel:
      shared: [answers]
      for:
        value: i
        range: [0, 8]
        steps:
          - ask: {call: http.get, args: {url: http://counter.test/}, result: first}
          - nap: {call: sys.sleep, args: {seconds: 1}}
          - again: {call: http.get, args: {url: http://counter.test/}, result: second}
          - note: {assign: [{"answers[i]": "${first.body + second.body}"}]}
- done: {return: "${answers}"}
`, nil, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			n++
			answer(w, 200, n)
		}))
		if diff := cmp.Diff([]any{11.0, 13.0, 15.0, 17.0, 19.0, 21.0, 23.0, 25.0, 27.0}, r.Value); diff != "" {
			t.Fatalf("first and second answer of each thread (-want +got):\n%s", diff)
		}
	}
}

// TestACallbackThatNobodyMakesIsLateInVirtualTime beside a branch that has long ended.
func TestACallbackThatNobodyMakesIsLateInVirtualTime(t *testing.T) {
	t.Parallel()
	r := workflowstest.Run(t, `
- create: {call: events.create_callback_endpoint, args: {http_callback_method: POST}, result: callback}
- both:
    parallel:
      branches:
        - await:
            steps:
              - wait: {call: events.await_callback, args: {callback: "${callback}", timeout: 7200}}
        - sleep:
            steps:
              - nap: {call: sys.sleep, args: {seconds: 60}}
`, nil, nil)
	if r.Error == nil || !slices.Contains(r.Error.Tags(), "UnhandledBranchError") || r.Elapsed != 2*time.Hour {
		t.Errorf("ended with %v after %v, want an UnhandledBranchError after 2h", r.Error, r.Elapsed)
	}
}
