package workflows

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// aliases writes out the aliases and merge keys of YAML, which is any valid YAML
// file's right (reference: file structure).
type aliases struct {
	*compiler
	open   []*yaml.Node // being written out, outermost first
	budget int          // values that may still be written
}

// writeOut gives the document without aliases. Aliases of aliases can stand for
// more than any machine holds, so what is written out has no more values than a
// definition may have bytes.
func (c *compiler) writeOut(root *yaml.Node) *yaml.Node {
	a := &aliases{compiler: c, budget: c.limits.SourceBytes}
	a.node(root)
	if a.budget < 0 {
		c.problem(at(root), "use fewer aliases", "with its aliases written out the definition has more than %d values", c.limits.SourceBytes)
		return nil
	}
	return root
}

// node writes out what is below n, which is no alias itself.
func (a *aliases) node(n *yaml.Node) {
	a.open = append(a.open, n)
	defer func() { a.open = a.open[:len(a.open)-1] }()
	for i, child := range n.Content {
		if a.budget--; a.budget < 0 {
			return
		}
		if child.Kind == yaml.AliasNode {
			child = a.target(child)
			n.Content[i] = child
		}
		a.node(child)
	}
	if n.Kind == yaml.MappingNode {
		n.Content = a.merged(n.Content)
	}
}

// target is what an alias stands for; null if that contains the alias.
func (a *aliases) target(alias *yaml.Node) *yaml.Node {
	if !slices.Contains(a.open, alias.Alias) {
		return alias.Alias
	}
	a.problem(at(alias), "", "alias *%s stands for something that contains it", alias.Value)
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: alias.Line, Column: alias.Column}
}

// merged puts the entries of merge keys in their place. A map's own entries win
// over merged ones, and of these the first.
func (a *aliases) merged(content []*yaml.Node) []*yaml.Node {
	var own, merged []*yaml.Node
	for i := 0; i+1 < len(content); i += 2 {
		key, value := content[i], content[i+1]
		if key.ShortTag() != "!!merge" {
			own = append(own, key, value)
			continue
		}
		maps := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			maps = value.Content
		}
		for _, m := range maps {
			if m.Kind != yaml.MappingNode {
				a.problem(at(m), "", "<< needs a map or a list of maps, got %s", nodeType(m))
				continue
			}
			merged = append(merged, m.Content...)
		}
	}
	for i := 0; i+1 < len(merged); i += 2 {
		if !hasKey(own, merged[i].Value) {
			own = append(own, merged[i], merged[i+1])
		}
	}
	return own
}

func hasKey(content []*yaml.Node, key string) bool {
	for i := 0; i < len(content); i += 2 {
		if content[i].Value == key {
			return true
		}
	}
	return false
}
