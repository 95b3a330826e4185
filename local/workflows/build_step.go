package workflows

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"orderflow.dev/local/workflows/expr"
	"orderflow.dev/local/workflows/stdlib"
)

// assign compiles the entries of an assign step.
func (b *builder) assign(n *yaml.Node) op {
	items := b.sequence(n, "a list of assignments such as - x: 1")
	if limit := b.limits.Assignments; len(items) > limit {
		b.problem(at(n), "split the step", "assign has %d entries, the limit is %d", len(items), limit)
	}
	o := &assignOp{}
	for _, item := range items {
		entries := b.mapping(item, "an assignment such as x: 1")
		if len(entries) != 1 {
			if item.Kind == yaml.MappingNode {
				b.problem(at(item), `start each with "- "`, "an assignment must be a map with one key, got %d", len(entries))
			}
			continue
		}
		if a, ok := b.assignment(entries[0]); ok {
			o.assignments = append(o.assignments, a)
		}
	}
	return o
}

// assignment compiles one entry. The value is compiled first, since it cannot
// see a variable that the entry creates.
func (b *builder) assignment(e entry) (assignment, bool) {
	a := assignment{pos: at(e.key), value: b.template(e.value)}
	tree, ok := b.parse(e.key, e.name, 0, "target of assign")
	if !ok {
		return a, false
	}
	for {
		switch x := tree.(type) {
		case *expr.Name:
			a.name = x.Name
			slices.Reverse(a.path)
			if len(a.path) == 0 {
				b.write(a.name, e.key)
			} else {
				b.bindLater(e.key, 0, x, func(expr.Expr) {})
				if b.names.unshared(a.name) {
					b.write(a.name, e.key)
				}
			}
			return a, true
		case *expr.Member:
			a.path = append(a.path, constant{x.Key})
			tree = x.X
		case *expr.Index:
			t := &expression{pos: a.pos}
			b.bindLater(e.key, 0, x.Key, func(bound expr.Expr) { t.tree = bound })
			a.path = append(a.path, t)
			tree = x.X
		default:
			b.problem(at(e.key), `write x, x.key or x["key"]`, "%q is no target of an assignment", e.name)
			return a, false
		}
	}
}

func (b *builder) raise(n *yaml.Node) op {
	t := b.template(n)
	if v, ok := isConstant(t); ok {
		switch v.(type) {
		case string, map[string]any:
		default:
			b.problem(at(n), "", "only a string or a map can be raised, got %s", expr.TypeName(v))
		}
	}
	return &raiseOp{t}
}

// call compiles a call step; the callee is looked up in the second pass.
func (b *builder) call(name, args, result *yaml.Node) op {
	o := &callOp{}
	if result != nil {
		if v, ok := b.scalar(result, "the name of a variable"); ok && identifier.MatchString(v) {
			o.result = v
			b.write(v, result)
		} else if ok {
			b.problem(at(result), "assign parts of it in a further step", "result must be the name of a variable, got %q", v)
		}
	}
	text, ok := b.scalar(name, "the name of a function or subworkflow")
	if !ok {
		return o
	}
	given, wellFormed := b.arguments(o, args)
	b.later = append(b.later, func() {
		c, ok := b.wf.callee(text)
		if !ok {
			text, hint := unknownCallee(b.wf, text)
			b.problem(at(name), hint, "%s", text)
			return
		}
		o.callee = c
		if o.dynamic == nil && wellFormed {
			b.bindArguments(o, name, given)
		}
	})
	return o
}

// argument is one of args; without a name it goes by its place.
type argument struct {
	name  string
	node  *yaml.Node
	value template
}

// arguments compiles args: a map by parameter name, a list by place (reference:
// sys.log), or an expression that gives a map. It is false for anything else.
func (b *builder) arguments(o *callOp, n *yaml.Node) (given []argument, ok bool) {
	if n == nil || nodeType(n) == "null" {
		return nil, true
	}
	if _, _, ok := expressionText(n); ok {
		o.dynamic = b.template(n)
		return nil, true
	}
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			given = append(given, argument{"", item, b.template(item)})
		}
		return given, true
	}
	for _, e := range b.mapping(n, "a map or list of arguments or an expression") {
		given = append(given, argument{e.name, e.key, b.template(e.value)})
	}
	return given, n.Kind == yaml.MappingNode
}

// bindArguments orders arguments by parameter and reports unknown and missing
// ones.
func (b *builder) bindArguments(o *callOp, call *yaml.Node, given []argument) {
	c := o.callee
	o.args = make([]template, len(c.params))
	for i, a := range given {
		if a.name != "" {
			i = slices.IndexFunc(c.params, func(p stdlib.Param) bool { return p.Name == a.name })
		}
		switch {
		case i < 0:
			b.problem(at(a.node), c.signature(), "%s has no argument %q", c.name, a.name)
		case i >= len(c.params):
			b.problem(at(a.node), c.signature(), "%s takes %s, got %d", c.name, c.arity(), len(given))
		default:
			o.args[i] = a.value
		}
	}
	for i, p := range c.params {
		if o.args[i] == nil && !p.Optional {
			b.problem(at(call), c.signature(), "%s needs the argument %q", c.name, p.Name)
		}
	}
}
