package workflows

import (
	"context"

	"orderflow.dev/local/workflows/expr"
)

// frame is one activation of a routine.
type frame struct {
	ctx    context.Context
	ex     *execution
	thread *thread
	wf     *Workflow
	scope  *scope
	depth  int // nested subworkflow calls
	place  place
}

// scope holds variables. A routine has one; loops and except blocks add one on
// top for what is first assigned inside them.
type scope struct {
	vars   map[string]variable
	parent *scope
}

type variable struct {
	value any
	size  int // as counted against Limits.MemoryBytes
}

// push opens a scope on top of the current one; the caller must pop it.
func (f *frame) push() {
	f.scope = &scope{vars: map[string]variable{}, parent: f.scope}
}

// pop drops the innermost scope and gives back its memory.
func (f *frame) pop() {
	for _, v := range f.scope.vars {
		f.ex.memory.Add(-int64(v.size))
	}
	f.scope = f.scope.parent
}

// Lookup reads a variable for expressions.
func (f *frame) Lookup(name string) (any, bool) {
	for s := f.scope; s != nil; s = s.parent {
		if v, ok := s.vars[name]; ok {
			return v.value, true
		}
	}
	return nil, false
}

// set assigns a variable where it is visible, or creates it in the innermost
// scope.
func (f *frame) set(name string, value any) error {
	for s := f.scope; s != nil; s = s.parent {
		if _, ok := s.vars[name]; ok {
			return f.store(s, name, value)
		}
	}
	return f.store(f.scope, name, value)
}

// declare assigns a variable of the innermost scope, hiding outer ones.
func (f *frame) declare(name string, value any) error {
	return f.store(f.scope, name, value)
}

func (f *frame) store(s *scope, name string, value any) error {
	v := variable{value, expr.Size(value)}
	total := f.ex.memory.Add(int64(v.size - s.vars[name].size))
	s.vars[name] = v
	limits := &f.ex.engine.options.Limits
	if total > int64(limits.MemoryBytes) {
		return limitError("Memory usage limit exceeded")
	}
	if v.size > limits.StringBytes && expr.LongestString(value) > limits.StringBytes {
		return limitError("String length limit exceeded")
	}
	return nil
}

// limitError is an internal resource limit, which no except block can catch.
func limitError(message string) *expr.Error {
	e := expr.Errorf(expr.TagResourceLimit, "%s", message)
	e.Fatal = true
	return e
}

// enter counts a step and notices the end of the execution.
func (f *frame) enter(s *step) error {
	if err := f.ctx.Err(); err != nil {
		return context.Cause(f.ctx)
	}
	f.ex.current.Store(s)
	return f.ex.bill(s)
}

// Call runs a function or subworkflow for an expression.
func (f *frame) Call(name string, args []any) (any, error) {
	c, ok := f.wf.callee(name)
	if !ok {
		return nil, expr.Errorf(expr.TagType, "%q is not a function", name)
	}
	full, err := c.fill(args)
	if err != nil {
		return nil, err
	}
	return c.call(f, full)
}
