package workflows_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

// TestProblems checks that what is wrong or unsupported is reported by name and
// place.
func TestProblems(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, source, want string }{
		{"empty", ``, `f.yaml:1:1: parse error: definition is empty (it needs at least one step)`},
		{"text", `some text`, `f.yaml:1:1: parse error: expected a map of workflows or a sequence of steps; got string`},
		{"bad yaml", "- a:\n    call: x: y\n", `f.yaml:2:1: parse error: mapping values are not allowed in this context (text with ": " or a leading special character needs quotes)`},
		{"two documents", "- a: {return: 1}\n---\n- b: {return: 1}\n", `f.yaml:2:1: a second YAML document (one file holds one workflow)`},
		{"no main", "sub:\n  steps:\n  - a: {return: 1}\n", `f.yaml:1:1: there is no main routine (the execution starts there)`},
		{"no steps", "main:\n  params: [a]\n", `f.yaml:1:1: subworkflow "main" has no steps`},
		{"empty steps", "main:\n  steps: []\n", `f.yaml:2:10: a list of steps needs at least one step`},
		{"alias", "- a: {assign: [{x: &v 1}, {y: *v}]}\n", `f.yaml:1:31: YAML aliases are not supported by the local engine: *v (write the value out)`},
		{"parallel", "- a:\n    parallel:\n      branches: []\n", `f.yaml:2:5: parallel is not supported by the local engine yet (run the branches one after the other for now)`},
		{"unknown connector", "- a: {call: googleapis.pubsub.v1.projects.topics.publsh, args: {topic: t}}\n", `f.yaml:1:13: googleapis.pubsub.v1.projects.topics.publsh is not a connector (did you mean googleapis.pubsub.v1.projects.topics.publish?)`},
		{"argument of a connector", "- a: {call: googleapis.pubsub.v1.projects.topics.publish, args: {topic: t, messages: []}}\n", `f.yaml:1:76: googleapis.pubsub.v1.projects.topics.publish has no argument "messages" (it takes topic, [body], [query], [alt], [connector_params])`},
		{"unknown function", "- a: {call: http.pots, args: {url: x}}\n", `f.yaml:1:13: "http.pots" is neither a standard function nor a subworkflow (did you mean http.post?)`},
		{"unknown function in expression", "- a: {return: \"${1 + type(1)}\"}\n", `f.yaml:1:22: "type" is neither a standard function nor a subworkflow`},
		{"blocking function in expression", "- a: {return: \"${http.get('x')}\"}\n", `f.yaml:1:18: http.get cannot be called in an expression (call it in a call step)`},
		{"wrong number of arguments", "- a: {return: \"${map.get(1)}\"}\n", `f.yaml:1:18: map.get takes 2 arguments, got 1 (it takes map, keys)`},
		{"unknown argument", "- a:\n    call: http.get\n    args:\n      url: x\n      body: y\n", `f.yaml:5:7: http.get has no argument "body" (it takes url, [timeout], [headers], [query], [auth], [private_service_name], [ca_certificate])`},
		{"missing argument", "- a: {call: text.split, args: {source: x}}\n", `f.yaml:1:13: text.split needs the argument "separator" (it takes source, separator)`},
		{"undefined variable", "- step1: {assign: [{varA: 1}]}\n- step2:\n    return: ${varC + varA}\n", `f.yaml:3:15: symbol 'varC' is neither a variable nor a sub-workflow name (assign the variable before it is read; text needs quotes)`},
		{"loop variable outside", "- a:\n    for:\n      value: v\n      in: [1]\n      steps: [{b: {assign: [{x: 1}]}}]\n- c: {return: \"${v}\"}\n- d: {return: \"${x}\"}\n", `f.yaml:6:18: symbol 'v' is neither a variable nor a sub-workflow name (assign the variable before it is read; text needs quotes)
f.yaml:7:18: symbol 'x' is neither a variable nor a sub-workflow name (assign the variable before it is read; text needs quotes)`},
		{"except variable outside", "- a:\n    try: {raise: x}\n    except: {as: e, steps: [{b: {assign: [{y: 1}]}}]}\n- c: {return: \"${[e, y]}\"}\n", `f.yaml:4:19: symbol 'e' is neither a variable nor a sub-workflow name (assign the variable before it is read; text needs quotes)
f.yaml:4:22: symbol 'y' is neither a variable nor a sub-workflow name (assign the variable before it is read; text needs quotes)`},
		{"syntax of expression", "- a:\n    return: ${1 +}\n", `f.yaml:2:18: expression: expression ends where a value is expected`},
		{"unknown step", "- a: {next: b}\n", `f.yaml:1:13: next: there is no step "b" here (jumps reach steps of the same routine, not into or out of a loop or into an except block)`},
		{"jump into a loop", "- a: {next: b}\n- l:\n    for: {value: v, in: [], steps: [{b: {next: a}}]}\n", `f.yaml:1:13: next: there is no step "b" here (jumps reach steps of the same routine, not into or out of a loop or into an except block)
f.yaml:3:48: next: there is no step "a" here (jumps reach steps of the same routine, not into or out of a loop or into an except block)`},
		{"jump into except", "- a: {next: b}\n- t:\n    try: {raise: x}\n    except: {steps: [{b: {return: 1}}]}\n", `f.yaml:1:13: next: there is no step "b" here (jumps reach steps of the same routine, not into or out of a loop or into an except block)`},
		{"break outside", "- a: {next: break}\n", `f.yaml:1:13: break outside a for loop`},
		{"two kinds", "- a:\n    call: sys.now\n    return: 1\n", `f.yaml:3:5: step "a" has both call and return (make two steps of it)`},
		{"stray key", "- a:\n    call: sys.now\n    retries: 1\n", `f.yaml:3:5: key "retries" does not belong to a call step (known are args, result, next)`},
		{"next after return", "- a: {return: 1, next: end}\n", `f.yaml:1:18: key "next" does not belong to a return step (nothing can follow it in the same step)`},
		{"unknown kind", "- a: {cal: x}\n", `f.yaml:1:7: unknown key "cal" (known are assign, call, switch, for, try, raise, return, steps, next)`},
		{"step twice", "- a: {return: 1}\n- a: {return: 2}\n", `f.yaml:2:3: step "a" occurs twice in the same list of steps`},
		{"key twice", "- a: {return: 1, return: 2}\n", `f.yaml:1:18: key "return" occurs twice, first in line 1`},
		{"step with two keys", "- a:\n  return: 1\n", `f.yaml:1:3: a step must be a map with one key, its name; got 2 keys (indent the body of the step below its name)`},
		{"main with two params", "main:\n  params: [a, b]\n  steps: [{c: {return: 1}}]\n", `f.yaml:2:11: main takes at most one parameter (the argument of the execution can be a map)`},
		{"default before required", "main: {steps: [{c: {return: 1}}]}\ns:\n  params: [a: 1, b]\n  steps: [{c: {return: 1}}]\n", `f.yaml:3:18: parameter "b" without default follows one with a default (put parameters with defaults last)`},
		{"try alone", "- a: {try: {raise: x}}\n", `f.yaml:1:7: try needs retry or except`},
		{"retry without limit", "- a: {try: {raise: x}, retry: {predicate: \"${retry.always}\"}}\n", `f.yaml:1:31: retry needs max_retries (say how often, the first attempt not counted)`},
		{"predicate as text", "- a: {try: {raise: x}, retry: {predicate: retry.always, max_retries: 1}}\n", `f.yaml:1:43: predicate must be an expression, got "retry.always" (write ${name})`},
		{"raise a number", "- a: {raise: 1}\n", `f.yaml:1:14: only a string or a map can be raised, got integer`},
		{"condition as text", "- a: {switch: [{condition: x, next: end}]}\n", `f.yaml:1:28: condition must be an expression or a boolean, got "x" (write ${...})`},
		{"nested loops share a variable", "- a: {for: {value: v, in: [], steps: [{b: {for: {value: v, in: [], steps: [{c: {next: end}}]}}}]}}\n", `f.yaml:1:57: variable "v" is the loop variable of an enclosing for (rename one of them)`},
		{"steps as text", "main: {steps: x}\n", `f.yaml:1:15: expected a list of steps, got string`},
		{"assign as map", "- a: {assign: {x: 1}}\n", `f.yaml:1:15: expected a list of assignments such as - x: 1, got map`},
		{"step as number", "- 1\n", `f.yaml:1:3: expected a step: a map with one key, its name, got integer`},
		{"next as list", "- a: {next: [b]}\n", `f.yaml:1:13: expected the name of a step, end, break or continue, got list`},
		{"alias as steps", "main: {steps: &s [{a: {return: 1}}]}\nsub: {steps: *s}\n", `f.yaml:2:14: YAML aliases are not supported by the local engine: *s (write the value out)`},
		{"result as path", "- a: {call: sys.now, result: x.y}\n", `f.yaml:1:30: result must be the name of a variable, got "x.y" (assign parts of it in a further step)`},
		{"constant as target", "- a: {assign: [{\"1\": 2}]}\n", `f.yaml:1:17: "1" is no target of an assignment (write x, x.key or x["key"])`},
		{"element of an unknown variable", "- a: {assign: [{x.y: 2}]}\n", `f.yaml:1:17: symbol 'x' is neither a variable nor a sub-workflow name (assign the variable before it is read; text needs quotes)`},
		{"several problems in order", "- a: {next: x}\n- b: {call: y}\n- c: {return: '${z}'}\n", `f.yaml:1:13: next: there is no step "x" here (jumps reach steps of the same routine, not into or out of a loop or into an except block)
f.yaml:2:13: "y" is neither a standard function nor a subworkflow
f.yaml:3:18: symbol 'z' is neither a variable nor a sub-workflow name (assign the variable before it is read; text needs quotes)`},
		{"for without in", "- a: {for: {value: v, steps: [{b: {next: end}}]}}\n", `f.yaml:1:7: for needs value, steps and either in or range`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := workflows.Compile("f.yaml", []byte(tc.source))
			if diff := cmp.Diff(tc.want, fmt.Sprint(err)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// TestStaticLimits checks both sides of the limits on the definition.
func TestStaticLimits(t *testing.T) {
	t.Parallel()
	assigns := func(n int) string { return "- a:\n    assign:\n" + strings.Repeat("    - x: 1\n", n) }
	conditions := func(n int) string {
		return "- a:\n    switch:\n" + strings.Repeat("    - {condition: true, next: end}\n", n)
	}
	for _, tc := range []struct{ name, source, want string }{
		{"50 assignments", assigns(50), ``},
		{"51 assignments", assigns(51), `f.yaml:3:5: assign has 51 entries, the limit is 50 (split the step)`},
		{"50 conditions", conditions(50), ``},
		{"51 conditions", conditions(51), `f.yaml:3:5: switch has 51 conditions, the limit is 50 (split the switch)`},
		{"128 KiB", "- a: {return: 1}\n#" + strings.Repeat("x", 128<<10-18), ``},
		{"more than 128 KiB", "- a: {return: 1}\n#" + strings.Repeat("x", 128<<10), `f.yaml:1:1: definition has 131090 bytes, the limit is 131072 (split it into several workflows)`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if _, err := workflows.Compile("f.yaml", []byte(tc.source)); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzCompile: no source makes the compiler panic.
func FuzzCompile(f *testing.F) {
	f.Add([]byte("main:\n  params: [a]\n  steps:\n  - s:\n      try: {call: http.get, args: {url: \"${a}\"}}\n      retry: ${http.default_retry}\n      except: {as: e, steps: [{r: {raise: \"${e}\"}}]}\n"))
	f.Add([]byte("- a:\n    for: {value: v, range: [1, 2], steps: [{b: {switch: [{condition: true, next: continue}]}}]}\n"))
	f.Add([]byte("- a: {assign: [{x[1].y: &z !!binary aGk=}, {<<: *z}, {? [1]: 2}]}\n"))
	f.Fuzz(func(_ *testing.T, source []byte) {
		_, _ = workflows.Compile("f.yaml", source)
	})
}
