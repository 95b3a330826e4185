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
