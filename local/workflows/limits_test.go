package workflows_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/workflows"
)

// TestStaticLimits checks both sides of the limits on the definition, those of
// the service and others.
func TestStaticLimits(t *testing.T) {
	t.Parallel()
	assigns := func(n int) string { return "- a:\n    assign:\n" + strings.Repeat("    - x: 1\n", n) }
	conditions := func(n int) string {
		return "- a:\n    switch:\n" + strings.Repeat("    - {condition: true, next: end}\n", n)
	}
	expression := func(n int) string { return "- a:\n    return: ${'" + strings.Repeat("é", n-2) + "'}\n" }
	target := func(n int) string {
		return "- a: {assign: [{x: {}}]}\n- b:\n    assign:\n    - ? x['" + strings.Repeat("k", n-5) + "']\n      : 1\n"
	}
	small := workflows.Limits{SourceBytes: 20, ExpressionLength: 3, Assignments: 1, Conditions: 2}
	for _, tc := range []struct {
		name, source, want string
		limits             workflows.Limits
	}{
		{"50 assignments", assigns(50), ``, workflows.Limits{}},
		{"51 assignments", assigns(51), `f.yaml:3:5: assign has 51 entries, the limit is 50 (split the step)`, workflows.Limits{}},
		{"51 assignments, 60 allowed", assigns(51), ``, workflows.Limits{Assignments: 60}},
		{"2 assignments, 1 allowed", assigns(2), `f.yaml:3:5: assign has 2 entries, the limit is 1 (split the step)`, workflows.Limits{Assignments: 1}},
		{"50 conditions", conditions(50), ``, workflows.Limits{}},
		{"51 conditions", conditions(51), `f.yaml:3:5: switch has 51 conditions, the limit is 50 (split the switch)`, workflows.Limits{}},
		{"51 conditions, 60 allowed", conditions(51), ``, workflows.Limits{Conditions: 60}},
		{"400 characters", expression(400), ``, workflows.Limits{}},
		{"401 characters", expression(401), `f.yaml:2:13: expression: it has 401 characters, the limit is 400 (assign parts of it to variables first)`, workflows.Limits{}},
		{"401 characters, 500 allowed", expression(401), ``, workflows.Limits{ExpressionLength: 500}},
		{"target of 400 characters", target(400), ``, workflows.Limits{}},
		{"target of 401 characters", target(401), `f.yaml:4:9: target of assign: it has 401 characters, the limit is 400 (assign parts of it to variables first)`, workflows.Limits{}},
		{"128 KiB", "- a: {return: 1}\n#" + strings.Repeat("x", 128<<10-18), ``, workflows.Limits{}},
		{"more than 128 KiB", "- a: {return: 1}\n#" + strings.Repeat("x", 128<<10), `f.yaml:1:1: definition has 131090 bytes, the limit is 131072 (split it into several workflows)`, workflows.Limits{}},
		{"more than 128 KiB, 1 MiB allowed", "- a: {return: 1}\n#" + strings.Repeat("x", 128<<10), ``, workflows.Limits{SourceBytes: 1 << 20}},
		{"21 bytes, 20 allowed", "- a: {return: 1} #xxx", `f.yaml:1:1: definition has 21 bytes, the limit is 20 (split it into several workflows)`, small},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if _, err := tc.limits.Compile("f.yaml", []byte(tc.source)); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLimitsOfExecutions checks both sides of the limits at run time: those of
// the service and others.
func TestLimitsOfExecutions(t *testing.T) {
	t.Parallel()
	const nested = `
main:
  params: [n]
  steps: [{a: {return: "${f(n)}"}}]
f:
  params: [n]
  steps:
  - s: {switch: [{condition: "${n > 1}", return: "${1 + f(n - 1)}"}]}
  - t: {return: 1}`
	const fetch = `
main:
  params: [url]
  steps:
  - a: {call: http.get, args: {url: "${url}"}, result: r}
  - b: {return: "${len(r.body)}"}`
	const waits = "main: {params: [n], steps: [{a: {call: sys.sleep, args: {seconds: \"${n}\"}}}]}"
	const until = "main: {params: [t], steps: [{a: {call: sys.sleep_until, args: {time: \"${t}\"}}}]}"
	const echo = "main: {params: [x], steps: [{a: {return: \"${len(x)}\"}}]}"
	loop := "- a: {for: {value: v, range: [1, 49999], steps: [{b: {assign: [{x: 1}]}}]}}\n"
	text := func(n int) string { return `"` + strings.Repeat("x", n) + `"` }
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, r.URL.Query().Get("t")+strings.Repeat("x", 1000))
	})
	for _, tc := range []struct {
		name, source, argument, want string
		limits                       workflows.Limits
	}{
		{"20 calls", nested, `20`, `20`, workflows.Limits{}},
		{"21 calls", nested, `21`, `error: RecursionError: call depth exceeds 20`, workflows.Limits{}},
		{"30 calls, 30 allowed", nested, `30`, `30`, workflows.Limits{CallDepth: 30}},
		{"3 calls, 2 allowed", nested, `3`, `error: RecursionError: call depth exceeds 2`, workflows.Limits{CallDepth: 2}},
		{"99,999 steps", loop, ``, `null`, workflows.Limits{}},
		{"100,001 steps", loop + "- c: {assign: [{y: 1}]}\n- d: {assign: [{y: 1}]}\n", ``, `error: ResourceLimitError: Step limit exceeded`, workflows.Limits{}},
		{"1 step of 1", "- a: {return: 1}", ``, `1`, workflows.Limits{Steps: 1}},
		{"2 steps of 1", "- a: {assign: [{x: 1}]}\n- b: {return: 1}", ``, `error: ResourceLimitError: Step limit exceeded`, workflows.Limits{Steps: 1}},
		{"memory as documented", "- a: {assign: [{x: This is a string of 28 bytes}, {y: '${x}'}]}\n- b: {return: 1}", ``, `1`, workflows.Limits{MemoryBytes: 72}},
		{"one byte too much memory", "- a: {assign: [{x: This is a string of 28 bytes}, {y: '${x}'}]}\n- b: {return: 1}", ``, `error: ResourceLimitError: Memory usage limit exceeded`, workflows.Limits{MemoryBytes: 71}},
		{"variable given up", "- a: {assign: [{x: This is a string of 28 bytes}, {x: null}, {y: This is a string of 28 bytes}]}\n- b: {return: 1}", ``, `1`, workflows.Limits{MemoryBytes: 44}},
		{"string of 256 KiB", "- a: {assign: [{x: '" + strings.Repeat("x", 64) + "'}, {n: 0}]}\n- b: {assign: [{x: '${x + x}'}, {n: '${n + 1}'}]}\n- c: {switch: [{condition: '${n < 12}', next: b}]}\n- d: {return: '${len(x)}'}", ``, `262144`, workflows.Limits{MemoryBytes: 1 << 20}},
		{"string of 512 KiB", "- a: {assign: [{x: '" + strings.Repeat("x", 64) + "'}, {n: 0}]}\n- b: {assign: [{x: '${x + x}'}, {n: '${n + 1}'}]}\n- c: {switch: [{condition: '${n < 13}', next: b}]}\n- d: {return: '${len(x)}'}", ``, `error: ResourceLimitError: String length limit exceeded`, workflows.Limits{MemoryBytes: 1 << 20}},
		{"long string in a list in a map", "- a: {assign: [{x: {a: [12345]}}]}", ``, `null`, workflows.Limits{StringBytes: 4}},
		{"too long a string in a list in a map", "- a: {assign: [{x: {a: ['12345', a], b: c}}]}", ``, `error: ResourceLimitError: String length limit exceeded`, workflows.Limits{StringBytes: 4}},
		{"response of 1,000 bytes", fetch, `"` + url + `"`, `1000`, workflows.Limits{ResponseBytes: 1000}},
		{"response of 1,000 bytes, 999 allowed", fetch, `"` + url + `"`, `error: ResourceLimitError: HTTP response exceeds 999 bytes`, workflows.Limits{ResponseBytes: 999}},
		{"sleep of a year", waits, `31536000`, `null`, workflows.Limits{}},
		{"sleep of more than a year", waits, `31536001`, `error: ValueError: argument seconds of sys.sleep must be from 0 to 31536000, got 31536001`, workflows.Limits{}},
		{"negative sleep", waits, `-1`, `error: ValueError: argument seconds of sys.sleep must be from 0 to 31536000, got -1`, workflows.Limits{}},
		{"sleep of two seconds, one allowed", waits, `2`, `error: ValueError: argument seconds of sys.sleep must be from 0 to 1, got 2`, workflows.Limits{SleepSeconds: 1}},
		{"sleep until next year", until, `"2027-01-02T03:04:05Z"`, `null`, workflows.Limits{}},
		{"sleep until later", until, `"2027-01-02T03:04:06Z"`, `error: ValueError: sys.sleep_until: 2027-01-02T03:04:06Z is more than 31536000 seconds from now`, workflows.Limits{}},
		{"argument of 32 KiB", echo, text(32<<10 - 2), `32766`, workflows.Limits{}},
		{"argument of 64 KiB, 64 KiB allowed", echo, text(64<<10 - 2), `65534`, workflows.Limits{ArgumentBytes: 64 << 10}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			x := run(t, workflows.Options{Clock: newClock(), Limits: tc.limits}, tc.source, tc.argument)
			if diff := cmp.Diff(tc.want, outcome(x)); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTooLargeArgumentIsRefused: it starts no execution.
func TestTooLargeArgumentIsRefused(t *testing.T) {
	t.Parallel()
	for limit, bytes := range map[int]int{0: 32<<10 + 1, 10: 11} {
		e := workflows.NewEngine(workflows.Options{Limits: workflows.Limits{ArgumentBytes: limit}})
		e.Deploy("w", compile(t, "- a: {return: 1}"))
		_, err := e.Run(t.Context(), "w", json.RawMessage(`"`+strings.Repeat("x", bytes-2)+`"`))
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("argument of %d bytes, limit %d: %v, want INVALID_ARGUMENT", bytes, limit, err)
		}
	}
}

// TestInternalLimitsCannotBeCaught: no except block and no retry sees them.
func TestInternalLimitsCannotBeCaught(t *testing.T) {
	t.Parallel()
	for what, limits := range map[string]workflows.Limits{
		"Step limit": {Steps: 2}, "Memory usage limit": {MemoryBytes: 10}, "String length limit": {StringBytes: 1},
	} {
		x := run(t, workflows.Options{Limits: limits}, `
- a:
    try: {steps: [{b: {assign: [{x: 1}]}}, {c: {assign: [{y: abcd}]}}]}
    retry: {predicate: "${retry.always}", max_retries: 5}
    except: {as: e, steps: [{d: {return: caught}}]}`, "")
		want := fmt.Sprintf("error: ResourceLimitError: %s exceeded", what)
		if diff := cmp.Diff(want, outcome(x)); diff != "" {
			t.Errorf("outcome (-want +got):\n%s", diff)
		}
		if x.Error.Stack != nil {
			t.Errorf("%s: stack = %v, want none as the service gives", what, x.Error.Stack)
		}
	}
}

// TestEveryLimitHasADefault: a field without one would refuse everything.
func TestEveryLimitHasADefault(t *testing.T) {
	t.Parallel()
	v := reflect.ValueOf(workflows.DefaultLimits())
	for i := range v.NumField() {
		if v.Field(i).Int() <= 0 {
			t.Errorf("DefaultLimits().%s = %d, want more than 0", v.Type().Field(i).Name, v.Field(i).Int())
		}
	}
}
