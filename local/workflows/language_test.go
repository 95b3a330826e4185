package workflows_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

// languageCases are the cases of TestLanguage.
var languageCases = []struct{ name, source, argument, want string }{
	{"document marks and comments", "--- # start\nmain: # the main workflow\n  steps:\n  - a: {return: done}\n...\n", "", `"done"`},
	{"names of steps are free", `
- "step 1: begin!": {next: "étape.2"}
- no: {return: no}
- étape.2: {return: yes}`, "", `"yes"`},
	{"the same step name in two routines", `
main: {steps: [{init: {call: sub, result: r}}, {out: {return: "${r}"}}]}
sub: {steps: [{init: {assign: [{a: 0}]}}, {out: {return: "${a}"}}]}`, "", `0`},
	{"arguments by place", `
main:
  steps:
  - a: {call: text.replace_all, args: [banana, an, "${string(1)}"], result: x}
  - b: {call: sub, args: [1], result: y}
  - c: {return: "${[x, y]}"}
sub: {params: [p, q: 2], steps: [{s: {return: "${p + q}"}}]}`, "", `["b11a",3]`},
	{"keys of maps", `
- a:
    assign:
    - dynamicKey: myKey
    - key_str: Key
    - m: {"special!key": odd, "${dynamicKey}": v, '${dynamicKey + "Apple"}': w, Key1: hello}
    - m.Key1: Value1
    - m["Key2"]: Value2
    - m[key_str + "3"]: Value3
    - m.new: {}
    - m.new.deep: 1
    - n:
        ${dynamicKey}: block
- b: {return: {m: "${m}", odd: '${m["special!key"]}', n: "${n.myKey}", has: '${"Key9" in m}'}}`, "",
		`{"has":false,"m":{"Key1":"Value1","Key2":"Value2","Key3":"Value3","myKey":"v","myKeyApple":"w","new":{"deep":1},"special!key":"odd"},"n":"block","odd":"odd"}`},
	{"containers on the way are not made", `
- a: {assign: [{m: {}}, {m.a.b: 1}]}`, "", `error: KeyError: key not found: a`},
	{"element of what is no container", `
- a: {assign: [{m: 1}, {m.a: 1}]}`, "", `error: TypeError: cannot assign an element of a value of type integer`},
	{"lists in lists", `
- a:
    assign:
    - l: [zero, one, two]
    - n: "${len(l)}"
    - i: 0
    - l[i + 1]: 1
    - l[n - 1]: 2
    - l: "${list.concat(l, 3)}"
    - t: [[10, 11, 12], [20, 21, 22]]
    - t[0][1]: "${t[1][i]}"
- b: {return: ["${l}", "${t}", '${"one" in l}']}`, "", `[["zero",1,2,3],[[10,20,12],[20,21,22]],false]`},
	{"words in any case, quotes of both kinds", `
- a: {assign: [{e: {tags: [SystemError]}}]}
- b:
    switch:
    - condition: ${'SystemError' in e.tags AND NOT(false OR FALSE) and not False}
      return: '${"a: " + "b"}'`, "", `"a: b"`},
	{"types of YAML", `
- a: {return: [1, -9223372036854775808, 0x1F, 4.1, 1e3, true, "true", null, ~, 2024-01-02, "", 9223372036854775808]}`, "",
		`[1,-9223372036854775808,31,4.1,1000,true,"true",null,null,"2024-01-02","",9223372036854776000]`},
	{"defaults of parameters", `
main:
  steps:
  - a: {call: name, args: {first: Sherlock, last: Holmes}, result: x}
  - b: {call: name, args: {country: {name: France}, first: Émile}, result: y}
  - c: {return: ["${x}", "${y}", '${name("Ada")}']}
name:
  params: [first, last: null, country: England, n: 3]
  steps:
  - r: {return: ["${first}", "${last}", "${country}", "${n}"]}`, "",
		`[["Sherlock","Holmes","England",3],["Émile",null,{"name":"France"},3],["Ada",null,"England",3]]`},
	{"a subworkflow does not see its caller's variables", `
main: {steps: [{a: {assign: [{x: 1}]}}, {b: {call: sub, result: r}}, {c: {return: ["${x}", "${r}"]}}]}
sub: {steps: [{d: {assign: [{x: 2}]}}, {e: {return: "${x}"}}]}`, "", `[1,2]`},
	{"argument as a default of main", `
main: {params: [n: 7], steps: [{a: {return: "${n}"}}]}`, "", `7`},
	{"loops by the reference", `
- init: {assign: [{workflowScope: foo}, {seen: []}]}
- outerLoop:
    for:
      value: outerLoopValue
      in: [1, 2]
      steps:
      - outerLoopAssign: {assign: [{outerLoopScope: "${workflowScope}"}]}
      - innerLoop:
          for:
            value: innerLoopValue
            range: [1, 2]
            steps:
            - innerLoopAssign:
                assign:
                - workflowScope: bar
                - outerLoopScope: '${outerLoopScope + "baz"}'
      - note: {assign: [{seen: "${list.concat(seen, outerLoopScope)}"}]}
- last: {return: {s: "${workflowScope}", seen: "${seen}"}}`, "", `{"s":"bar","seen":["foobazbaz","barbazbaz"]}`},
	{"loop over nothing and over an absent list", `
- a: {for: {value: v, in: [], steps: [{b: {raise: never}}]}}
- c:
    try: {for: {value: w, in: "${null}", steps: [{d: {raise: never}}]}}
    except: {as: e, steps: [{f: {return: "${e.tags}"}}]}`, "", `["TypeError"]`},
	{"raised map is bound as it is", `
- a:
    try: {raise: {code: 55, message: "Something went wrong", nested: {l: [1]}}}
    except: {as: e, steps: [{b: {return: "${[e, e.code + 1]}"}}]}`, "", `[{"code":55,"message":"Something went wrong","nested":{"l":[1]}},56]`},
	{"error restored from text", `
- a: {assign: [{s: '{"error":{"code":404}}'}]}
- b: {return: "${json.decode(text.encode(s)).error.code}"}`, "", `404`},
	{"error in an except block leaves it", `
- a:
    try:
      try: {raise: inner}
      except: {as: e, steps: [{b: {assign: [{x: "${e.code}"}]}}]}
    except: {as: e, steps: [{c: {return: "${e.message}"}}]}`, "", `"TypeError: property \"code\" of a value of type string: not a map"`},
	{"expression as the policy and in it", `
- init: {assign: [{n: 0}]}
- a:
    try: {steps: [{count: {assign: [{n: "${n + 1}"}]}}, {fail: {raise: {tags: [ConnectionFailedError]}}}]}
    retry: "${http.default_retry_non_idempotent}"
    except: {as: e, steps: [{r: {return: '${[n, "ConnectionFailedError" in e.tags]}'}}]}`, "", `[6,true]`},
	{"list of steps", `
- a: {assign: [{x: 1}, {y: "${x + 1}"}]}
- b: {return: "${y}"}`, "", `2`},
	{"falls off the end", `
- a: {assign: [{x: 1}]}`, "", `null`},
	{"next end has no result", `
- a: {assign: [{x: 1}], next: end}
- b: {return: 2}`, "", `null`},
	{"argument", `
main:
  params: [order]
  steps:
  - a: {return: "${order.items[1].sku}"}`, `{"items":[{"sku":"a"},{"sku":"b"}]}`, `"b"`},
	{"absent argument is null", `
main:
  params: [order]
  steps:
  - a: {return: "${order == null}"}`, "", `true`},
	{"json definition", `{"main": {"steps": [{"a": {"return": "${1 + 1}"}}]}}`, "", `2`},
	{"nested templates", `
- a: {assign: [{k: dyn}, {x: {a: ["${1+1}", {b: "${k}"}], "${k}": v, 7: seven}}]}
- b: {return: "${x}"}`, "", `{"7":"seven","a":[2,{"b":"dyn"}],"dyn":"v"}`},
	{"text around an expression is text", `
- a: {return: "a ${1} b"}`, "", `"a ${1} b"`},
	{"multi line expression", "- a:\n    return: >-\n      ${1 +\n      2}\n", "", `3`},
	{"nested targets", `
- a:
    assign:
    - m: {list: [1, 2, {k: 1}]}
    - i: 2
    - m.list[i].k: 5
    - m["new key"]: x
    - m.list[0]: 9
- b: {return: "${m}"}`, "", `{"list":[9,2,{"k":5}],"new key":"x"}`},
	{"assignment copies", `
- a:
    assign:
    - x: {l: [1]}
    - y: "${x}"
    - y.l[0]: 2
    - z: [0]
    - z[0]: "${z}"
- b: {return: ["${x}", "${y}", "${z}"]}`, "", `[{"l":[1]},{"l":[2]},[[0]]]`},
	{"index out of range", `
- a: {assign: [{l: [1]}, {"l[1]": 2}]}`, "", `error: IndexError: index 1 is out of range for a list of length 1`},
	{"switch forms", `
main:
  params: [n]
  steps:
  - s:
      switch:
      - {condition: "${n == 0}", next: zero}
      - {condition: "${n == 1}", return: one}
      - {condition: "${n == 2}", raise: two}
      - condition: "${n == 3}"
        assign: [{x: three}]
        next: out
      - condition: "${n == 4}"
        steps:
        - d1: {assign: [{x: four}]}
        - d2: {assign: [{x: '${x + "!"}'}]}
      - condition: true
        assign: [{x: other}]
      next: out
  - zero: {return: zero}
  - out: {return: "${x}"}`, `4`, `"four!"`},
	{"switch falls through", `
- s: {switch: [{condition: "${false}", return: 1}]}
- t: {return: 2}`, "", `2`},
	{"switch level next", `
- s: {switch: [{condition: "${false}", return: 1}], next: u}
- t: {return: 2}
- u: {return: 3}`, "", `3`},
	{"condition must be boolean", `
- s: {switch: [{condition: "${null}", return: 1}]}`, "", `error: TypeError: condition must be a boolean, got null`},
	{"for in with index, break, continue", `
- init: {assign: [{out: []}]}
- loop:
    for:
      value: v
      index: i
      in: [a, b, c, d, e]
      steps:
      - s:
          switch:
          - {condition: '${v == "b"}', next: continue}
          - {condition: "${i == 3}", next: break}
      - add: {assign: [{out: "${list.concat(out, v + string(i))}"}]}
- done: {return: "${out}"}`, "", `["a0","c2"]`},
	{"range is inclusive", `
- init: {assign: [{out: []}]}
- loop:
    for:
      value: v
      range: [1, 3]
      steps:
      - add: {assign: [{out: "${list.concat(out, v)}"}]}
- loop2:
    for:
      value: v
      range: "${[0, len(out) - 1]}"
      steps:
      - add2: {assign: [{out: "${list.concat(out, v)}"}]}
- loop3:
    for: {value: v, range: [2, 1], steps: [{x: {raise: never}}]}
- done: {return: "${out}"}`, "", `[1,2,3,0,1,2]`},
	{"range of doubles and wrong ranges", `
- init: {assign: [{out: []}]}
- loop: {for: {value: v, range: [0.5, 2], steps: [{add: {assign: [{out: "${list.concat(out, v)}"}]}}]}}
- wrong:
    try: {for: {value: v, range: "${[1]}", steps: [{x: {return: no}}]}}
    except: {as: e, steps: [{add2: {assign: [{out: "${list.concat(out, e.message)}"}]}}]}
- map:
    try: {for: {value: v, in: {a: 1}, steps: [{x2: {return: no}}]}}
    except: {as: e, steps: [{add3: {assign: [{out: "${list.concat(out, e.message)}"}]}}]}
- done: {return: "${out}"}`, "", `[0.5,1.5,"TypeError: range must be a list of two numbers, got [1]","TypeError: in must be a list, got map; use keys() for a map"]`},
	{"constants of the library", `
- a: {return: "${[retry.default_backoff.multiplier, http.default_retry.max_retries]}"}`, "", `[1.25,5]`},
	{"for over keys with numbers", `
- init: {assign: [{m: {1: 10, 2: 20}}, {sum: 0}]}
- loop:
    for: {value: k, in: "${keys(m)}", steps: [{add: {assign: [{sum: "${sum + m[k]}"}]}}]}
- done: {return: "${sum}"}`, "", `30`},
	{"return from a loop", `
- loop:
    for: {value: v, in: [1, 2], steps: [{r: {return: "${v}"}}]}`, "", `1`},
	{"jump within a loop", `
- init: {assign: [{n: 0}]}
- loop:
    for:
      value: v
      in: [1, 2]
      steps:
      - a: {assign: [{n: "${n + 1}"}], next: c}
      - b: {assign: [{n: "${n + 100}"}]}
      - c: {assign: [{n: "${n + 10}"}]}
- done: {return: "${n}"}`, "", `22`},
	{"backward jump into nested steps", `
- init: {assign: [{n: 0}]}
- outer:
    steps:
    - a: {assign: [{n: "${n + 100}"}]}
    - inner: {steps: [{b: {assign: [{n: "${n + 1}"}]}}]}
- check: {switch: [{condition: "${n < 103}", next: b}]}
- done: {return: "${n}"}`, "", `103`},
	{"subworkflow", `
main:
  steps:
  - a: {call: add, args: {x: 1}, result: r}
  - b: {call: add, args: "${r}", result: r2}
  - c: {return: "${[r2, add(1, 2)]}"}
add:
  params: [x, y: 10]
  steps:
  - s: {return: {x: "${x + y}", y: 100}}`, "", `[{"x":111,"y":100},{"x":3,"y":100}]`},
	{"subworkflow end", `
main:
  steps:
  - a: {call: sub, result: r}
  - b: {return: "${r == null}"}
sub:
  steps:
  - s: {next: end}
  - t: {return: 1}`, "", `true`},
	{"recursion limit is catchable", `
main:
  steps:
  - a:
      try: {call: f}
      except: {as: e, steps: [{r: {return: '${e.tags}'}}]}
f:
  steps:
  - s: {call: f}`, "", `["RecursionError"]`},
	{"variables of try and switch are visible after", `
- a:
    try: {steps: [{b: {assign: [{x: 1}]}}]}
    except: {steps: [{c: {return: no}}]}
- d: {switch: [{condition: true, assign: [{y: 2}]}]}
- e: {return: "${x + y}"}`, "", `3`},
	{"except jumps out", `
- a:
    try: {raise: x}
    except: {as: e, steps: [{b: {next: d}}]}
- c: {return: no}
- d: {return: yes}`, "", `"yes"`},
	{"loop break from except", `
main:
  steps:
  - init: {assign: [{n: 0}]}
  - loop:
      for:
        value: v
        range: [1, 5]
        steps:
        - a: {assign: [{n: "${v}"}]}
        - t:
            try: {call: maybe, args: {v: "${v}"}}
            except: {steps: [{b: {next: break}}]}
  - d: {return: "${n}"}
maybe:
  params: [v]
  steps:
  - s: {switch: [{condition: "${v == 3}", raise: stop}]}`, "", `3`},
}

// TestLanguage runs small workflows and compares how they end.
func TestLanguage(t *testing.T) {
	t.Parallel()
	for _, tc := range languageCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := outcome(run(t, workflows.Options{Clock: newClock()}, tc.source, tc.argument))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}
