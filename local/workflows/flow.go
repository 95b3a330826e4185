package workflows

import (
	"math"

	"orderflow.dev/local/workflows/expr"
)

// switchOp runs the first condition that is true. If none is, or the condition
// does not say where to go, the next of the switch step itself applies.
type switchOp struct{ conditions []condition }

type condition struct {
	test template
	body *block // one step: what the condition does and its next
}

func (o *switchOp) kind() string { return stepSwitch }

func (o *switchOp) run(f *frame, s, entry *step) (signal, error) {
	for _, c := range o.conditions {
		run := func() (signal, error) { return c.body.run(f, entry) }
		if entry != nil {
			if _, inside := c.body.locate(entry); inside {
				return f.traced(s, stepCondition, run)
			}
			continue
		}
		v, err := c.test.eval(f)
		if err != nil {
			return signal{}, err
		}
		ok, isBool := v.(bool)
		if !isBool {
			return signal{}, expr.Errorf(expr.TagType, "condition must be a boolean, got %s", expr.TypeName(v))
		}
		if ok {
			return f.traced(s, stepCondition, run)
		}
	}
	return signal{}, nil
}

// forOp runs its body once per item. Variables first assigned in the body live
// until the loop ends; the documentation does not say whether they outlive an
// iteration, here they do.
type forOp struct {
	value, index string
	in           template // list, or nil if rng is set
	rng          template // list of two numbers, both ends included
	body         *block
}

func (o *forOp) kind() string { return stepFor }

func (o *forOp) run(f *frame, s, _ *step) (signal, error) {
	at, count, err := o.items(f)
	if err != nil {
		return signal{}, err
	}
	f.push()
	defer f.pop()
	for i := range count {
		if err := f.ex.billIteration(); err != nil {
			return signal{}, err
		}
		if err := o.bind(f, i, at(i)); err != nil {
			return signal{}, err
		}
		sig, err := f.traced(s, stepForIteration, func() (signal, error) { return o.body.run(f, nil) })
		if err != nil {
			return sig, err
		}
		switch sig.kind {
		case sigNormal, sigContinue:
			continue
		case sigBreak:
			return signal{}, nil
		}
		return sig, nil
	}
	return signal{}, nil
}

func (o *forOp) bind(f *frame, i int64, v any) error {
	if o.index != "" {
		if err := f.declare(o.index, i); err != nil {
			return err
		}
	}
	return f.declare(o.value, v)
}

// items gives the number of iterations and the value of each.
func (o *forOp) items(f *frame) (at func(int64) any, count int64, err error) {
	if o.in != nil {
		v, err := o.in.eval(f)
		if err != nil {
			return nil, 0, err
		}
		list, ok := v.([]any)
		if !ok {
			return nil, 0, expr.Errorf(expr.TagType, "in must be a list, got %s; use keys() for a map", expr.TypeName(v))
		}
		return func(i int64) any { return list[i] }, int64(len(list)), nil
	}
	v, err := o.rng.eval(f)
	if err != nil {
		return nil, 0, err
	}
	return span(v)
}

// span reads a range. Both ends are included; an end before the start means no
// iteration.
func span(v any) (at func(int64) any, count int64, err error) {
	ends, ok := v.([]any)
	if !ok || len(ends) != 2 {
		return nil, 0, expr.Errorf(expr.TagType, "range must be a list of two numbers, got %s", expr.Describe(v))
	}
	from, ok1 := ends[0].(int64)
	to, ok2 := ends[1].(int64)
	if ok1 && ok2 {
		if to < from {
			return nil, 0, nil
		}
		if count = to - from + 1; count <= 0 {
			count = math.MaxInt64 // more than 64 bits count; the step limit ends the loop
		}
		return func(i int64) any { return from + i }, count, nil
	}
	return spanDouble(ends[0], ends[1])
}

func spanDouble(a, b any) (at func(int64) any, count int64, err error) {
	from, ok1 := number(a)
	to, ok2 := number(b)
	if !ok1 || !ok2 {
		return nil, 0, expr.Errorf(expr.TagType, "range must be two numbers, got %s and %s", expr.TypeName(a), expr.TypeName(b))
	}
	if !(to >= from) {
		return nil, 0, nil
	}
	return func(i int64) any { return from + float64(i) }, int64(min(to-from, 1<<53)) + 1, nil
}

// number widens an integer or double.
func number(v any) (float64, bool) {
	switch x := v.(type) {
	case int64:
		return float64(x), true
	case float64:
		return x, true
	}
	return 0, false
}
