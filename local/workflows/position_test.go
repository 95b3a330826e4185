package workflows_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

const unknownSymbol = " is neither a variable nor a sub-workflow name (assign the variable before it is read; text needs quotes)"

// positionCases have a problem inside a scalar of every style of YAML.
var positionCases = []struct{ name, source, want string }{
	{"plain", "- a:\n    return: ${1 + zz}\n", `f.yaml:2:19: symbol 'zz'` + unknownSymbol},
	{"plain after wide characters", "- a:\n    return: ${\"é€😀\" + zz}\n", `f.yaml:2:23: symbol 'zz'` + unknownSymbol},
	{"plain over lines", "- a:\n    return: ${1 +\n      2 +\n        zz}\n", `f.yaml:4:9: symbol 'zz'` + unknownSymbol},
	{"plain over lines with an empty one", "- a:\n    return: ${1 +\n\n      zz}\n", `f.yaml:4:7: symbol 'zz'` + unknownSymbol},
	{"single quoted", "- a:\n    return: '${\"it''s\" + zz}'\n", `f.yaml:2:26: symbol 'zz'` + unknownSymbol},
	{"double quoted", "- a:\n    return: \"${1 + zz}\"\n", `f.yaml:2:20: symbol 'zz'` + unknownSymbol},
	{"double quoted with escapes", "- a:\n    return: \"${\\\"\\u00e9\\x41\\\" + zz}\"\n", `f.yaml:2:33: symbol 'zz'` + unknownSymbol},
	{"double quoted with an escaped newline", "- a:\n    return: \"${1 +\\n zz}\"\n", `f.yaml:2:22: symbol 'zz'` + unknownSymbol},
	{"double quoted over lines", "- a:\n    return: \"${1 +\n      zz}\"\n", `f.yaml:3:7: symbol 'zz'` + unknownSymbol},
	{"double quoted line that goes on", "- a:\n    return: \"${1\\\n      0 + zz}\"\n", `f.yaml:3:11: symbol 'zz'` + unknownSymbol},
	{"folded block", "- a:\n    return: >-\n      ${1 +\n      zz}\n", `f.yaml:4:7: symbol 'zz'` + unknownSymbol},
	{"literal block", "- a:\n    return: |\n      ${1 +\n         2 + zz}\n", `f.yaml:4:14: symbol 'zz'` + unknownSymbol},
	{"literal block with windows line ends", "- a:\r\n    return: |-\r\n      ${1 +\r\n      zz}\r\n", `f.yaml:4:7: symbol 'zz'` + unknownSymbol},
	{"syntax over lines", "- a:\n    return: >\n      ${1 +\n      2 2}\n", `f.yaml:4:9: expression: unexpected "2"`},
	{"end of an expression over lines", "- a:\n    return: >-\n      ${(1 +\n      2\n      }\n", `f.yaml:5:7: expression: expression ends where ")" is expected`},
	{"key of a map", "- a:\n    return:\n      \"${1 + zz}\": 2\n", `f.yaml:3:14: symbol 'zz'` + unknownSymbol},
	{"target of assign", "- a: {assign: [{x: []}, {\"x[1 + zz]\": 2}]}\n", `f.yaml:1:33: symbol 'zz'` + unknownSymbol},
	{"tagged", "- a:\n    return: !!str \"${1 + zz}\"\n", `f.yaml:2:13: symbol 'zz'` + unknownSymbol},
	{"json", `{"main": {"steps": [{"a": {"return": "${\"x\" + zz}"}}]}}`, `f.yaml:1:49: symbol 'zz'` + unknownSymbol},
}

// TestProblemPositions: a problem is reported where it stands, also inside
// scalars that are quoted or go over several lines.
func TestProblemPositions(t *testing.T) {
	t.Parallel()
	for _, tc := range positionCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := workflows.Compile("f.yaml", []byte(tc.source))
			if diff := cmp.Diff(tc.want, fmt.Sprint(err)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
