package expr

import (
	"cmp"
	"math"
)

func unary(op string, v any) (any, error) {
	if op == "not" {
		if b, ok := v.(bool); ok {
			return !b, nil
		}
		return nil, Errorf(TagType, "operand of 'not' must be a boolean, got %s", TypeName(v))
	}
	switch x := v.(type) {
	case int64:
		if x == math.MinInt64 {
			return nil, overflow("-")
		}
		return -x, nil
	case float64:
		return -x, nil
	}
	return nil, Errorf(TagType, "unsupported operand type for unary -: %s", TypeName(v))
}

func binary(op string, a, b any) (any, error) {
	switch op {
	case "==":
		return Equal(a, b), nil
	case "!=":
		return !Equal(a, b), nil
	case "in":
		return contains(a, b)
	case "<", "<=", ">", ">=":
		return order(op, a, b)
	}
	if x, ok := a.(string); ok && op == "+" {
		if y, ok := b.(string); ok {
			return x + y, nil
		}
	}
	x, isInt := a.(int64)
	y, bothInt := b.(int64)
	if isInt && bothInt && op != "/" {
		return integer(op, x, y)
	}
	f, ok1 := toDouble(a)
	g, ok2 := toDouble(b)
	if !ok1 || !ok2 {
		return nil, mismatch(op, a, b)
	}
	if g == 0 && (op == "/" || op == "//" || op == "%") {
		return nil, zeroDivision(op, a, b)
	}
	return double(op, f, g), nil
}

func mismatch(op string, a, b any) *Error {
	hint := ""
	if op == "+" && (TypeName(a) == "string" || TypeName(b) == "string") {
		hint = "; convert with string()"
	}
	return Errorf(TagType, "unsupported operand types for %s: %s and %s%s", op, TypeName(a), TypeName(b), hint)
}

func zeroDivision(op string, a, b any) *Error {
	return Errorf(TagZeroDivision, "division by zero: %s %s %s", TypeName(a), op, TypeName(b))
}

// overflow is raised where 64 bits do not hold the result; what the service
// does then is not documented, wrapping silently would hide a wrong total.
func overflow(op string) *Error {
	return Errorf(TagValue, "result of integer %s does not fit 64 bits", op)
}

func integer(op string, x, y int64) (any, error) {
	if y == 0 && (op == "//" || op == "%") {
		return nil, zeroDivision(op, x, y)
	}
	r, ok := int64(0), true
	switch op {
	case "+":
		r = x + y
		ok = (r > x) == (y > 0)
	case "-":
		r = x - y
		ok = (r < x) == (y > 0)
	case "*":
		r = x * y
		ok = x == 0 || r/x == y && !(x == -1 && y == math.MinInt64)
	case "//":
		r, ok = floorDiv(x, y), !(x == math.MinInt64 && y == -1)
	case "%":
		if y != -1 { // the remainder of MinInt64 by -1 is 0, the division overflows
			r = x - floorDiv(x, y)*y
		}
	}
	if !ok {
		return nil, overflow(op)
	}
	return r, nil
}

// floorDiv rounds towards minus infinity, as // does.
func floorDiv(x, y int64) int64 {
	q := x / y
	if x%y != 0 && (x < 0) != (y < 0) {
		q--
	}
	return q
}

// double computes with doubles. The remainder has the divisor's sign, so that
// a == (a//b)*b + a%b holds as it does for integers.
func double(op string, f, g float64) float64 {
	switch op {
	case "+":
		return f + g
	case "-":
		return f - g
	case "*":
		return f * g
	case "/":
		return f / g
	case "//":
		return math.Floor(f / g)
	}
	return f - math.Floor(f/g)*g
}

func order(op string, a, b any) (any, error) {
	c, ok := compare(a, b)
	if !ok {
		return nil, Errorf(TagType, "unsupported operand types for %s: %s and %s", op, TypeName(a), TypeName(b))
	}
	switch op {
	case "<":
		return c < 0, nil
	case "<=":
		return c <= 0, nil
	case ">":
		return c > 0, nil
	}
	return c >= 0, nil
}

// compare orders two strings, two integers or two numbers.
func compare(a, b any) (int, bool) {
	if x, ok := a.(string); ok {
		y, ok := b.(string)
		return cmp.Compare(x, y), ok
	}
	if x, ok := a.(int64); ok {
		if y, ok := b.(int64); ok {
			return cmp.Compare(x, y), true
		}
	}
	f, ok1 := toDouble(a)
	g, ok2 := toDouble(b)
	return cmp.Compare(f, g), ok1 && ok2
}

// contains is the in operator: a key of a map or a value of a list.
func contains(v, container any) (any, error) {
	switch c := container.(type) {
	case map[string]any:
		k, err := key(v)
		if err != nil {
			return false, nil
		}
		_, ok := c[k]
		return ok, nil
	case []any:
		for _, e := range c {
			if Equal(e, v) {
				return true, nil
			}
		}
		return false, nil
	}
	// The wording is the service's, which puts no tag before this message.
	return nil, NewError(TagType, "The argument of 'in' must be a dict or an array; got: "+Describe(container))
}
