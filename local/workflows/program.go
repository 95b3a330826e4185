package workflows

import (
	"orderflow.dev/local/workflows/expr"
	"orderflow.dev/local/workflows/stdlib"
)

// Workflow is a compiled definition. It is immutable and safe for concurrent
// use by any number of executions.
type Workflow struct {
	file     string
	source   []byte
	routines map[string]*routine
}

// File is the name given to Compile.
func (w *Workflow) File() string { return w.file }

// routine is main or a subworkflow.
type routine struct {
	name   string
	params []stdlib.Param
	body   *block
}

// block is a list of steps that run one after the other.
type block struct {
	steps  []*step
	parent *step // step the block belongs to, nil for the body of a routine
	inline bool  // its one step is written in the parent itself
}

// step is one step of a block. The body of a condition or of an inline try is a
// step as well, under the name of the step it is written in.
type step struct {
	name    string
	routine string
	pos     Position
	block   *block
	index   int // in block.steps
	op      op  // nil if the step only jumps
	next    *signal
}

// inline reports whether s is the body of a condition or of an inline try.
func (s *step) inline() bool { return s.block.inline }

// op is what a step does. entry, if not nil, is a step inside op's blocks where
// a jump enters.
type op interface {
	run(f *frame, s *step, entry *step) (signal, error)
	kind() string // its type in a trace; "" has no entry of its own
}

// Position is a place in the source; Line and Column count from 1, Length is in
// characters.
type Position struct{ Line, Column, Length int }

type signalKind int

const (
	sigNormal   signalKind = iota // go on with the following step
	sigJump                       // go to a step
	sigBreak                      // leave the innermost loop
	sigContinue                   // go to the next iteration of the innermost loop
	sigReturn                     // leave the routine with a value
)

// signal says how control leaves a step.
type signal struct {
	kind  signalKind
	step  *step
	value any
}

// locate gives the index of the step of b that is target or contains it.
func (b *block) locate(target *step) (int, bool) {
	for s := target; s != nil; s = s.block.parent {
		if s.block == b {
			return s.index, true
		}
	}
	return 0, false
}

// run executes the steps of b from the first one, or from where entry is.
func (b *block) run(f *frame, entry *step) (signal, error) {
	i := 0
	if entry != nil {
		i, _ = b.locate(entry)
	}
	for i < len(b.steps) {
		s := b.steps[i]
		if s == entry {
			entry = nil
		}
		sig, err := s.run(f, entry)
		if err != nil {
			return sig, err
		}
		entry = nil
		switch sig.kind {
		case sigNormal:
			i++
			continue
		case sigJump:
			var here bool
			if i, here = b.locate(sig.step); here {
				entry = sig.step
				continue
			}
		}
		return sig, nil
	}
	return signal{}, nil
}

// run executes one step and applies its next.
func (s *step) run(f *frame, entry *step) (sig signal, err error) {
	if err := f.enter(s); err != nil {
		return sig, f.locate(err, s)
	}
	if f.ex.engine.options.Trace {
		sig, err = f.traced(s, s.kind(), func() (signal, error) { return s.do(f, entry) })
	} else {
		sig, err = s.do(f, entry)
	}
	if err != nil {
		return sig, err
	}
	if sig.kind == sigNormal && s.next != nil {
		return *s.next, nil
	}
	return sig, nil
}

// do does what the step is for.
func (s *step) do(f *frame, entry *step) (signal, error) {
	if s.op == nil {
		return signal{}, nil
	}
	sig, err := s.op.run(f, s, entry)
	if err != nil {
		err = f.locate(err, s)
	}
	return sig, err
}

// kind is the step's type in a trace.
func (s *step) kind() string {
	if s.op == nil {
		return stepGoto
	}
	return s.op.kind()
}

// errorAt wraps an error of the language that occurred at a position.
func errorAt(err error, pos Position) error {
	switch e := err.(type) {
	case *expr.Error:
		return &raised{cause: e, pos: pos}
	case *raised:
		e.pos = pos
	}
	return err
}
