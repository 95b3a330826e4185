package workflows

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// identifier is the form of the names of variables and subworkflows (reference:
// variables). Names of steps may be any text (reference: steps).
var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// at is the position of a node.
func at(n *yaml.Node) Position {
	return Position{n.Line, n.Column, utf8.RuneCountInString(n.Value)}
}

// nodeType names the kind of a node for messages.
func nodeType(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "map"
	case yaml.SequenceNode:
		return "list"
	case yaml.AliasNode:
		return "alias"
	}
	switch n.ShortTag() {
	case "!!null":
		return "null"
	case "!!bool":
		return "boolean"
	case "!!int":
		return "integer"
	case "!!float":
		return "double"
	}
	return "string"
}

// entry is one key of a mapping.
type entry struct {
	name       string
	key, value *yaml.Node
}

// mapping gives the entries of n, or reports that it must be what.
func (c *compiler) mapping(n *yaml.Node, what string) []entry {
	if n.Kind != yaml.MappingNode {
		c.mismatch(n, what)
		return nil
	}
	return c.entries(n)
}

// sequence gives the items of n, or reports that it must be what.
func (c *compiler) sequence(n *yaml.Node, what string) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		c.mismatch(n, what)
		return nil
	}
	return n.Content
}

// scalar gives the text of n, or reports that it must be what.
func (c *compiler) scalar(n *yaml.Node, what string) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		c.mismatch(n, what)
		return "", false
	}
	return n.Value, true
}

func (c *compiler) mismatch(n *yaml.Node, what string) {
	if n.Kind == yaml.AliasNode {
		c.alias(n)
		return
	}
	c.problem(at(n), "", "expected %s, got %s", what, nodeType(n))
}

func (c *compiler) alias(n *yaml.Node) {
	c.problem(at(n), "write the value out", "YAML aliases are not supported by the local engine: *%s", n.Value)
}

// entries lists the keys of a mapping and reports those that are no scalars or
// occur twice.
func (c *compiler) entries(n *yaml.Node) []entry {
	list := make([]entry, 0, len(n.Content)/2)
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch line, twice := seen[k.Value]; {
		case k.Kind != yaml.ScalarNode:
			c.mismatch(k, "a name as key")
		case k.ShortTag() == "!!merge":
			c.problem(at(k), "write the entries out", "YAML merge keys are not supported by the local engine: <<")
		case twice:
			c.problem(at(k), "", "key %q occurs twice, first in line %d", k.Value, line)
		default:
			seen[k.Value] = k.Line
			list = append(list, entry{k.Value, k, v})
		}
	}
	return list
}

// unknown reports a key that has no meaning where it stands.
func (c *compiler) unknown(e entry, known ...string) {
	c.problem(at(e.key), "known are "+strings.Join(known, ", "), "unknown key %q", e.name)
}

// expressionText gives the text between "${" and "}" of a scalar that is an
// expression, and where in the scalar it starts.
func expressionText(n *yaml.Node) (text string, offset int, ok bool) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		return "", 0, false
	}
	s := strings.TrimSpace(n.Value)
	if !strings.HasPrefix(s, "${") || !strings.HasSuffix(s, "}") {
		return "", 0, false
	}
	return s[2 : len(s)-1], strings.Index(n.Value, "${") + 2, true
}

// typeOrValue describes a scalar for messages.
func typeOrValue(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode {
		return fmt.Sprintf("%q", n.Value)
	}
	return "a " + nodeType(n)
}
