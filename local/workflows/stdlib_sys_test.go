package workflows_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

// TestSysLog checks the examples and the refusals of the reference of sys.log,
// arguments by name and by place.
func TestSysLog(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, args, want string }{
		{"data of text", `{data: hello, severity: ERROR}`, `ERROR hello`},
		{"data of a map", `{data: {a: 1}}`, `DEFAULT {"a":1}`},
		{"data of a number", `{data: 1.5}`, `DEFAULT 1.5`},
		{"text of a list", `{text: [1, a]}`, `DEFAULT [1,"a"]`},
		{"text of a boolean", `{text: false}`, `DEFAULT false`},
		{"json", `{json: {a: b}, severity: INFO, timeout: 3}`, `INFO {"a":"b"}`},
		{"by place", `["${v}", ERROR]`, `ERROR value`},
		{"text by place", `["${null}", ERROR, "${v}"]`, `ERROR value`},
		{"json by place", `["${null}", ERROR, "${null}", {m: "${v}"}]`, `ERROR {"m":"value"}`},
		{"none", `{severity: ERROR}`, `TypeError: sys.log takes exactly one of data, text and json, got 0`},
		{"two", `{data: a, text: b}`, `TypeError: sys.log takes exactly one of data, text and json, got 2`},
		{"json of text", `{json: a}`, `TypeError: argument json of sys.log must be a map, got string`},
		{"bytes", `{data: "${text.encode(v)}"}`, `TypeError: sys.log cannot write a value of type bytes`},
		{"unknown severity", `{data: a, severity: LOUD}`, `ValueError: severity of sys.log must be one of [DEFAULT DEBUG INFO NOTICE WARNING ERROR CRITICAL ALERT EMERGENCY], got "LOUD"`},
		{"severity that is no text", `{data: a, severity: 1}`, `TypeError: argument severity of sys.log must be a string, got integer`},
		{"timeout that is no number", `{data: a, timeout: x}`, `TypeError: argument timeout of sys.log must be a number, got string`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var lines []string
			x := run(t, workflows.Options{Log: func(e workflows.Entry) { lines = append(lines, e.Severity+" "+e.Text) }}, `
- a: {assign: [{v: value}]}
- b:
    try: {call: sys.log, args: `+tc.args+`}
    except: {as: e, steps: [{c: {return: "${e.message}"}}]}`, "")
			got := lines[1] // between start and end
			if string(x.Result) != "null" {
				got = string(x.Result[1 : len(x.Result)-1])
				tc.want = escaped(tc.want)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("sys.log %s (-want +got):\n%s", tc.args, diff)
			}
		})
	}
}

// TestSysFunctionsRefuseWrongTypes checks the TypeErrors and ValueErrors of the
// reference.
func TestSysFunctionsRefuseWrongTypes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ call, args, want string }{
		{"sys.get_env", `{name: 1}`, `TypeError: argument name of sys.get_env must be a string, got integer`},
		{"sys.get_env", `{name: A, default: 1}`, `TypeError: argument default of sys.get_env must be a string, got integer`},
		{"sys.sleep", `{seconds: "1"}`, `TypeError: argument seconds of sys.sleep must be a number, got string`},
		{"sys.sleep_until", `{time: 1}`, `TypeError: argument time of sys.sleep_until must be a string, got integer`},
		{"sys.sleep_until", `{time: soon}`, `ValueError: sys.sleep_until: parsing time "soon" as "2006-01-02T15:04:05.999999999Z07:00": cannot parse "soon" as "2006"`},
	} {
		x := run(t, workflows.Options{}, "- a: {call: "+tc.call+", args: "+tc.args+"}", "")
		if diff := cmp.Diff("error: "+tc.want, outcome(x)); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", tc.call, tc.args, diff)
		}
	}
}

// TestUUID: each is another one, in the form of RFC 4122.
func TestUUID(t *testing.T) {
	t.Parallel()
	x := run(t, workflows.Options{}, `
- a: {assign: [{u: "${uuid.generate()}"}, {v: "${uuid.generate()}"}]}
- b: {return: '${text.match_regex(u, "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$") and u != v}'}`, "")
	if got := outcome(x); got != "true" {
		t.Errorf("uuid.generate: %s, want true", got)
	}
}
