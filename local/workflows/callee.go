package workflows

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"orderflow.dev/local/workflows/expr"
	"orderflow.dev/local/workflows/stdlib"
)

// callee is anything that can be called: a function or a subworkflow.
type callee struct {
	name     string
	params   []stdlib.Param
	blocking bool // only a call step may call it
	invoke   func(f *frame, args []any) (any, error)
}

// functions lists the standard library by qualified name.
var functions = map[string]*callee{}

func init() {
	for name, fn := range stdlib.Functions {
		functions[name] = &callee{name, fn.Params, false, func(_ *frame, args []any) (any, error) { return fn.Call(args) }}
	}
	registerSys()
	registerHTTP()
	registerExecutions()
	registerSecrets()
	registerCallbacks()
}

// callee finds a subworkflow or function; subworkflows cannot hide functions
// because these have dots or reserved names.
func (w *Workflow) callee(name string) (*callee, bool) {
	if r, ok := w.routines[name]; ok {
		return &callee{name, r.params, false, r.invoke}, true
	}
	if c, ok := functions[name]; ok {
		return c, true
	}
	return connectorCallee(name)
}

// required is the number of parameters without default.
func (c *callee) required() int {
	n := 0
	for _, p := range c.params {
		if !p.Optional {
			n++
		}
	}
	return n
}

// changing are functions that answer at once, and something else each time.
var changing = map[string]bool{"sys.now": true, "uuid.generate": true, secrets + readText: true, secrets + addText: true}

// call calls the function. What it answers is recorded unless it follows from its arguments.
func (c *callee) call(f *frame, args []any) (any, error) {
	do := func() (any, error) { return c.invoke(f, args) }
	switch {
	case changing[c.name]:
		return f.thread.inline(c.name, do)
	case c.blocking && c.name != "sys.sleep": // which records itself when it began
		return f.thread.call(c.name, do)
	}
	return c.invoke(f, args)
}

// fill completes positional arguments with defaults.
func (c *callee) fill(args []any) ([]any, error) {
	if len(args) < c.required() || len(args) > len(c.params) {
		return nil, expr.Errorf(expr.TagType, "%s takes %s, got %d", c.name, c.arity(), len(args))
	}
	for _, p := range c.params[len(args):] {
		args = append(args, p.Default)
	}
	return args, nil
}

// bind orders named arguments by parameter.
func (c *callee) bind(named map[string]any) ([]any, error) {
	args := make([]any, len(c.params))
	used := 0
	for i, p := range c.params {
		v, ok := named[p.Name]
		switch {
		case ok:
			used++
			args[i] = v
		case p.Optional:
			args[i] = p.Default
		default:
			return nil, expr.Errorf(expr.TagType, "%s needs the argument %q", c.name, p.Name)
		}
	}
	if used == len(named) {
		return args, nil
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if !slices.ContainsFunc(c.params, func(p stdlib.Param) bool { return p.Name == name }) {
			return nil, expr.Errorf(expr.TagType, "%s has no argument %q; %s", c.name, name, c.signature())
		}
	}
	return args, nil
}

// signature lists the parameters for hints.
func (c *callee) signature() string {
	if len(c.params) == 0 {
		return "it takes none"
	}
	names := make([]string, len(c.params))
	for i, p := range c.params {
		names[i] = p.Name
		if p.Optional {
			names[i] = "[" + p.Name + "]"
		}
	}
	return "it takes " + strings.Join(names, ", ")
}

// arity describes how many positional arguments a callee takes.
func (c *callee) arity() string {
	low, high := c.required(), len(c.params)
	switch {
	case high == 0:
		return "no arguments"
	case low == high && low == 1:
		return "1 argument"
	case low == high:
		return fmt.Sprintf("%d arguments", low)
	}
	return fmt.Sprintf("%d to %d arguments", low, high)
}

// invoke runs a subworkflow in a frame of its own.
func (r *routine) invoke(f *frame, args []any) (any, error) {
	if limit := f.ex.limits().CallDepth; f.depth >= limit {
		return nil, expr.Errorf(expr.TagRecursion, "call depth exceeds %d", limit)
	}
	return r.run(&frame{ctx: f.ctx, ex: f.ex, thread: f.thread, wf: f.wf, depth: f.depth + 1, place: place{parent: f.place.parent}}, args)
}

// run executes a routine in a fresh frame.
func (r *routine) run(f *frame, args []any) (any, error) {
	f.push()
	defer f.pop()
	for i, p := range r.params {
		if err := f.declare(p.Name, args[i]); err != nil {
			return nil, err
		}
	}
	sig, err := r.body.run(f, nil)
	return sig.value, err
}
