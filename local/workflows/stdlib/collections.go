package stdlib

import (
	"maps"
	"math"

	"orderflow.dev/local/workflows/expr"
)

func init() {
	typed("list.concat", Params("objs", "val"), func(r *reader) (any, error) {
		list := r.list(0)
		return append(list[:len(list):len(list)], r.args[1]), nil
	})
	typed("list.prepend", Params("objs", "val"), func(r *reader) (any, error) {
		return append([]any{r.args[1]}, r.list(0)...), nil
	})
	register("map.get", Params("map", "keys"), mapGet)
	typed("map.delete", Params("map", "key"), func(r *reader) (any, error) {
		m, key := maps.Clone(r.dict(0)), r.str(1)
		delete(m, key)
		return m, nil
	})
	typed("map.merge", Params("first", "second"), func(r *reader) (any, error) {
		return merge(r.dict(0), r.dict(1), false), nil
	})
	typed("map.merge_nested", Params("first", "second"), func(r *reader) (any, error) {
		return merge(r.dict(0), r.dict(1), true), nil
	})
	register("math.abs", Params("x"), abs)
	register("math.floor", Params("x"), floor)
	register("math.max", Params("x", "y"), func(a []any) (any, error) { return pick("math.max", a, 1) })
	register("math.min", Params("x", "y"), func(a []any) (any, error) { return pick("math.min", a, 0) })
}

// mapGet walks a key or a list of keys and gives null where the way ends, also
// when what it meets is no map.
func mapGet(a []any) (any, error) {
	path, ok := a[1].([]any)
	if !ok {
		path = []any{a[1]}
	}
	v := a[0]
	for _, k := range path {
		key, ok := k.(string)
		if !ok {
			return nil, expr.Errorf(expr.TagType, "argument keys of map.get must be a string or a list of strings, got %s", expr.TypeName(k))
		}
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v, nil
}

func merge(first, second map[string]any, nested bool) map[string]any {
	out := make(map[string]any, len(first)+len(second))
	maps.Copy(out, first)
	for k, v := range second {
		a, ok1 := out[k].(map[string]any)
		b, ok2 := v.(map[string]any)
		if nested && ok1 && ok2 {
			v = merge(a, b, true)
		}
		out[k] = v
	}
	return out
}

func abs(a []any) (any, error) {
	switch x := a[0].(type) {
	case int64:
		if x == math.MinInt64 {
			return nil, valueError("result of math.abs does not fit 64 bits")
		}
		return max(x, -x), nil
	case float64:
		return math.Abs(x), nil
	}
	return nil, unsupported("math.abs", a[0], "number")
}

// floor gives an integer for an integer and a double for a double.
func floor(a []any) (any, error) {
	switch x := a[0].(type) {
	case int64:
		return x, nil
	case float64:
		return math.Floor(x), nil
	}
	return nil, unsupported("math.floor", a[0], "number")
}

// pick gives the smaller (0) or larger (1) of two numbers, keeping its type.
func pick(name string, a []any, larger int) (any, error) {
	r := &reader{name: name, args: a}
	x, y := r.double(0), r.double(1)
	if r.err != nil {
		return nil, r.err
	}
	i, ok1 := a[0].(int64)
	j, ok2 := a[1].(int64)
	less := x < y
	if ok1 && ok2 {
		less = i < j // doubles would round large integers
	}
	if less == (larger == 1) {
		return a[1], nil
	}
	return a[0], nil
}
