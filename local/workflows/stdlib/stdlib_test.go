package stdlib_test

import (
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows/expr"
	"orderflow.dev/local/workflows/stdlib"
)

// call runs a function, defaults filled in, and writes its result or error.
func call(name string, args ...any) string {
	fn, ok := stdlib.Functions[name]
	if !ok {
		return "no function " + name
	}
	for _, p := range fn.Params[len(args):] {
		args = append(args, p.Default)
	}
	v, err := fn.Call(args)
	if e := (*expr.Error)(nil); errors.As(err, &e) {
		return e.Error()
	}
	if b, ok := v.(expr.Bytes); ok {
		return "bytes " + hex.EncodeToString(b)
	}
	return expr.TypeName(v) + " " + expr.Describe(v)
}

type m = map[string]any
type l = []any

// hello is the checksum of "Hello World", whose value the reference gives.
func hello(algorithm string) any {
	v, err := stdlib.Functions["hash.compute_checksum"].Call(l{expr.Bytes("Hello World"), algorithm})
	if err != nil {
		return err
	}
	return v
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	data := expr.Bytes("data")
	for _, tc := range []struct {
		name string
		args []any
		want string
	}{
		{"int", l{"12"}, `integer 12`},
		{"int", l{-1.9}, `integer -1`},
		{"int", l{"1.5"}, `ValueError: could not convert string to int: "1.5"`},
		{"int", l{1e19}, `ValueError: double 10000000000000000000 does not fit an integer`},
		{"int", l{math.NaN()}, `ValueError: double NaN does not fit an integer`},
		{"int", l{nil}, `TypeError: unsupported operand type for int(): 'null' (expecting number or string)`},
		{"double", l{int64(2)}, `double 2`},
		{"double", l{"2.5"}, `double 2.5`},
		{"double", l{"inf"}, `ValueError: could not convert string to double: "inf"`},
		{"string", l{2.5}, `string "2.5"`},
		{"string", l{true}, `string "true"`},
		{"string", l{m{}}, `TypeError: unsupported operand type for string(): 'dict' (expecting number, string, or boolean)`},
		{"len", l{"añ"}, `integer 2`},
		{"len", l{m{"a": nil}}, `integer 1`},
		{"len", l{int64(1)}, `TypeError: unsupported operand type for len(): 'integer' (expecting list, map, or string)`},
		{"keys", l{m{"b": nil, "a": nil}}, `list ["a","b"]`},
		{"default", l{nil, int64(1)}, `integer 1`},
		{"default", l{false, int64(1)}, `boolean false`},
		{"if", l{nil, "a", "b"}, `string "b"`},
		{"if", l{int64(1), "a", "b"}, `TypeError: unsupported operand type for if(): 'integer' (expecting boolean)`},
		{"list.concat", l{l{int64(1)}, l{int64(2)}}, `list [1,[2]]`},
		{"list.concat", l{"x", int64(1)}, `TypeError: argument 1 of list.concat must be a list, got string`},
		{"list.prepend", l{l{int64(1)}, int64(0)}, `list [0,1]`},
		{"map.get", l{m{"a": m{"b": int64(1)}}, l{"a", "b"}}, `integer 1`},
		{"map.get", l{m{}, int64(1)}, `TypeError: argument keys of map.get must be a string or a list of strings, got integer`},
		{"map.delete", l{m{"a": int64(1), "b": int64(2)}, "a"}, `map {"b":2}`},
		{"map.merge", l{m{"a": m{"x": int64(1)}}, m{"a": m{"y": int64(2)}}}, `map {"a":{"y":2}}`},
		{"map.merge_nested", l{m{"a": m{"x": int64(1)}}, m{"a": m{"y": int64(2)}}}, `map {"a":{"x":1,"y":2}}`},
		{"math.abs", l{int64(-3)}, `integer 3`},
		{"math.abs", l{int64(math.MinInt64)}, `ValueError: result of math.abs does not fit 64 bits`},
		{"math.floor", l{-1.5}, `double -2`},
		{"math.max", l{int64(1), 1.5}, `double 1.5`},
		{"math.min", l{int64(1), 1.5}, `integer 1`},
		{"math.min", l{"1", 1.5}, `TypeError: argument 1 of math.min must be a number, got string`},
		{"base64.encode", l{data}, `string "ZGF0YQ=="`},
		{"base64.encode", l{data, false}, `string "ZGF0YQ"`},
		{"base64.encode", l{"data"}, `TypeError: argument 1 of base64.encode must be bytes, got string`},
		{"base64.decode", l{"ZGF0YQ", false}, `bytes 64617461`},
		{"base64.decode", l{"ZGF0\r\nYQ=="}, `bytes 64617461`},
		{"base64.decode", l{"ZGF0YQ"}, `ValueError: base64.decode: illegal base64 data at input byte 4`},
		{"base64.decode", l{"!"}, `ValueError: base64.decode: illegal base64 data at input byte 0`},
		{"base64.encode", l{hello("SHA256")}, `string "pZGm1Av0IEBKARczz7exkNYsZb8LzaMrV7J32a2fFG4="`},
		{"hash.compute_checksum", l{"x", "MD5"}, `TypeError: argument 1 of hash.compute_checksum must be bytes, got string`},
		{"hash.compute_checksum", l{data, "SHA1"}, `bytes a17c9aaa61e80a1bf71d0d850af4e5baa9800bbd`},
		{"hash.compute_checksum", l{data, "MD5"}, `bytes 8d777f385d3dfec8815d20f7496026dc`},
		{"hash.compute_checksum", l{data, "SHA256"}, `bytes 3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7`},
		{"hash.compute_hmac", l{expr.Bytes("key"), data, "SHA-256"}, `bytes 5031fe3d989c6d1537a013fa6e739da23463fdaec3b70137d828e36ace221bd0`},
		{"hash.compute_checksum", l{data, "X"}, `ValueError: unknown hash algorithm "X", known are MD5, SHA1, SHA224, SHA256, SHA384 and SHA512`},
		{"json.decode", l{expr.Bytes(`{"a":1,"b":1.0,"c":12345678901234567890}`)}, `map {"a":1,"b":1,"c":12345678901234567000}`},
		{"json.decode", l{`1 2`}, `ValueError: json.decode: more text after the JSON value`},
		{"json.decode", l{int64(1)}, `TypeError: unsupported operand type for json.decode(): 'integer' (expecting bytes or string)`},
		{"json.encode", l{l{"<é>"}}, `bytes 5b223cc3a93e225d`},
		{"json.encode_to_string", l{m{"a": int64(1)}, true}, `string "{\n    \"a\": 1\n}"`},
		{"json.encode_to_string", l{l{int64(1)}, m{}}, `string "[\n    1\n]"`},
		{"json.encode_to_string", l{l{int64(1)}, m{"indent": int64(2)}}, `TypeError: unsupported operand type for json.encode(): 'integer' (expecting string as indent)`},
		{"json.encode_to_string", l{l{int64(1)}, "  "}, `TypeError: unsupported operand type for json.encode(): 'string' (expecting boolean or map as indent)`},
		{"json.encode_to_string", l{l{int64(1)}, m{"prefix": ">", "indent": "\t"}}, `string "[\n>\t1\n>]"`},
		{"json.encode_to_string", l{data}, `ValueError: a value of type bytes cannot be written as JSON`},
		{"retry.always", l{nil}, `boolean true`},
		{"retry.never", l{nil}, `boolean false`},
		{"text.encode", l{"é"}, `bytes c3a9`},
		{"text.encode", l{"é", "ISO-8859-2"}, `bytes e9`},
		{"text.encode", l{"é", "US-ASCII"}, `ValueError: text.encode: a character has no code in US-ASCII`},
		{"text.encode", l{"é", "morse"}, `ValueError: charset "morse" is not supported`},
		{"text.decode", l{data}, `string "data"`},
		{"text.decode", l{expr.Bytes{'a', 0xff, 'b'}}, "string \"a\uFFFDb\""},
		{"text.decode", l{expr.Bytes{0xe9}, "iso-8859-2"}, `string "é"`},
		{"text.decode", l{expr.Bytes{0xe9}, "US-ASCII"}, "string \"\uFFFD\""},
		{"text.decode", l{"x"}, `TypeError: argument 1 of text.decode must be bytes, got string`},
		{"text.decode", l{data, "morse"}, `ValueError: charset "morse" is not supported`},
		{"text.find_all", l{"éxéx", "x"}, `list [1,3]`},
		{"text.find_all", l{"00000", "00"}, `list [0,2]`},
		{"text.find_all", l{"Hello World", "l"}, `list [2,3,9]`},
		{"text.find_all", l{"a", "b"}, `list []`},
		{"text.find_all_regex", l{"éab", "[ab]"}, `list [{"index":1,"match":"a"},{"index":2,"match":"b"}]`},
		{"text.find_all_regex", l{"HelloWorld", "Hello|World"}, `list [{"index":0,"match":"Hello"},{"index":5,"match":"World"}]`},
		{"text.find_all_regex", l{"aab", "a|aa"}, `list [{"index":0,"match":"aa"}]`},
		{"text.match_regex", l{"abc", "b"}, `boolean true`},
		{"text.match_regex", l{"abc", "("}, "ValueError: text.match_regex: error parsing regexp: missing closing ): `(`"},
		{"text.replace_all", l{"éa", "", "-"}, `string "-é-a-"`},
		{"text.replace_all_regex", l{"one two", "one|two", "three"}, `string "three three"`},
		{"text.replace_all_regex", l{"a1", "([a-z])([0-9])", `\2$1`}, `string "\\2$1"`},
		{"text.replace_all_regex", l{"aab", "a|aa", "x"}, `string "xb"`},
		{"text.replace_all_regex", l{"éa", "", "-"}, `string "-é-a-"`},
		{"text.replace_all_regex", l{"éa", "[", "-"}, "ValueError: text.replace_all_regex: error parsing regexp: missing closing ]: `[`"},
		{"text.split", l{"a,b", ","}, `list ["a","b"]`},
		{"text.substring", l{"añb", int64(1), int64(3)}, `string "ñb"`},
		{"text.substring", l{"ab", int64(1), int64(3)}, `ValueError: text.substring: range [1, 3) is outside a string of length 2`},
		{"text.to_upper", l{"é"}, `string "É"`},
		{"text.to_lower", l{"É"}, `string "é"`},
		{"text.url_encode", l{"a/b/c?item=d+e f"}, `string "a%2Fb%2Fc%3Fitem%3Dd%2Be%20f"`},
		{"text.url_encode", l{".-_~é"}, `string ".-_%7E%C3%A9"`},
		{"text.url_encode_plus", l{"a/b/c?item=d+e f~"}, `string "a%2Fb%2Fc%3Fitem%3Dd%2Be+f%7E"`},
		{"text.url_decode", l{"a%20b"}, `string "a b"`},
		{"text.url_decode", l{"%"}, `ValueError: text.url_decode: invalid URL escape "%"`},
		{"time.format", l{0.5}, `string "1970-01-01T00:00:00.500000Z"`},
		{"time.format", l{int64(1720788633), "GMT"}, `string "2024-07-12T12:50:33.000000Z"`},
		{"time.format", l{int64(1720788633), ""}, `string "2024-07-12T12:50:33.000000Z"`},
		{"time.format", l{int64(1720788633), "Europe/Paris"}, `string "2024-07-12T14:50:33.000000+02:00"`},
		{"time.format", l{int64(0), "Europe/Paris"}, `string "1970-01-01T01:00:00.000000+01:00"`},
		{"time.format", l{int64(0), "Mars"}, `ValueError: time.format: unknown time zone "Mars"`},
		{"time.format", l{1e18}, `ValueError: time.format: seconds are out of range`},
		{"time.parse", l{"1970-01-01T00:00:01.25Z"}, `double 1.25`},
		{"time.parse", l{"2024-05-08T12:01:00.000000Z"}, `double 1715169660`},
		{"time.parse", l{"9999-12-31T23:59:59Z"}, `double 253402300799`},
		{"time.parse", l{"2024-05-08T12:01:00"}, `ValueError: time.parse: parsing time "2024-05-08T12:01:00" as "2006-01-02T15:04:05.999999999Z07:00": cannot parse "" as "Z07:00"`},
		{"time.parse", l{"soon"}, `ValueError: time.parse: parsing time "soon" as "2006-01-02T15:04:05.999999999Z07:00": cannot parse "soon" as "2006"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, call(tc.name, tc.args...)); diff != "" {
				t.Errorf("%s(%v) (-want +got):\n%s", tc.name, tc.args, diff)
			}
		})
	}
}

// TestLargeResultsAreRefused: a few bytes of arguments must not take the memory
// of the machine, nor hours.
func TestLargeResultsAreRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 256<<10)
	nested := any(l{})
	for range 9000 {
		nested = l{nested}
	}
	for _, tc := range []struct {
		name string
		args []any
	}{
		{"text.replace_all", l{long, "", long}},
		{"text.replace_all", l{long, "x", long}},
		{"text.replace_all_regex", l{long, "x?", long}},
		{"json.encode", l{l{int64(1), int64(2), int64(3)}, m{"prefix": strings.Repeat("x", 8<<20)}}},
		{"json.encode_to_string", l{nested, m{"indent": long}}},
	} {
		want := "ResourceLimitError: result of " + strings.TrimSuffix(tc.name, "_to_string") + " exceeds 16777216 bytes"
		if diff := cmp.Diff(want, call(tc.name, tc.args...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
	for name, want := range map[string]int{"text.find_all": 256 << 10, "text.find_all_regex": 256 << 10} {
		v, err := stdlib.Functions[name].Call(l{long, "x"})
		if found, _ := v.([]any); err != nil || len(found) != want {
			t.Errorf("%s: %d matches, %v; want %d", name, len(found), err, want)
		}
	}
	if got := call("text.replace_all_regex", long, "y", long); got != `string "`+long+`"` {
		t.Errorf("text.replace_all_regex without a match: %.60s, want the source", got)
	}
}

// TestIndentIsOutsideOfStrings: brackets in strings are text.
func TestIndentIsOutsideOfStrings(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(`{[,"\`, 10_000)
	if got := call("json.encode_to_string", l{long}, m{"prefix": strings.Repeat(" ", 1000)}); !strings.HasPrefix(got, "string ") {
		t.Errorf("json.encode_to_string of a string with brackets: %.100s", got)
	}
}

// TestArgumentsAreNotChanged: functions give copies.
func TestArgumentsAreNotChanged(t *testing.T) {
	t.Parallel()
	list := append(make([]any, 0, 8), int64(1))
	first, second := m{"a": m{"b": int64(1)}}, m{"a": m{"c": int64(2)}}
	call("list.concat", list, "x")
	call("map.delete", first, "a")
	call("map.merge", first, second)
	call("map.merge_nested", first, second)
	if diff := cmp.Diff(any(nil), list[:2][1]); diff != "" {
		t.Errorf("list.concat wrote into its argument:\n%s", diff)
	}
	want := []m{{"a": m{"b": int64(1)}}, {"a": m{"c": int64(2)}}}
	if diff := cmp.Diff(want, []m{first, second}); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
}
