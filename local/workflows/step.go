package workflows

import (
	"orderflow.dev/local/workflows/expr"
)

// blockOp is nested steps. It is no step of its own for billing and opens no
// scope.
type blockOp struct{ body *block }

func (o *blockOp) kind() string { return "" }

func (o *blockOp) run(f *frame, _, entry *step) (signal, error) {
	return o.body.run(f, entry)
}

// assignOp assigns variables in order; later entries see earlier ones.
type assignOp struct{ assignments []assignment }

// assignment is one entry: a variable, or an element reached from it by path.
type assignment struct {
	name  string
	path  []template
	value template
	pos   Position // of the target
}

func (o *assignOp) kind() string { return stepAssign }

func (o *assignOp) run(f *frame, _, _ *step) (signal, error) {
	for _, a := range o.assignments {
		if err := a.run(f); err != nil {
			return signal{}, err
		}
	}
	return signal{}, nil
}

func (a *assignment) run(f *frame) error {
	v, err := a.value.eval(f)
	if err != nil {
		return err
	}
	if len(a.path) > 0 {
		if v, err = a.update(f, v); err != nil {
			return errorAt(err, a.pos)
		}
	}
	return f.set(a.name, v)
}

// update gives the variable's value with the element at the path replaced.
func (a *assignment) update(f *frame, v any) (any, error) {
	path := make([]any, len(a.path))
	for i, t := range a.path {
		key, err := t.eval(f)
		if err != nil {
			return nil, err
		}
		path[i] = key
	}
	old, ok := f.Lookup(a.name)
	if !ok {
		return nil, expr.Errorf(expr.TagKey, "variable %q is read before it is assigned", a.name)
	}
	return expr.Set(old, path, v)
}

// returnOp leaves the routine with a value.
type returnOp struct{ value template }

func (o *returnOp) kind() string { return stepReturn }

func (o *returnOp) run(f *frame, _, _ *step) (signal, error) {
	v, err := o.value.eval(f)
	return signal{kind: sigReturn, value: v}, err
}

// raiseOp raises a string or a map.
type raiseOp struct{ value template }

func (o *raiseOp) kind() string { return stepRaise }

func (o *raiseOp) run(f *frame, _, _ *step) (signal, error) {
	v, err := o.value.eval(f)
	if err != nil {
		return signal{}, err
	}
	switch v.(type) {
	case string, map[string]any:
		return signal{}, &expr.Error{Value: v, Custom: true}
	}
	return signal{}, expr.Errorf(expr.TagType, "only a string or a map can be raised, got %s", expr.TypeName(v))
}

// callOp calls a function or subworkflow. args has one template per parameter,
// nil where the default applies; dynamic, if set, gives them as a map instead.
type callOp struct {
	callee  *callee
	args    []template
	dynamic template
	result  string
}

func (o *callOp) kind() string { return stepCall }

func (o *callOp) run(f *frame, _, _ *step) (signal, error) {
	args, err := o.arguments(f)
	if err != nil {
		return signal{}, err
	}
	v, err := o.callee.call(f, args)
	if err != nil || o.result == "" {
		return signal{}, err
	}
	return signal{}, f.set(o.result, v)
}

func (o *callOp) arguments(f *frame) ([]any, error) {
	if o.dynamic != nil {
		v, err := o.dynamic.eval(f)
		if err != nil {
			return nil, err
		}
		named, ok := v.(map[string]any)
		if !ok {
			return nil, expr.Errorf(expr.TagType, "args must be a map, got %s", expr.TypeName(v))
		}
		return o.callee.bind(named)
	}
	args := make([]any, len(o.args))
	for i, t := range o.args {
		if t == nil {
			args[i] = o.callee.params[i].Default
			continue
		}
		v, err := t.eval(f)
		if err != nil {
			return nil, err
		}
		args[i] = v
	}
	return args, nil
}
