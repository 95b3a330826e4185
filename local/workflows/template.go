package workflows

import (
	"strconv"

	"orderflow.dev/local/workflows/expr"
)

// template is a YAML value that may hold expressions anywhere inside.
type template interface {
	eval(f *frame) (any, error)
}

// constant holds no expression.
type constant struct{ value any }

func (t constant) eval(*frame) (any, error) { return t.value, nil }

// expression is a scalar "${...}".
type expression struct {
	tree expr.Expr
	pos  Position
}

func (t *expression) eval(f *frame) (any, error) {
	v, err := expr.Eval(t.tree, f)
	if err != nil {
		return nil, errorAt(err, t.pos)
	}
	return v, nil
}

type listTemplate []template

func (t listTemplate) eval(f *frame) (any, error) {
	list := make([]any, len(t))
	for i, item := range t {
		v, err := item.eval(f)
		if err != nil {
			return nil, err
		}
		list[i] = v
	}
	return list, nil
}

// mapTemplate evaluates keys as well; integer keys become their text.
type mapTemplate []entryTemplate

type entryTemplate struct {
	key, value template
	pos        Position // of the key
}

func (t mapTemplate) eval(f *frame) (any, error) {
	m := make(map[string]any, len(t))
	for _, e := range t {
		k, err := e.key.eval(f)
		if err != nil {
			return nil, err
		}
		v, err := e.value.eval(f)
		if err != nil {
			return nil, err
		}
		switch k := k.(type) {
		case string:
			m[k] = v
		case int64:
			m[strconv.FormatInt(k, 10)] = v
		default:
			return nil, errorAt(expr.Errorf(expr.TagType, "key of a map must be a string, got %s", expr.TypeName(k)), e.pos)
		}
	}
	return m, nil
}

// isConstant reports whether t holds no expression, and its value.
func isConstant(t template) (any, bool) {
	c, ok := t.(constant)
	return c.value, ok
}

// fold turns a container of constants into one constant, so that steps do not
// build it again each time they run.
func fold(t template) template {
	switch x := t.(type) {
	case listTemplate:
		for _, item := range x {
			if _, ok := isConstant(item); !ok {
				return t
			}
		}
	case mapTemplate:
		for _, e := range x {
			if _, ok := isConstant(e.value); !ok {
				return t
			}
			if _, ok := isConstant(e.key); !ok {
				return t
			}
		}
	default:
		return t
	}
	v, err := t.eval(nil)
	if err != nil {
		return t
	}
	return constant{v}
}
