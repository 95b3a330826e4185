package workflows

import (
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"orderflow.dev/local/workflows/expr"
)

// next compiles a jump; step names are looked up in the second pass.
func (b *builder) next(s *step, n *yaml.Node) {
	target, ok := b.scalar(n, "the name of a step, end, break or continue")
	if !ok {
		return
	}
	s.next = &signal{}
	switch target {
	case "end":
		if b.thread {
			b.problem(at(n), "it ends with its last step", "a branch or iteration of a parallel step cannot end the routine")
		}
		s.next.kind = sigReturn
	case "break", "continue":
		switch loop := b.region.enclosing(); {
		case loop == nil:
			b.problem(at(n), "", "%s outside a for loop", target)
		case loop.parallel && target == "break":
			b.problem(at(n), "use continue", "break in a parallel loop, whose iterations do not wait for each other")
		}
		s.next.kind = sigBreak
		if target == "continue" {
			s.next.kind = sigContinue
		}
	default:
		s.next.kind = sigJump
		b.later = append(b.later, func() { b.jump(s, n, target) })
	}
}

func (b *builder) jump(s *step, n *yaml.Node, target string) {
	if s.next.step = b.region.find(target); s.next.step != nil {
		return
	}
	hint := "jumps reach steps of the same routine, not into or out of a loop or into an except block"
	if line, ok := b.stepLines[target]; ok {
		b.problem(at(n), hint, "next: step %q in line %d cannot be reached from here", target, line)
		return
	}
	if similar := nearest(target, slices.Collect(maps.Keys(b.stepLines))); similar != "" {
		hint = "did you mean " + similar + "?"
	}
	b.problem(at(n), hint, "next: there is no step %q in %s", target, b.routine)
}

// switchStep compiles the conditions of a switch.
func (b *builder) switchStep(s *step, n *yaml.Node) op {
	items := b.sequence(n, "a list of conditions")
	if limit := b.limits.Conditions; len(items) > limit {
		b.problem(at(n), "split the switch", "switch has %d conditions, the limit is %d", len(items), limit)
	}
	o := &switchOp{}
	for _, item := range items {
		var test template
		var body []entry
		for _, e := range b.mapping(item, "a condition") {
			if e.name == "condition" {
				test = b.condition(e.value)
			} else {
				body = append(body, e)
			}
		}
		if test == nil {
			b.problem(at(item), "", "an entry of switch needs a condition")
			continue
		}
		if len(body) == 0 {
			b.problem(at(item), "give it next, assign, call, steps, return or raise", "the condition has no effect")
			continue
		}
		o.conditions = append(o.conditions, condition{test, b.single(s, at(item), body)})
	}
	return o
}

func (b *builder) condition(n *yaml.Node) template {
	t := b.template(n)
	if v, ok := isConstant(t); ok && expr.TypeName(v) != "boolean" {
		b.problem(at(n), "write ${...}", "condition must be an expression or a boolean, got %s", typeOrValue(n))
	}
	return t
}

// forStep compiles a loop with names and a region of its own.
func (b *builder) forStep(s *step, n *yaml.Node, parallel bool) *forOp {
	o := &forOp{}
	parts := map[string]*yaml.Node{}
	for _, e := range b.mapping(n, "a loop with value, in or range, and steps") {
		switch e.name {
		case "value", "index", "in", "range", "steps":
			parts[e.name] = e.value
		default:
			b.unknown(e, "value", "index", "in", "range", "steps")
		}
	}
	if parts["value"] == nil || parts["steps"] == nil || (parts["in"] == nil) == (parts["range"] == nil) {
		b.problem(s.pos, "", "for needs value, steps and either in or range")
		return o
	}
	if in := parts["in"]; in != nil {
		o.in = b.template(in)
	} else {
		o.rng = b.template(parts["range"])
	}
	body := *b
	body.names = &names{vars: map[string]bool{}, parent: b.names}
	body.region = newRegion()
	body.region.loop, body.region.parallel = true, parallel
	o.value = body.loopVariable(parts["value"])
	if parts["index"] != nil {
		o.index = body.loopVariable(parts["index"])
	}
	o.body = body.block(parts["steps"], s)
	return o
}

// loopVariable declares value or index of a loop. The same name must not be a
// variable around the loop, that of another loop included (reference:
// iteration).
func (b *builder) loopVariable(n *yaml.Node) string {
	name, ok := b.scalar(n, "the name of a variable")
	if !ok {
		return ""
	}
	if !identifier.MatchString(name) {
		b.problem(at(n), "", "%q is no name for a variable", name)
	}
	if b.names.vars[name] {
		b.problem(at(n), "rename one of them", "value and index of the loop are both named %q", name)
	}
	b.names.vars[name] = true
	outer := b.names.parent
	b.later = append(b.later, func() {
		if outer.has(name) {
			b.problem(at(n), "rename one of them", "loop variable %q is also a variable outside the loop", name)
		}
	})
	return name
}

// tryStep compiles try, retry and except.
func (b *builder) tryStep(s *step, body, retry, except *yaml.Node) op {
	o := &tryOp{}
	if retry == nil && except == nil {
		b.problem(s.pos, "", "try needs retry or except")
	}
	o.body = b.single(s, at(body), b.mapping(body, "a step body, such as call or steps"))
	if retry != nil {
		o.retry = b.retry(retry)
	}
	if except != nil {
		b.except(o, s, except)
	}
	return o
}

func (b *builder) retry(n *yaml.Node) template {
	if _, _, ok := expressionText(n); ok {
		return b.template(n)
	}
	limited := false
	for _, e := range b.mapping(n, "a policy such as ${http.default_retry} or a map") {
		switch e.name {
		case "max_retries":
			limited = true
		case "predicate":
			if _, _, ok := expressionText(e.value); !ok {
				b.problem(at(e.value), "write ${name}", "predicate must be an expression, got %s", typeOrValue(e.value))
			}
		case "backoff":
			b.backoff(e.value)
		default:
			b.unknown(e, "predicate", "max_retries", "backoff")
		}
	}
	if !limited && n.Kind == yaml.MappingNode {
		b.problem(at(n), "say how often, the first attempt not counted", "retry needs max_retries")
	}
	return b.template(n)
}

func (b *builder) backoff(n *yaml.Node) {
	if _, _, ok := expressionText(n); ok {
		return
	}
	for _, e := range b.mapping(n, "a map with initial_delay, max_delay and multiplier") {
		switch e.name {
		case "initial_delay", "max_delay", "multiplier":
		default:
			b.unknown(e, "initial_delay", "max_delay", "multiplier")
		}
	}
}

// except compiles the handler: variables first assigned there are its own, and
// its steps may jump out to the routine.
func (b *builder) except(o *tryOp, s *step, n *yaml.Node) {
	handler := *b
	handler.names = &names{vars: map[string]bool{}, parent: b.names}
	handler.region = newRegion()
	handler.region.outer = b.region
	var steps *yaml.Node
	for _, e := range b.mapping(n, "a map with as and steps") {
		switch e.name {
		case "as":
			if o.as, _ = b.scalar(e.value, "the name of a variable"); !identifier.MatchString(o.as) {
				b.problem(at(e.value), "", "%q is no name for a variable", o.as)
			}
			handler.names.vars[o.as] = true
		case "steps":
			steps = e.value
		default:
			b.unknown(e, "as", "steps")
		}
	}
	if steps == nil {
		b.problem(at(n), "", "except needs steps")
		return
	}
	o.handler = handler.block(steps, s)
}
