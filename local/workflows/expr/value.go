// Package expr implements the expression language of Google Cloud Workflows:
// the text between "${" and "}". It has a lexer, a parser, a printer, a
// resolver for deploy-time checks and an evaluator, and the values they share.
//
// Values are immutable by convention: nothing changes a list or a map once it
// is reachable from a variable. Assignment therefore copies nothing and still
// has value semantics; [Set] copies the containers along the changed path only.
package expr

import (
	"bytes"
	"maps"
	"slices"
)

// Bytes is the opaque bytes type of the language. Only functions produce it,
// and a workflow cannot return it or write it as JSON.
type Bytes []byte

// Func is a reference to a function or subworkflow used as a value, such as a
// retry predicate.
type Func struct {
	Name string // qualified name, e.g. "http.default_retry_predicate"
}

// TypeName is the name get_type gives for a value. A value is one of nil, bool,
// int64, float64, string, [Bytes], []any, map[string]any and [Func].
func TypeName(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case int64:
		return "integer"
	case float64:
		return "double"
	case string:
		return "string"
	case Bytes:
		return "bytes"
	case []any:
		return "list"
	case map[string]any:
		return "map"
	case Func:
		return "function"
	}
	return "unknown"
}

// SortedKeys lists the keys of a map in ascending order: the language promises
// no order, a local engine should at least be repeatable.
func SortedKeys(m map[string]any) []string {
	return slices.Sorted(maps.Keys(m))
}

// Equal is the language's == operator: deep for lists and maps, numeric across
// integers and doubles, and false for any other mix of types.
func Equal(a, b any) bool {
	switch x := a.(type) {
	case int64:
		if y, ok := b.(int64); ok {
			return x == y
		}
		y, ok := b.(float64)
		return ok && float64(x) == y
	case float64:
		y, ok := toDouble(b)
		return ok && x == y
	case Bytes:
		y, ok := b.(Bytes)
		return ok && bytes.Equal(x, y)
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, Equal)
	case map[string]any:
		y, ok := b.(map[string]any)
		return ok && maps.EqualFunc(x, y, Equal)
	}
	// The other types are comparable, so == cannot panic here unless b is not.
	switch b.(type) {
	case Bytes, []any, map[string]any:
		return false
	}
	return a == b
}

// toDouble widens a number; ok is false for anything else.
func toDouble(v any) (f float64, ok bool) {
	switch x := v.(type) {
	case int64:
		return float64(x), true
	case float64:
		return x, true
	}
	return 0, false
}

// LongestString is the length in bytes of the longest string or bytes in a
// value, keys not counted.
func LongestString(v any) int {
	longest := 0
	switch x := v.(type) {
	case string:
		return len(x)
	case Bytes:
		return len(x)
	case []any:
		for _, e := range x {
			longest = max(longest, LongestString(e))
		}
	case map[string]any:
		for _, e := range x {
			longest = max(longest, LongestString(e))
		}
	}
	return longest
}

// wordSize is the size of a number and of the head of a string, list or map.
const wordSize = 8

// Size is the memory of a value in bytes, for the limit on variables. The rule
// is the one of the service (reference: variables, memory usage): 8 bytes for a
// scalar and for the head of everything else, plus the contents.
func Size(v any) int {
	n := wordSize
	switch x := v.(type) {
	case string:
		n += len(x)
	case Bytes:
		n += len(x)
	case []any:
		for _, e := range x {
			n += Size(e)
		}
	case map[string]any:
		for k, e := range x {
			n += wordSize + len(k) + Size(e)
		}
	}
	return n
}
