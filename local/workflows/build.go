package workflows

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// builder compiles the steps of one routine. Loops and except blocks use a copy
// with names and region of their own.
type builder struct {
	*compiler
	routine   string
	names     *names
	region    *region
	thread    bool           // steps are of a thread of a parallel step
	stepLines map[string]int // where each step of the routine is
}

// names is the static image of a scope: every variable that may be in it.
type names struct {
	vars   map[string]bool
	shared map[string]bool // of a thread: what it may write of its parents; nil if this is not the scope of one
	parent *names
}

func (n *names) has(name string) bool {
	for ; n != nil; n = n.parent {
		if n.vars[name] {
			return true
		}
	}
	return false
}

// unshared reports whether a variable is of a parent of the thread that does not share it.
func (n *names) unshared(name string) bool {
	for outside := false; n != nil; n = n.parent {
		if n.vars[name] {
			return outside
		}
		outside = outside || n.shared != nil && !n.shared[name]
	}
	return false
}

// write notes that a step writes a variable: one that is visible, or else a new one of the innermost scope.
func (b *builder) write(name string, n *yaml.Node) {
	switch {
	case b.names.unshared(name):
		b.problem(at(n), "add it to shared of the parallel step", "variable %q is not shared, so a branch or iteration cannot write it", name)
	case !b.names.has(name):
		b.names.vars[name] = true
	}
}

// region is a part of a routine within which jumps are allowed. The body of a
// loop is one of its own; jumps may leave an except block but not enter it.
type region struct {
	steps    map[string]*step
	outer    *region // where jumps may leave to, nil for routines, loops and threads
	loop     bool
	parallel bool // the loop's iterations are threads
}

func newRegion() *region { return &region{steps: map[string]*step{}} }

// enclosing is the region of the loop that break and continue act on; nil if there is none.
func (r *region) enclosing() *region {
	for ; r != nil && !r.loop; r = r.outer {
	}
	return r
}

// find gives the step of a name in the innermost region that has it, or nil.
func (r *region) find(name string) *step {
	for ; r != nil; r = r.outer {
		if s := r.steps[name]; s != nil {
			return s
		}
	}
	return nil
}

// block compiles a list of steps.
func (b *builder) block(n *yaml.Node, parent *step) *block {
	out := &block{parent: parent}
	items := b.sequence(n, "a list of steps")
	if n.Kind == yaml.SequenceNode && len(items) == 0 {
		b.problem(at(n), "", "a list of steps needs at least one step")
	}
	for _, item := range items {
		b.stepItem(out, item)
	}
	return out
}

// stepItem compiles one "- name: body" of a list of steps.
func (b *builder) stepItem(out *block, item *yaml.Node) {
	entries := b.mapping(item, "a step: a map with one key, its name")
	if len(entries) != 1 {
		if item.Kind == yaml.MappingNode {
			b.problem(at(item), "indent the body of the step below its name", "a step must be a map with one key, its name; got %d keys", len(entries))
		}
		return
	}
	e := entries[0]
	if e.name == "" {
		b.problem(at(e.key), "", "a step needs a name")
	}
	if slices.Contains([]string{"end", "break", "continue"}, e.name) {
		b.problem(at(e.key), "it is a target of next", "a step cannot be named %q", e.name)
	}
	if line, twice := b.stepLines[e.name]; twice {
		b.problem(at(e.key), "names of steps are unique in a workflow or subworkflow, nested ones included",
			"step %q occurs twice, first in line %d", e.name, line)
	} else {
		b.stepLines[e.name] = e.key.Line
	}
	b.region.steps[e.name] = b.step(out, e.name, at(e.key), e.value)
}

// step compiles a step body and appends it to a block.
func (b *builder) step(out *block, name string, pos Position, body *yaml.Node) *step {
	s := &step{name: name, routine: b.routine, pos: pos, block: out, index: len(out.steps)}
	out.steps = append(out.steps, s)
	b.fillStep(s, b.mapping(body, "the body of step "+name+", such as call or assign"))
	return s
}

// single compiles a body that is not in a list, such as that of a condition, as
// a block of one step with the name of its parent.
func (b *builder) single(parent *step, pos Position, body []entry) *block {
	out := &block{parent: parent, inline: true}
	s := &step{name: parent.name, routine: b.routine, pos: pos, block: out}
	out.steps = []*step{s}
	b.fillStep(s, body)
	return out
}

// companions lists what each kind of step may have beside its own key.
var companions = map[string][]string{
	"assign": {"next"}, "call": {"args", "result", "next"}, "switch": {"next"}, "for": {"next"},
	"try": {"retry", "except", "next"}, "steps": {"next"}, "raise": nil, "return": nil,
	"parallel": {"next"},
}

// fillStep compiles the body of a step: one kind and its companions.
func (b *builder) fillStep(s *step, body []entry) {
	kind := -1
	for i, e := range body {
		if _, ok := companions[e.name]; !ok {
			continue
		}
		if kind >= 0 {
			b.problem(at(e.key), "make two steps of it", "step %q has both %s and %s", s.name, body[kind].name, e.name)
			return
		}
		kind = i
	}
	known := []string{"next"}
	if kind >= 0 {
		s.pos = at(body[kind].key)
		known = companions[body[kind].name]
	}
	parts := map[string]*yaml.Node{}
	for i, e := range body {
		parts[e.name] = e.value
		if i != kind && !slices.Contains(known, e.name) {
			b.stray(s, body, kind, e)
		}
	}
	if next, ok := parts["next"]; ok {
		b.next(s, next)
	}
	if kind >= 0 {
		b.kind(s, body[kind], parts)
	} else if len(body) == 0 {
		b.problem(s.pos, "give it assign, call, switch, for, parallel, try, raise, return, steps or next", "step %q does nothing", s.name)
	}
}

// stray reports a key that does not belong to the kind of step.
func (b *builder) stray(s *step, body []entry, kind int, e entry) {
	if kind < 0 {
		b.unknown(e, "assign", "call", "switch", "for", "parallel", "try", "raise", "return", "steps", "next")
		return
	}
	hint := "known are " + strings.Join(companions[body[kind].name], ", ")
	if len(companions[body[kind].name]) == 0 {
		hint = "nothing can follow it in the same step"
	}
	b.problem(at(e.key), hint, "key %q does not belong to a %s step", e.name, body[kind].name)
}

// kind compiles the part that says what the step does.
func (b *builder) kind(s *step, e entry, parts map[string]*yaml.Node) {
	switch e.name {
	case "assign":
		s.op = b.assign(e.value)
	case "call":
		s.op = b.call(e.value, parts["args"], parts["result"])
	case "switch":
		s.op = b.switchStep(s, e.value)
	case "for":
		s.op = b.forStep(s, e.value, false)
	case "try":
		s.op = b.tryStep(s, e.value, parts["retry"], parts["except"])
	case "steps":
		s.op = &blockOp{b.block(e.value, s)}
	case "raise":
		s.op = b.raise(e.value)
	case "return":
		if b.thread {
			b.problem(at(e.key), "assign it to a shared variable", "a branch or iteration of a parallel step cannot return")
		}
		s.op = &returnOp{b.template(e.value)}
	case "parallel":
		s.op = b.parallelStep(s, e.value)
	}
}
