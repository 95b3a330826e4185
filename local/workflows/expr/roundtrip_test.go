package expr_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"orderflow.dev/local/workflows/expr"
)

var names = rapid.SampledFrom([]string{"a", "order", "e1", "_x", "And", "default"})

// tree draws a syntax tree of limited depth.
func tree(t *rapid.T, depth int) expr.Expr {
	kinds := 3
	if depth > 0 {
		kinds = 9
	}
	sub := func() expr.Expr { return tree(t, depth-1) }
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return &expr.Literal{Value: literal(t)}
	case 1, 2:
		return &expr.Name{Name: names.Draw(t, "name")}
	case 3:
		return &expr.Member{X: sub(), Key: rapid.SampledFrom([]string{"k", "in", "not", "true"}).Draw(t, "key")}
	case 4:
		return &expr.Index{X: sub(), Key: sub()}
	case 5:
		return &expr.List{Items: items(t, sub)}
	case 6:
		return &expr.Call{Func: rapid.SampledFrom([]string{"f", "map.get", "a.b.c"}).Draw(t, "func"), Args: items(t, sub)}
	case 7:
		return &expr.Unary{Op: rapid.SampledFrom([]string{"-", "not"}).Draw(t, "op"), X: sub()}
	}
	op := rapid.SampledFrom([]string{"+", "-", "*", "/", "//", "%", "<", "<=", ">", ">=", "==", "!=", "in", "and", "or"})
	return &expr.Binary{Op: op.Draw(t, "op"), X: sub(), Y: sub()}
}

func items(t *rapid.T, sub func() expr.Expr) []expr.Expr {
	var out []expr.Expr
	for range rapid.IntRange(0, 2).Draw(t, "items") {
		out = append(out, sub())
	}
	return out
}

func literal(t *rapid.T) any {
	return rapid.OneOf(
		rapid.Just(any(nil)),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.Int64Min(0), func(i int64) any { return i }),
		rapid.Map(rapid.Float64Min(0), func(f float64) any { return f }),
		rapid.Map(rapid.StringN(0, 8, -1), func(s string) any { return s }),
	).Draw(t, "literal")
}

// TestPrintParse: printing a tree and parsing the text gives the same tree.
func TestPrintParse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := tree(t, 3)
		text := expr.String(want)
		got, err := expr.Parse(text)
		if err != nil {
			t.Fatalf("Parse(%s): %v", text, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreTypes(expr.At(0)), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", text, diff)
		}
	})
}

func TestPrintMinimalParentheses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ src, want string }{
		{`((1+2)*3)`, `(1 + 2) * 3`},
		{`1-(2-3)`, `1 - (2 - 3)`},
		{`not ("a" in m)`, `not ("a" in m)`},
		{`NOT a AND (b or c)`, `not a and (b or c)`},
		{`-(-x.y[ 0 ])`, `--x.y[0]`},
		{`(a or b).c`, `(a or b).c`},
		{`2.0`, `2.0`},
	} {
		e, err := expr.Parse(tc.src)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, expr.String(e)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.src, diff)
		}
	}
}

// TestNestingIsBounded: no text may exhaust the stack of the parser.
func TestNestingIsBounded(t *testing.T) {
	t.Parallel()
	for _, open := range []string{"(", "[", "-", "f("} {
		if _, err := expr.Parse(strings.Repeat(open, 150) + "1"); err == nil || strings.Contains(err.Error(), "ends where") {
			t.Errorf("150 nested %q: got %v, want an error about nesting", open, err)
		}
	}
}

// FuzzParseEval: no text makes the lexer, parser, printer or evaluator panic,
// and what parses prints to something that parses and prints the same.
func FuzzParseEval(f *testing.F) {
	for _, s := range []string{
		`default(map.get(e, ["body","reason"]), "") in ["out_of_stock","declined"]`,
		`"https://" + sys.get_env("HOST") + "/v1/" + order.id`, `not("x" in m) OR l[1].k >= 2.5e3`,
		`-min // -1 % 3`, `'\u00e9' == "\q"`, `[[[`, `m.in.b["c"][0]`, "1 \n+\t2", `((((1))))`,
	} {
		f.Add(s)
	}
	for _, tc := range evalCases {
		f.Add(tc.src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		e, err := expr.Parse(src)
		if err != nil {
			return
		}
		_, _ = expr.Eval(e, variables)
		text := expr.String(e)
		again, err := expr.Parse(text)
		if err != nil {
			t.Fatalf("%q prints as %q: %v", src, text, err)
		}
		if got := expr.String(again); got != text {
			t.Errorf("%q prints as %q, and that as %q", src, text, got)
		}
	})
}
