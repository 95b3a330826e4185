package workflows_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

// jumps is the hint of a jump that is not allowed.
const jumps = "(jumps reach steps of the same routine, not into or out of a loop or into an except block)"

// problemCases are the cases of TestProblems.
var problemCases = []struct{ name, source, want string }{
	{"empty", ``, `f.yaml:1:1: parse error: definition is empty (it needs at least one step)`},
	{"text", `some text`, `f.yaml:1:1: parse error: expected a map of workflows or a sequence of steps; got string`},
	{"bad yaml", "- a:\n    call: x: y\n", `f.yaml:2:1: parse error: mapping values are not allowed in this context (text with ": " or a leading special character needs quotes)`},
	{"two documents", "- a: {return: 1}\n---\n- b: {return: 1}\n", `f.yaml:2:1: a second YAML document (one file holds one workflow)`},
	{"no main", "sub:\n  steps:\n  - a: {return: 1}\n", `f.yaml:1:1: there is no main routine (the execution starts there)`},
	{"no steps", "main:\n  params: [a]\n", `f.yaml:1:1: subworkflow "main" has no steps`},
	{"empty steps", "main:\n  steps: []\n", `f.yaml:2:10: a list of steps needs at least one step`},
	{"alias", "- a: {assign: [{x: &v 1}, {y: *v}]}\n", `f.yaml:1:31: YAML aliases are not supported by the local engine: *v (write the value out)`},
	{"parallel", "- a:\n    parallel:\n      branches: []\n", `f.yaml:3:17: parallel needs at least one branch`},
	{"unknown connector", "- a: {call: googleapis.pubsub.v1.projects.topics.publsh, args: {topic: t}}\n", `f.yaml:1:13: googleapis.pubsub.v1.projects.topics.publsh is not a connector (did you mean googleapis.pubsub.v1.projects.topics.publish?)`},
	{"argument of a connector", "- a: {call: googleapis.pubsub.v1.projects.topics.publish, args: {topic: t, messages: []}}\n", `f.yaml:1:76: googleapis.pubsub.v1.projects.topics.publish has no argument "messages" (it takes topic, [body], [alt], [connector_params])`},
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
	{"unknown step", "- a: {next: b}\n", `f.yaml:1:13: next: there is no step "b" in main (jumps reach steps of the same routine, not into or out of a loop or into an except block)`},
	{"jump into a loop", "- a: {next: b}\n- l:\n    for: {value: v, in: [], steps: [{b: {next: a}}]}\n", `f.yaml:1:13: next: step "b" in line 3 cannot be reached from here (jumps reach steps of the same routine, not into or out of a loop or into an except block)
f.yaml:3:48: next: step "a" in line 1 cannot be reached from here (jumps reach steps of the same routine, not into or out of a loop or into an except block)`},
	{"jump into except", "- a: {next: b}\n- t:\n    try: {raise: x}\n    except: {steps: [{b: {return: 1}}]}\n", `f.yaml:1:13: next: step "b" in line 4 cannot be reached from here (jumps reach steps of the same routine, not into or out of a loop or into an except block)`},
	{"break outside", "- a: {next: break}\n", `f.yaml:1:13: break outside a for loop`},
	{"loop variable is assigned outside", "- a: {for: {value: v, index: i, in: [], steps: [{b: {next: continue}}]}}\n- c: {assign: [{v: 1}]}\n- d: {assign: [{i: 1}]}\n", `f.yaml:1:20: loop variable "v" is also a variable outside the loop (rename one of them)
f.yaml:1:30: loop variable "i" is also a variable outside the loop (rename one of them)`},
	{"loop variable is a parameter", "main: {params: [v], steps: [{a: {for: {value: v, in: [], steps: [{b: {next: continue}}]}}}]}\n", `f.yaml:1:47: loop variable "v" is also a variable outside the loop (rename one of them)`},
	{"value and index share a name", "- a: {for: {value: v, index: v, in: [], steps: [{b: {next: continue}}]}}\n", `f.yaml:1:30: value and index of the loop are both named "v" (rename one of them)`},
	{"nested step has a taken name", "- a: {steps: [{b: {next: end}}]}\n- b: {return: 1}\n", `f.yaml:2:3: step "b" occurs twice, first in line 1 (names of steps are unique in a workflow or subworkflow, nested ones included)`},
	{"nested step takes a name", "- b: {steps: [{c: {next: end}}]}\n- a: {steps: [{b: {return: 1}}]}\n", `f.yaml:2:16: step "b" occurs twice, first in line 1 (names of steps are unique in a workflow or subworkflow, nested ones included)`},
	{"loop variable of an inner loop is assigned outside both", "- a: {assign: [{x: 1}]}\n- b: {for: {value: v, in: [], steps: [{c: {for: {value: x, in: [], steps: [{d: {next: continue}}]}}}]}}\n", `f.yaml:2:57: loop variable "x" is also a variable outside the loop (rename one of them)`},
	{"step without a name", "- \"\": {return: 1}\n", `f.yaml:1:3: a step needs a name`},
	{"step named like a target", "- end: {return: 1}\n", `f.yaml:1:3: a step cannot be named "end" (it is a target of next)`},
	{"misspelt step", "- first: {next: secnd}\n- second: {return: 1}\n", `f.yaml:1:17: next: there is no step "secnd" in main (did you mean second?)`},
	{"step of another routine", "main: {steps: [{a: {next: there}}]}\nsub: {steps: [{there: {return: 1}}]}\n", `f.yaml:1:27: next: there is no step "there" in main ` + jumps},
	{"jump out of except's loop", "- t:\n    try: {raise: x}\n    except:\n      steps:\n      - l: {for: {value: v, in: [1], steps: [{b: {next: z}}]}}\n- z: {return: 1}\n", `f.yaml:5:57: next: step "z" in line 6 cannot be reached from here ` + jumps},
	{"continue in a subworkflow called from a loop", "main: {steps: [{a: {for: {value: v, in: [1], steps: [{b: {call: s}}]}}}]}\ns: {steps: [{c: {next: continue}}]}\n", `f.yaml:2:24: continue outside a for loop`},
	{"variable of another routine", "main: {steps: [{a: {assign: [{x: 1}]}}]}\ns: {steps: [{b: {return: \"${x}\"}}]}\n", `f.yaml:2:29: symbol 'x' is neither a variable nor a sub-workflow name (assign the variable before it is read; text needs quotes)`},
	{"too many arguments by place", "- a: {call: sys.sleep, args: [1, 2]}\n", `f.yaml:1:34: sys.sleep takes 1 argument, got 2 (it takes seconds)`},
	{"missing argument by place", "- a: {call: text.split, args: [x]}\n", `f.yaml:1:13: text.split needs the argument "separator" (it takes source, separator)`},
	{"args as text", "- a: {call: sys.sleep, args: x}\n", `f.yaml:1:30: expected a map or list of arguments or an expression, got string`},
	{"what is malformed comes first", "- a: {return: \"${x}\"}\n- b: {assign: {x: 1}}\n", `f.yaml:2:15: expected a list of assignments such as - x: 1, got map
f.yaml:1:18: symbol 'x' is neither a variable nor a sub-workflow name (assign the variable before it is read; text needs quotes)`},
	{"argument of a function in an expression", "- a: {return: \"${text.split('a', b) + c}\"}\n", `f.yaml:1:34: symbol 'b' is neither a variable nor a sub-workflow name (assign the variable before it is read; text needs quotes)
f.yaml:1:39: symbol 'c' is neither a variable nor a sub-workflow name (assign the variable before it is read; text needs quotes)`},
	{"expression as a default", "main: {steps: [{a: {return: 1}}]}\ns: {params: [{p: \"${1}\"}], steps: [{b: {return: 1}}]}\n", `f.yaml:2:18: the default of a parameter must not be an expression (assign it in the first step)`},
	{"parameter twice", "main: {steps: [{a: {return: 1}}]}\ns: {params: [p, p], steps: [{b: {return: 1}}]}\n", `f.yaml:2:17: parameter "p" is declared twice`},
	{"subworkflow named like a function", "main: {steps: [{a: {return: 1}}]}\nlen: {steps: [{b: {return: 1}}]}\n", `f.yaml:2:1: "len" is the name of a standard function (rename the subworkflow)`},
	{"unterminated expression is text, a bad one is not", "- a: {return: \"${1\"}\n- b: {return: \"${}\"}\n", `f.yaml:2:18: expression: expression ends where a value is expected`},
	{"two kinds", "- a:\n    call: sys.now\n    return: 1\n", `f.yaml:3:5: step "a" has both call and return (make two steps of it)`},
	{"stray key", "- a:\n    call: sys.now\n    retries: 1\n", `f.yaml:3:5: key "retries" does not belong to a call step (known are args, result, next)`},
	{"next after return", "- a: {return: 1, next: end}\n", `f.yaml:1:18: key "next" does not belong to a return step (nothing can follow it in the same step)`},
	{"unknown kind", "- a: {cal: x}\n", `f.yaml:1:7: unknown key "cal" (known are assign, call, switch, for, parallel, try, raise, return, steps, next)`},
	{"step twice", "- a: {return: 1}\n- a: {return: 2}\n", `f.yaml:2:3: step "a" occurs twice, first in line 1 (names of steps are unique in a workflow or subworkflow, nested ones included)`},
	{"key twice", "- a: {return: 1, return: 2}\n", `f.yaml:1:18: key "return" occurs twice, first in line 1`},
	{"step with two keys", "- a:\n  return: 1\n", `f.yaml:1:3: a step must be a map with one key, its name; got 2 keys (indent the body of the step below its name)`},
	{"main with two params", "main:\n  params: [a, b]\n  steps: [{c: {return: 1}}]\n", `f.yaml:2:11: main takes at most one parameter (the argument of the execution can be a map)`},
	{"default before required", "main: {steps: [{c: {return: 1}}]}\ns:\n  params: [a: 1, b]\n  steps: [{c: {return: 1}}]\n", `f.yaml:3:18: parameter "b" without default follows one with a default (put parameters with defaults last)`},
	{"try alone", "- a: {try: {raise: x}}\n", `f.yaml:1:7: try needs retry or except`},
	{"retry without limit", "- a: {try: {raise: x}, retry: {predicate: \"${retry.always}\"}}\n", `f.yaml:1:31: retry needs max_retries (say how often, the first attempt not counted)`},
	{"predicate as text", "- a: {try: {raise: x}, retry: {predicate: retry.always, max_retries: 1}}\n", `f.yaml:1:43: predicate must be an expression, got "retry.always" (write ${name})`},
	{"raise a number", "- a: {raise: 1}\n", `f.yaml:1:14: only a string or a map can be raised, got integer`},
	{"condition as text", "- a: {switch: [{condition: x, next: end}]}\n", `f.yaml:1:28: condition must be an expression or a boolean, got "x" (write ${...})`},
	{"nested loops share a variable", "- a: {for: {value: v, in: [], steps: [{b: {for: {value: v, in: [], steps: [{c: {next: end}}]}}}]}}\n", `f.yaml:1:57: loop variable "v" is also a variable outside the loop (rename one of them)`},
	{"steps as text", "main: {steps: x}\n", `f.yaml:1:15: expected a list of steps, got string`},
	{"assign as map", "- a: {assign: {x: 1}}\n", `f.yaml:1:15: expected a list of assignments such as - x: 1, got map`},
	{"step as number", "- 1\n", `f.yaml:1:3: expected a step: a map with one key, its name, got integer`},
	{"next as list", "- a: {next: [b]}\n", `f.yaml:1:13: expected the name of a step, end, break or continue, got list`},
	{"alias as steps", "main: {steps: &s [{a: {return: 1}}]}\nsub: {steps: *s}\n", `f.yaml:2:14: YAML aliases are not supported by the local engine: *s (write the value out)`},
	{"result as path", "- a: {call: sys.now, result: x.y}\n", `f.yaml:1:30: result must be the name of a variable, got "x.y" (assign parts of it in a further step)`},
	{"constant as target", "- a: {assign: [{\"1\": 2}]}\n", `f.yaml:1:17: "1" is no target of an assignment (write x, x.key or x["key"])`},
	{"element of an unknown variable", "- a: {assign: [{x.y: 2}]}\n", `f.yaml:1:17: symbol 'x' is neither a variable nor a sub-workflow name (assign the variable before it is read; text needs quotes)`},
	{"several problems in order", "- a: {next: x}\n- b: {call: y}\n- c: {return: '${z}'}\n", `f.yaml:1:13: next: there is no step "x" in main (jumps reach steps of the same routine, not into or out of a loop or into an except block)
f.yaml:2:13: "y" is neither a standard function nor a subworkflow
f.yaml:3:18: symbol 'z' is neither a variable nor a sub-workflow name (assign the variable before it is read; text needs quotes)`},
	{"for without in", "- a: {for: {value: v, steps: [{b: {next: end}}]}}\n", `f.yaml:1:7: for needs value, steps and either in or range`},
}

// TestProblems checks that what is wrong or unsupported is reported by name and
// place.
func TestProblems(t *testing.T) {
	t.Parallel()
	for _, tc := range problemCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := workflows.Compile("f.yaml", []byte(tc.source))
			if diff := cmp.Diff(tc.want, fmt.Sprint(err)); diff != "" {
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
	for _, tc := range languageCases {
		f.Add([]byte(tc.source))
	}
	for _, tc := range trapCases {
		f.Add([]byte(tc.source))
	}
	for _, tc := range slices.Concat(problemCases, positionCases) {
		f.Add([]byte(tc.source))
	}
	f.Fuzz(func(_ *testing.T, source []byte) {
		_, _ = workflows.Compile("f.yaml", source)
	})
}

// FuzzRun: no workflow that compiles makes the engine panic, and every execution
// ends. Time does not pass and nothing is sent.
func FuzzRun(f *testing.F) {
	for _, tc := range languageCases {
		f.Add([]byte(tc.source), []byte(tc.argument))
	}
	for _, tc := range trapCases {
		f.Add([]byte(tc.source), []byte("null"))
	}
	f.Add([]byte(saga), []byte(`{"id":"o1","items":[]}`))
	f.Fuzz(func(t *testing.T, source, argument []byte) {
		w, err := workflows.Compile("f.yaml", source)
		if err != nil || !json.Valid(argument) {
			return
		}
		e := workflows.NewEngine(workflows.Options{
			Clock: newClock(), HTTP: &http.Client{Transport: offline{}}, Limits: workflows.Limits{Steps: 300, MemoryBytes: 64 << 10},
		})
		e.Deploy("w", w)
		x, err := e.Run(t.Context(), "w", argument)
		if err == nil && x.State != workflows.Succeeded && x.State != workflows.Failed {
			t.Errorf("execution is %s, want SUCCEEDED or FAILED", x.State)
		}
	})
}
