package workflows_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

// trapCases are the cases of TestTraps.
var trapCases = []struct{ name, source, want string }{
	{"1 concat and prepend add one element", `
- a: {return: "${[list.concat([1], [2]), list.prepend([1], [2])]}"}`, `[[1,[2]],[[2],1]]`},
	{"2 raised text binds the text", `
- a:
    try: {raise: oops}
    except: {as: e, steps: [{r: {return: '${[e, get_type(e)]}'}}]}`, `["oops","string"]`},
	{"2 uncaught text", `
- a: {raise: oops}`, `error: RuntimeError: "oops"`},
	{"2 uncaught map", `
- a: {raise: {code: 55, message: bad}}`, `error: RuntimeError: {"code":55,"message":"bad"}`},
	{"4 not binds tighter than in", `
- a: {assign: [{m: {}}]}
- b: {return: '${not "x" in m}'}`, `error: TypeError: operand of 'not' must be a boolean, got string`},
	{"5 get_type names", `
- a: {return: '${[get_type(1), get_type(1.5), get_type(true), get_type(null), get_type([]), get_type("")]}'}`,
		`["integer","double","boolean","null","list","string"]`},
	{"5 default evaluates its arguments", `
- a: {assign: [{m: {}}]}
- b: {return: '${default(1, m.missing)}'}`, `error: KeyError: key not found: missing`},
	{"5 if evaluates its arguments", `
- a: {assign: [{m: {}}]}
- b: {return: '${if(true, 1, m.missing)}'}`, `error: KeyError: key not found: missing`},
	{"6 map.get", `
- a: {assign: [{m: {a: {b: 1}}}]}
- b: {return: '${[map.get(m, "a"), map.get(m, ["a", "b"]), map.get(m, ["a", "x", "y"]), map.get(null, "a"), map.get("s", ["a"])]}'}`,
		`[{"b":1},1,null,null,null]`},
	{"7 named arguments", `
- a: {call: text.find_all_regex, args: {source: "añb1", regexp: "[a-z0-9]+"}, result: x}
- b: {call: text.replace_all, args: {source: aXa, substr: X, repl: "-"}, result: y}
- c: {return: '${[x, y]}'}`, `[[{"index":0,"match":"a"},{"index":2,"match":"b1"}],"a-a"]`},
	{"8 no code on other errors", `
- a:
    try: {assign: [{x: '${1 / 0}'}]}
    except: {as: e, steps: [{r: {return: '${[e.tags, "code" in e, e.message]}'}}]}`,
		`[["ZeroDivisionError"],false,"ZeroDivisionError: division by zero: integer / integer"]`},
	{"9 predicates", `
- init: {assign: [{out: []}]}
- codes:
    for:
      value: c
      in: [429, 500, 502, 503, 504]
      steps:
      - e: {assign: [{err: {code: "${c}", tags: [HttpError]}}]}
      - add: {assign: [{out: "${list.concat(out, [http.default_retry_predicate(err), http.default_retry_predicate_non_idempotent(err)])}"}]}
- tags:
    for:
      value: c
      in: [ConnectionError, ConnectionFailedError, TimeoutError]
      steps:
      - e2: {assign: [{err: {tags: ["${c}"]}}]}
      - add2: {assign: [{out: "${list.concat(out, [http.default_retry_predicate(err), http.default_retry_predicate_non_idempotent(err)])}"}]}
- done: {return: "${out}"}`,
		`[[true,true],[false,false],[true,false],[true,true],[true,false],[true,false],[true,true],[true,false]]`},
	{"9 policy and predicate differ", `
- a:
    try: {raise: {code: 503}}
    retry: '${http.default_retry_predicate}'`,
		`error: TypeError: retry must be a policy such as ${http.default_retry} or a map, got function`},
	{"11 memory limit is not catchable", `
- a:
    try:
      steps:
      - init: {assign: [{s: "0123456789abcdef"}]}
      - grow: {assign: [{s: "${s + s}"}], next: grow}
    except: {as: e, steps: [{r: {return: caught}}]}`, `error: ResourceLimitError: Memory usage limit exceeded`},
	{"11 step limit is not catchable", `
- a:
    try: {steps: [{b: {next: b}}]}
    except: {as: e, steps: [{r: {return: caught}}]}`, `error: ResourceLimitError: Step limit exceeded`},
	{"13 bytes cannot be returned", `
- a: {return: '${text.encode("x")}'}`, `error: ValueError: a value of type bytes cannot be written as JSON`},
	{"13 bytes round trip", `
- a: {assign: [{b: '${base64.encode(text.encode("hé"))}'}]}
- c: {return: '${[b, text.decode(base64.decode(b)), get_type(json.encode([1])), json.decode(json.encode([1.5]))]}'}`,
		`["aMOp","hé","bytes",[1.5]]`},
	{"14 loop variables are local, outer ones persist", `
- a: {assign: [{n: 0}]}
- l: {for: {value: v, in: [1, 2], steps: [{b: {assign: [{inner: "${v}"}, {n: "${n + inner}"}]}}]}}
- l2: {for: {value: v, in: [3], steps: [{c: {assign: [{n: "${n + v}"}]}}]}}
- d: {return: "${n}"}`, `6`},
	{"14 reading a variable of a skipped branch", `
- a: {switch: [{condition: false, assign: [{x: 1}]}]}
- b: {return: "${x}"}`, `error: KeyError: variable "x" is read before it is assigned`},
	{"15 floor division, characters, inclusive range", `
- a: {return: '${[-7 // 2, len("héé"), 7 // 2]}'}`, `[-4,3,3]`},
	{"raise again keeps the value", `
- a:
    try:
      try: {raise: {code: 7}}
      except: {as: e, steps: [{again: {raise: "${e}"}}]}
    except: {as: e, steps: [{r: {return: "${e}"}}]}`, `{"code":7}`},
	{"only text and maps can be raised", `
- a: {raise: "${1}"}`, `error: TypeError: only a string or a map can be raised, got integer`},
	{"wrong dynamic arguments", `
- a: {assign: [{x: {url: 1}}]}
- b: {call: text.to_lower, args: "${x}"}`, `error: TypeError: text.to_lower needs the argument "source"`},
}

// TestTraps holds the points of the language that are most easily got wrong.
// Parallel steps and connectors (traps 3 and 12) are refused for now, which
// TestProblems checks; HTTP and retry have their own tests.
func TestTraps(t *testing.T) {
	t.Parallel()
	for _, tc := range trapCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, outcome(run(t, workflows.Options{}, tc.source, ""))); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFailure checks payload, context and stack trace of uncaught errors.
func TestFailure(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, source string
		want         workflows.Failure
	}{
		{"in a subworkflow", `main:
  steps:
  - outer:
      steps:
      - first:
          call: sub
          args: {x: 0}
sub:
  params: [x]
  steps:
  - compute:
      return: ${1 / x}
`, workflows.Failure{
			Payload: `{"message":"ZeroDivisionError: division by zero: integer / integer","tags":["ZeroDivisionError"]}`,
			Context: "ZeroDivisionError: division by zero: integer / integer\nin step \"compute\", routine \"sub\", line: 12\nin step \"first\", routine \"main\", line: 6",
			Stack: []workflows.StackElement{
				{Step: "compute", Routine: "sub", Position: workflows.Position{Line: 12, Column: 15, Length: 8}},
				{Step: "first", Routine: "main", Position: workflows.Position{Line: 6, Column: 11, Length: 4}},
			},
		}},
		{"as the documentation shows it", `# line 1
# line 2
# line 3
# line 4
# line 5
# line 6
main:
    params: [input]
    steps:
    - checkSearchTermInInput:
        switch:
            - condition: ${"searchTerm" in input}
              next: end
`, workflows.Failure{
			Payload: `{"message":"The argument of 'in' must be a dict or an array; got: null","tags":["TypeError"]}`,
			Context: "The argument of 'in' must be a dict or an array; got: null\nin step \"checkSearchTermInInput\", routine \"main\", line: 12",
			Stack: []workflows.StackElement{
				{Step: "checkSearchTermInInput", Routine: "main", Position: workflows.Position{Line: 12, Column: 26, Length: 24}},
			},
		}},
		{"called in an expression", `main:
  steps:
  - first:
      return: ${1 + sub()}
sub:
  steps:
  - s:
      raise: no
`, workflows.Failure{
			Payload: `"no"`,
			Context: "RuntimeError: \"no\"\nin step \"s\", routine \"sub\", line: 8\nin step \"first\", routine \"main\", line: 4",
			Stack: []workflows.StackElement{
				{Step: "s", Routine: "sub", Position: workflows.Position{Line: 8, Column: 7, Length: 5}},
				{Step: "first", Routine: "main", Position: workflows.Position{Line: 4, Column: 15, Length: 12}},
			},
		}},
		{"resource limit has no stack", `
- a: {next: a}
`, workflows.Failure{
			Payload: `{"message":"ResourceLimitError: Step limit exceeded","tags":["ResourceLimitError"]}`,
			Context: "ResourceLimitError: Step limit exceeded",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			x := run(t, workflows.Options{}, tc.source, "")
			if diff := cmp.Diff(&tc.want, x.Error); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if x.State != workflows.Failed {
				t.Errorf("state = %s, want FAILED", x.State)
			}
		})
	}
}

// TestSteps checks the billed steps of each kind of step.
func TestSteps(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, source string
		want         int
	}{
		{"assign and return", "- a: {assign: [{x: 1}, {y: 2}]}\n- b: {return: '${x}'}\n", 2},
		{"nested steps", "- a: {steps: [{b: {assign: [{x: 1}]}}]}\n", 1},
		{"jump", "- a: {next: b}\n- b: {assign: [{x: 1}], next: end}\n", 2},
		{"switch that jumps", "- a: {switch: [{condition: true, next: b}]}\n- b: {return: 1}\n", 2},
		{"switch that returns", "- a: {switch: [{condition: true, return: 1}]}\n", 2},
		{"loop", "- a: {for: {value: v, in: [1, 2], steps: [{b: {assign: [{x: 1}]}}]}}\n", 5},
		{"try", "- a: {try: {assign: [{x: 1}]}, except: {steps: [{b: {return: 1}}]}}\n", 2},
		{"subworkflow", "main: {steps: [{a: {call: s}}]}\ns: {steps: [{b: {return: 1}}]}\n", 2},
		{"in an expression", "main: {steps: [{a: {return: '${s() + s()}'}}]}\ns: {steps: [{b: {return: 1}}]}\n", 3},
		{"retry", "- a: {try: {raise: x}, retry: {predicate: '${retry.always}', max_retries: 2, backoff: {initial_delay: 0, max_delay: 0, multiplier: 1}}}\n", 6},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			x := run(t, workflows.Options{}, tc.source, "")
			if diff := cmp.Diff(workflows.StepCount{Internal: tc.want}, x.Steps); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
}
