package expr_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orderflow.dev/local/workflows/expr"
)

// value draws a value that JSON can hold, of limited depth.
func value(t *rapid.T, depth int) any {
	kinds := 5
	if depth > 0 {
		kinds = 7
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return rapid.Int64().Draw(t, "int")
	case 3:
		// JSON does not tell whole doubles from integers.
		return rapid.Float64Range(-1e18, 1e18).Filter(func(f float64) bool { return f != math.Trunc(f) }).Draw(t, "double")
	case 4:
		return rapid.String().Draw(t, "string")
	case 5:
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			list = append(list, value(t, depth-1))
		}
		return list
	}
	m := map[string]any{}
	for range rapid.IntRange(0, 3).Draw(t, "entries") {
		m[rapid.String().Draw(t, "key")] = value(t, depth-1)
	}
	return m
}

// compute evaluates a operator b.
func compute(op string, a, b any) (any, error) {
	tree := &expr.Binary{Op: op, X: &expr.Literal{Value: a}, Y: &expr.Literal{Value: b}}
	return expr.Eval(tree, variables)
}

// TestJSONGivesTheValueBack: what is written as JSON reads as the same value.
func TestJSONGivesTheValueBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := value(t, 3)
		b, err := expr.EncodeJSON(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := expr.DecodeJSON(b)
		if err != nil {
			t.Fatalf("DecodeJSON(%s): %v", b, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", b, diff)
		}
	})
}

// TestIntegerArithmeticIsExactOrRefused: the result is that of numbers without
// bounds, or an error if 64 bits do not hold it.
func TestIntegerArithmeticIsExactOrRefused(t *testing.T) {
	t.Parallel()
	edge := rapid.SampledFrom([]int64{0, 1, -1, 2, -2, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1, math.MinInt64 + 1, 1 << 32, -1 << 32})
	number := rapid.OneOf(edge, rapid.Int64(), rapid.Int64Range(-100, 100))
	rapid.Check(t, func(t *rapid.T) {
		x, y := number.Draw(t, "x"), number.Draw(t, "y")
		op := rapid.SampledFrom([]string{"+", "-", "*", "//", "%"}).Draw(t, "op")
		got, err := compute(op, x, y)
		if y == 0 && (op == "//" || op == "%") {
			if e, ok := err.(*expr.Error); !ok || !expr.HasTag(e.Value, expr.TagZeroDivision) {
				t.Fatalf("%d %s 0 = %v, %v; want a ZeroDivisionError", x, op, got, err)
			}
			return
		}
		want := exact(op, big.NewInt(x), big.NewInt(y))
		if !want.IsInt64() {
			if e, ok := err.(*expr.Error); !ok || !expr.HasTag(e.Value, expr.TagValue) {
				t.Fatalf("%d %s %d = %v, %v; want a ValueError, it is %v", x, op, y, got, err, want)
			}
			return
		}
		if err != nil || got != any(want.Int64()) {
			t.Fatalf("%d %s %d = %v, %v; want %v", x, op, y, got, err, want)
		}
	})
}

// exact computes without bounds; division rounds towards minus infinity.
func exact(op string, x, y *big.Int) *big.Int {
	r := new(big.Int)
	switch op {
	case "+":
		return r.Add(x, y)
	case "-":
		return r.Sub(x, y)
	case "*":
		return r.Mul(x, y)
	}
	q, m := new(big.Int).QuoRem(x, y, r)
	if m.Sign() != 0 && m.Sign() != y.Sign() {
		q.Sub(q, big.NewInt(1))
		m = new(big.Int).Add(m, y)
	}
	if op == "//" {
		return q
	}
	return m
}

// TestAssignedElementIsRead: after Set the element has the value, and the value
// it was made from is as before.
func TestAssignedElementIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		container, element := value(t, 3), value(t, 1)
		before, _ := expr.EncodeJSON(container)
		var key any
		switch c := container.(type) {
		case []any:
			key = rapid.Int64Range(-1, int64(len(c))).Draw(t, "index")
		default:
			key = rapid.String().Draw(t, "key")
		}
		changed, err := expr.Set(container, []any{key}, element)
		if after, _ := expr.EncodeJSON(container); string(after) != string(before) {
			t.Fatalf("Set changed its argument from %s to %s", before, after)
		}
		if err != nil {
			if _, isMap := container.(map[string]any); isMap {
				t.Fatalf("Set(%s, %v): %v", before, key, err)
			}
			return
		}
		got, err := expr.Element(changed, key)
		if err != nil || !expr.Equal(got, element) {
			t.Fatalf("Element(Set(%s, %v)) = %v, %v; want %v", before, key, got, err, element)
		}
	})
}

// TestEveryOperatorEndsWithValueOrError: no operands make an operator panic, and
// every error is one that a workflow can catch.
func TestEveryOperatorEndsWithValueOrError(t *testing.T) {
	t.Parallel()
	op := rapid.SampledFrom([]string{"+", "-", "*", "/", "//", "%", "<", "<=", ">", ">=", "==", "!=", "in", "and", "or"})
	rapid.Check(t, func(t *rapid.T) {
		x, y := operand(t), operand(t)
		if _, err := compute(op.Draw(t, "op"), x, y); err != nil {
			if e, ok := err.(*expr.Error); !ok || e.Fatal {
				t.Fatalf("error %v cannot be caught", err)
			}
		}
	})
}

// operand draws a value of any type.
func operand(t *rapid.T) any {
	return rapid.OneOf(
		rapid.Just[any](expr.Bytes("b")), rapid.Just[any](expr.Func{Name: "f"}), rapid.Just[any](math.Inf(1)), rapid.Just[any](math.NaN()),
		rapid.Custom(func(t *rapid.T) any { return []any{value(t, 2)}[0] }),
	).Draw(t, "operand")
}

// TestMemoryOfValues checks the sizes that the reference gives.
func TestMemoryOfValues(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		value any
		want  int
	}{
		{int64(1), 8}, {1.5, 8}, {true, 8}, {nil, 8},
		{"This is a string of 28 bytes", 36}, {expr.Bytes("abc"), 11}, {"é", 10},
		{[]any{}, 8}, {[]any{int64(1), "a"}, 8 + 8 + 9},
		{map[string]any{"key": []any{true}}, 8 + 11 + 16},
	} {
		if got := expr.Size(tc.value); got != tc.want {
			t.Errorf("Size(%v) = %d, want %d", tc.value, got, tc.want)
		}
	}
}
