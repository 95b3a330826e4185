package expr

import "fmt"

// Env supplies what an expression needs while it runs.
type Env interface {
	// Lookup reads a variable; ok is false if it was never assigned.
	Lookup(name string) (v any, ok bool)
	// Call calls a function or subworkflow with positional arguments.
	Call(name string, args []any) (any, error)
}

// Eval computes an expression. Errors of the language are [*Error]; any other
// error comes from env, such as the end of its context.
func Eval(e Expr, env Env) (any, error) {
	switch x := e.(type) {
	case *Literal:
		return x.Value, nil
	case *Global:
		return x.Value, nil
	case *Name:
		v, ok := env.Lookup(x.Name)
		if !ok {
			return nil, Errorf(TagKey, "variable %q is read before it is assigned", x.Name)
		}
		return v, nil
	case *List:
		return evalAll(x.Items, env)
	case *Member:
		v, err := Eval(x.X, env)
		if err != nil {
			return nil, err
		}
		return Property(v, x.Key)
	case *Index:
		v, key, err := evalBoth(x.X, x.Key, env)
		if err != nil {
			return nil, err
		}
		return Element(v, key)
	case *Call:
		args, err := evalAll(x.Args, env)
		if err != nil {
			return nil, err
		}
		return env.Call(x.Func, args)
	case *Unary:
		v, err := Eval(x.X, env)
		if err != nil {
			return nil, err
		}
		return unary(x.Op, v)
	case *Binary:
		return evalBinary(x, env)
	}
	return nil, fmt.Errorf("expression node %T cannot be evaluated", e)
}

func evalAll(items []Expr, env Env) ([]any, error) {
	values := make([]any, len(items))
	for i, e := range items {
		v, err := Eval(e, env)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}

func evalBoth(x, y Expr, env Env) (a, b any, err error) {
	if a, err = Eval(x, env); err != nil {
		return nil, nil, err
	}
	b, err = Eval(y, env)
	return a, b, err
}

// evalBinary evaluates the right operand of and/or only if the left one does
// not decide; the documentation does not say, observed workflows rely on it.
func evalBinary(x *Binary, env Env) (any, error) {
	if x.Op == "and" || x.Op == "or" {
		return evalLogical(x, env)
	}
	a, b, err := evalBoth(x.X, x.Y, env)
	if err != nil {
		return nil, err
	}
	return binary(x.Op, a, b)
}

func evalLogical(x *Binary, env Env) (any, error) {
	for _, e := range []Expr{x.X, x.Y} {
		v, err := Eval(e, env)
		if err != nil {
			return nil, err
		}
		b, ok := v.(bool)
		if !ok {
			return nil, Errorf(TagType, "operand of '%s' must be a boolean, got %s", x.Op, TypeName(v))
		}
		if b == (x.Op == "or") {
			return b, nil
		}
	}
	return x.Op == "and", nil
}
