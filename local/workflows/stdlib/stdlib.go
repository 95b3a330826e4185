// Package stdlib holds the functions of the Workflows standard library that
// depend on nothing but their arguments: expression helpers and the packages
// base64, hash, json, list, map, math, retry, text, time and uuid.
package stdlib

import (
	"orderflow.dev/local/workflows/expr"
)

// Param is a parameter of a function.
type Param struct {
	Name     string
	Optional bool
	Default  any // value of an optional parameter that is not given
}

// Function is a function of the standard library.
type Function struct {
	Params []Param
	// Call receives one value per parameter, defaults filled in.
	Call func(args []any) (any, error)
}

// Functions lists every function by its qualified name.
var Functions = map[string]Function{}

// Globals lists constants and policies by their qualified name.
var Globals = map[string]any{
	"http.default_retry":                          policy("http.default_retry_predicate"),
	"http.default_retry_non_idempotent":           policy("http.default_retry_predicate_non_idempotent"),
	"retry.default_backoff":                       defaultBackoff,
	"http.default_retry_predicate":                expr.Func{Name: "http.default_retry_predicate"},
	"http.default_retry_predicate_non_idempotent": expr.Func{Name: "http.default_retry_predicate_non_idempotent"},
	"retry.always":                                expr.Func{Name: "retry.always"},
	"retry.never":                                 expr.Func{Name: "retry.never"},
}

// Params makes required parameters.
func Params(names ...string) []Param {
	params := make([]Param, len(names))
	for i, n := range names {
		params[i] = Param{Name: n}
	}
	return params
}

// With adds an optional parameter.
func With(params []Param, name string, def any) []Param {
	return append(params, Param{Name: name, Optional: true, Default: def})
}

func register(name string, params []Param, call func(args []any) (any, error)) {
	Functions[name] = Function{params, call}
}

// reader takes typed arguments of one call and keeps the first mismatch, so
// that functions check once after reading all.
type reader struct {
	name string
	args []any
	err  error
}

func (r *reader) wrong(i int, want string) {
	if r.err == nil {
		r.err = expr.Errorf(expr.TagType, "argument %d of %s must be %s, got %s", i+1, r.name, want, expr.TypeName(r.args[i]))
	}
}

func arg[T any](r *reader, i int, want string) T {
	v, ok := r.args[i].(T)
	if !ok {
		r.wrong(i, want)
	}
	return v
}

func (r *reader) str(i int) string          { return arg[string](r, i, "a string") }
func (r *reader) integer(i int) int64       { return arg[int64](r, i, "an integer") }
func (r *reader) boolean(i int) bool        { return arg[bool](r, i, "a boolean") }
func (r *reader) bytes(i int) expr.Bytes    { return arg[expr.Bytes](r, i, "bytes") }
func (r *reader) list(i int) []any          { return arg[[]any](r, i, "a list") }
func (r *reader) dict(i int) map[string]any { return arg[map[string]any](r, i, "a map") }
func (r *reader) double(i int) float64 {
	switch x := r.args[i].(type) {
	case int64:
		return float64(x)
	case float64:
		return x
	}
	r.wrong(i, "a number")
	return 0
}

// typed registers a function that reads its arguments through a reader; a
// mismatch of types wins over what the function returns.
func typed(name string, params []Param, call func(r *reader) (any, error)) {
	register(name, params, func(args []any) (any, error) {
		r := &reader{name: name, args: args}
		v, err := call(r)
		if r.err != nil {
			return nil, r.err
		}
		return v, err
	})
}

// maxResult bounds the text that one call makes out of less, in bytes. It is far
// above what a variable may hold, and protects the memory of the machine.
const maxResult = 16 << 20

// tooLarge is an internal limit, which a workflow cannot catch.
func tooLarge(name string) error {
	e := expr.Errorf(expr.TagResourceLimit, "result of %s exceeds %d bytes", name, maxResult)
	e.Fatal = true
	return e
}

func valueError(format string, args ...any) error {
	return expr.Errorf(expr.TagValue, format, args...)
}
