package expr_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows/expr"
)

// env has a few variables and a function that gives its arguments as a list.
type env map[string]any

func (e env) Lookup(name string) (any, bool) { v, ok := e[name]; return v, ok }

func (e env) Call(_ string, args []any) (any, error) { return args, nil }

var variables = env{
	"i": int64(7), "d": 2.5, "s": "text", "t": true, "n": nil, "min": int64(-1 << 63),
	"l": []any{int64(1), "two", nil},
	"m": map[string]any{"a": int64(1), "odd key": "x", "5": "five", "in": map[string]any{"b": "deep"}},
	"b": expr.Bytes("raw"),
}

// eval gives the value of an expression as JSON, or its error.
func eval(src string) string {
	tree, err := expr.Parse(src)
	if err != nil {
		return "syntax: " + err.Error()
	}
	v, err := expr.Eval(tree, variables)
	if e := (*expr.Error)(nil); errors.As(err, &e) {
		return e.Error()
	}
	return expr.TypeName(v) + " " + expr.Describe(v)
}

// evalCases are expressions with their values or errors.
var evalCases = []struct{ src, want string }{
	// literals
	{`9223372036854775807`, `integer 9223372036854775807`},
	{`9223372036854775808`, `syntax: integer 9223372036854775808 does not fit 64 bits (write it as a double, e.g. 1e19)`},
	{`1.5e3`, `double 1500`},
	{`"\/\b\f\r" == "/\u0008\u000c\u000D"`, `boolean true`},
	{`'it''s'`, `syntax: unexpected "s"`},
	{`"a\"b\\c\n\t\u00e9"`, `string "a\"b\\c\n\té"`},
	{`'single "quoted"'`, `string "single \"quoted\""`},
	{`[1, "a", [true], null]`, `list [1,"a",[true],null]`},
	{`[]`, `list []`},
	{`TRUE == True and FALSE == false`, `boolean true`},
	// arithmetic
	{`1 + 2 * 3 - 4`, `integer 3`},
	{`(1 + 2) * 3`, `integer 9`},
	{`7 / 2`, `double 3.5`},
	{`6 / 2`, `double 3`},
	{`7 // 2`, `integer 3`},
	{`-7 // 2`, `integer -4`},
	{`-7 % 2`, `integer 1`},
	{`7.5 // 2`, `double 3`},
	{`7.5 % 2`, `double 1.5`},
	{`1 + 2.5`, `double 3.5`},
	{`2 - -3`, `integer 5`},
	{`- - 3`, `integer 3`},
	{`1 / 0`, `ZeroDivisionError: division by zero: integer / integer`},
	{`1.0 // 0`, `ZeroDivisionError: division by zero: double // integer`},
	{`1 % 0`, `ZeroDivisionError: division by zero: integer % integer`},
	{`9223372036854775807 + 1`, `ValueError: result of integer + does not fit 64 bits`},
	{`min - 1`, `ValueError: result of integer - does not fit 64 bits`},
	{`min * -1`, `ValueError: result of integer * does not fit 64 bits`},
	{`-1 * min`, `ValueError: result of integer * does not fit 64 bits`},
	{`min // -1`, `ValueError: result of integer // does not fit 64 bits`},
	{`min % -1`, `integer 0`},
	{`-min`, `ValueError: result of integer - does not fit 64 bits`},
	{`"a" + "b" + s`, `string "abtext"`},
	{`"a" + 1`, `TypeError: unsupported operand types for +: string and integer; convert with string()`},
	{`null + "a"`, `TypeError: unsupported operand types for +: null and string; convert with string()`},
	{`[1] + [2]`, `TypeError: unsupported operand types for +: list and list`},
	// comparison, equality, membership share one level
	{`1 < 2`, `boolean true`},
	{`"a" < "b"`, `boolean true`},
	{`1 < 2.5`, `boolean true`},
	{`1 < "2"`, `TypeError: unsupported operand types for <: integer and string`},
	{`null < 1`, `TypeError: unsupported operand types for <: null and integer`},
	{`1 == 1.0`, `boolean true`},
	{`1 == "1"`, `boolean false`},
	{`null == n and s != null`, `boolean true`},
	{`[1, [2]] == [1.0, [2]]`, `boolean true`},
	{`m == l`, `boolean false`},
	{`1 < 2 == true`, `boolean true`},
	{`"a" in m == true`, `boolean true`},
	{`"two" in l and 1.0 in l and null in l`, `boolean true`},
	{`"b" in m`, `boolean false`},
	{`5 in m`, `boolean true`},
	{`"a" in n`, `The argument of 'in' must be a dict or an array; got: null`},
	{`"a" in s`, `The argument of 'in' must be a dict or an array; got: "text"`},
	// logic
	{`not t or true`, `boolean true`},
	{`not(1 == 1)`, `boolean false`},
	{`NOT t AND t OR t`, `boolean true`},
	{`not "a" in m`, `TypeError: operand of 'not' must be a boolean, got string`},
	{`not("x" in m)`, `boolean true`},
	{`false and missing.key`, `boolean false`},
	{`true or missing.key`, `boolean true`},
	{`1 and true`, `TypeError: operand of 'and' must be a boolean, got integer`},
	{`"x" not in m`, `syntax: unexpected "not" ("not in" does not exist, write not(x in y))`},
	{`true And false`, `syntax: unexpected "And"`},
	// access
	{`m.a + m["a"]`, `integer 2`},
	{`m.in.b`, `string "deep"`},
	{`m["odd key"]`, `string "x"`},
	{`m[5]`, `string "five"`},
	{`l[0 + 1]`, `string "two"`},
	{`m.zz`, `KeyError: key not found: zz`},
	{`l[3]`, `IndexError: index 3 is out of range for a list of length 3`},
	{`l[-1]`, `IndexError: index -1 is out of range for a list of length 3`},
	{`l["0"]`, `TypeError: index of a list must be an integer, got string`},
	{`l[1.0]`, `TypeError: index of a list must be an integer, got double`},
	{`m[true]`, `TypeError: key of a map must be a string, got boolean`},
	{`s.x`, `TypeError: property "x" of a value of type string: not a map`},
	{`n[0]`, `TypeError: element of a value of type null: neither a map nor a list`},
	{`missing`, `KeyError: variable "missing" is read before it is assigned`},
	{`f(1, "x")[1]`, `string "x"`},
	{`b`, `bytes <bytes>`},
	// faults
	{``, `syntax: expression ends where a value is expected`},
	{`1 +`, `syntax: expression ends where a value is expected`},
	{`(1`, `syntax: expression ends where ")" is expected`},
	{`[1 2]`, `syntax: expected ",", found "2"`},
	{`a && b`, `syntax: unexpected character '&' (the operator is spelled and)`},
	{`a = b`, `syntax: unexpected character '=' (equality is ==)`},
	{`{}`, `syntax: unexpected character '{' (map literals do not exist in expressions, write the map in YAML)`},
	{`“x”`, `syntax: unexpected character '“' (use straight quotes: "text")`},
	{`"x`, `syntax: string is not closed`},
	{`"\q"`, `syntax: unknown escape sequence (a backslash itself is written \\)`},
	{`1(2)`, `syntax: only functions and subworkflows can be called`},
	{`3x`, `syntax: malformed number "3x" (names start with a letter or _)`},
	{`m.1`, `syntax: expected a name after "." (keys that are not names need brackets: m["key"])`},
}

func TestEval(t *testing.T) {
	t.Parallel()
	for _, tc := range evalCases {
		t.Run(tc.src, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, eval(tc.src)); diff != "" {
				t.Errorf("eval(%s) (-want +got):\n%s", tc.src, diff)
			}
		})
	}
}
