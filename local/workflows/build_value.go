package workflows

import (
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"orderflow.dev/local/workflows/expr"
)

// template compiles a YAML value; on a problem it gives null.
func (b *builder) template(n *yaml.Node) template {
	switch n.Kind {
	case yaml.SequenceNode:
		list := make(listTemplate, len(n.Content))
		for i, item := range n.Content {
			list[i] = b.template(item)
		}
		return fold(list)
	case yaml.MappingNode:
		entries := b.entries(n)
		m := make(mapTemplate, len(entries))
		for i, e := range entries {
			m[i] = entryTemplate{b.template(e.key), b.template(e.value), at(e.key)}
		}
		return fold(m)
	case yaml.AliasNode:
		b.alias(n)
		return constant{}
	}
	if text, offset, ok := expressionText(n); ok {
		return b.expression(n, text, offset)
	}
	return constant{b.scalarValue(n)}
}

// scalarValue reads a plain scalar as YAML types it.
func (b *builder) scalarValue(n *yaml.Node) any {
	var err error
	switch tag := n.ShortTag(); tag {
	case "!!null":
		return nil
	case "!!bool":
		var v bool
		err = n.Decode(&v)
		if err == nil {
			return v
		}
	case "!!int":
		var v int64
		if err = n.Decode(&v); err == nil {
			return v
		}
		fallthrough // an integer beyond 64 bits
	case "!!float":
		var v float64
		if err = n.Decode(&v); err == nil {
			return v
		}
	case "!!str", "!!timestamp":
		return n.Value
	default:
		b.problem(at(n), "", "YAML type %s is not supported", tag)
		return nil
	}
	b.problem(at(n), "", "%v", err)
	return nil
}

// expression compiles the text of an expression found in a scalar. Its names
// are bound in the second pass, when all variables are known.
func (b *builder) expression(n *yaml.Node, text string, offset int) template {
	tree, ok := b.parse(n, text, offset, "expression")
	if !ok {
		return constant{}
	}
	t := &expression{pos: at(n)}
	b.bindLater(n, offset, tree, func(bound expr.Expr) { t.tree = bound })
	return t
}

// parse reads the text of an expression that starts at a byte offset of a
// scalar; what names it in problems.
func (b *builder) parse(n *yaml.Node, text string, offset int, what string) (expr.Expr, bool) {
	if length, limit := utf8.RuneCountInString(text), b.limits.ExpressionLength; length > limit {
		b.problem(at(n), "assign parts of it to variables first", "%s: it has %d characters, the limit is %d", what, length, limit)
		return nil, false
	}
	tree, err := expr.Parse(text)
	if err == nil {
		return tree, true
	}
	e := err.(*expr.SyntaxError)
	b.problem(b.inside(n, offset+e.Offset), e.Hint, "%s: %s", what, e.Text)
	return nil, false
}

// bindLater binds the names of a tree in the second pass.
func (b *builder) bindLater(n *yaml.Node, offset int, tree expr.Expr, use func(expr.Expr)) {
	b.later = append(b.later, func() {
		bound, faults := expr.Resolve(tree, symbols{b.wf, b.names})
		for _, e := range faults {
			b.problem(b.inside(n, offset+e.Offset), e.Hint, "%s", e.Text)
		}
		use(bound)
	})
}
