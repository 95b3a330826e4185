package stdlib

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"orderflow.dev/local/workflows/expr"
)

func init() {
	register("double", Params("x"), toDouble)
	register("int", Params("x"), toInt)
	register("string", Params("x"), toString)
	register("get_type", Params("x"), func(a []any) (any, error) { return expr.TypeName(a[0]), nil })
	register("len", Params("x"), length)
	register("keys", Params("map"), keys)
	register("default", Params("val", "defaultVal"), func(a []any) (any, error) {
		if a[0] == nil {
			return a[1], nil
		}
		return a[0], nil
	})
	register("if", Params("condition", "ifTrue", "ifFalse"), choose)
}

// unsupported has the wording recorded from the service, which names maps
// 'dict' there.
func unsupported(function string, v any, expecting string) error {
	name := expr.TypeName(v)
	if name == "map" {
		name = "dict"
	}
	return expr.Errorf(expr.TagType, "unsupported operand type for %s(): '%s' (expecting %s)", function, name, expecting)
}

func toDouble(a []any) (any, error) {
	switch x := a[0].(type) {
	case int64:
		return float64(x), nil
	case float64:
		return x, nil
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(x), 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return nil, valueError("could not convert string to double: %q", x)
		}
		return f, nil
	}
	return nil, unsupported("double", a[0], "number or string")
}

// toInt truncates doubles towards zero.
func toInt(a []any) (any, error) {
	switch x := a[0].(type) {
	case int64:
		return x, nil
	case float64:
		// 2^63 is the first double above the range.
		if x != x || x >= 1<<63 || x < -1<<63 {
			return nil, valueError("double %s does not fit an integer", expr.FormatDouble(x))
		}
		return int64(x), nil
	case string:
		i, err := strconv.ParseInt(strings.TrimSpace(x), 10, 64)
		if err != nil {
			return nil, valueError("could not convert string to int: %q", x)
		}
		return i, nil
	}
	return nil, unsupported("int", a[0], "number or string")
}

func toString(a []any) (any, error) {
	switch x := a[0].(type) {
	case int64:
		return strconv.FormatInt(x, 10), nil
	case float64:
		return expr.FormatDouble(x), nil
	case bool:
		return strconv.FormatBool(x), nil
	case string:
		return x, nil
	}
	return nil, unsupported("string", a[0], "number, string, or boolean")
}

// length counts characters of strings, not bytes.
func length(a []any) (any, error) {
	switch x := a[0].(type) {
	case string:
		return int64(utf8.RuneCountInString(x)), nil
	case []any:
		return int64(len(x)), nil
	case map[string]any:
		return int64(len(x)), nil
	}
	return nil, unsupported("len", a[0], "list, map, or string")
}

func keys(a []any) (any, error) {
	m, ok := a[0].(map[string]any)
	if !ok {
		return nil, unsupported("keys", a[0], "map")
	}
	list := make([]any, 0, len(m))
	for _, k := range expr.SortedKeys(m) {
		list = append(list, k)
	}
	return list, nil
}

// choose counts a null condition as false.
func choose(a []any) (any, error) {
	switch c := a[0].(type) {
	case nil:
		return a[2], nil
	case bool:
		if c {
			return a[1], nil
		}
		return a[2], nil
	}
	return nil, unsupported("if", a[0], "boolean")
}
