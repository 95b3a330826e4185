package workflows

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"orderflow.dev/local/workflows/stdlib"
)

// Compile parses and checks a workflow definition in YAML or JSON within the
// limits of the service; file is the name used in error messages. The error is
// [Problems] and lists everything found.
func Compile(file string, source []byte) (*Workflow, error) { return Limits{}.Compile(file, source) }

// Compile is the function [Compile] with other limits.
func (l Limits) Compile(file string, source []byte) (*Workflow, error) {
	c := &compiler{wf: &Workflow{file: file, source: source, routines: map[string]*routine{}}, limits: l.withDefaults()}
	if limit := c.limits.SourceBytes; len(source) > limit {
		c.problem(Position{1, 1, 0}, "split it into several workflows",
			"definition has %d bytes, the limit is %d", len(source), limit)
	} else if root := c.document(source); root != nil {
		c.workflow(root)
	}
	c.problems.sort()
	first := len(c.problems)
	// Calls and jumps may refer to what comes later in the file, hence a second
	// pass. What it finds is often the consequence of a problem of the first one.
	for _, check := range c.later {
		check()
	}
	if len(c.problems) > 0 {
		c.problems[first:].sort()
		return nil, c.problems
	}
	return c.wf, nil
}

// compiler collects problems while it builds a workflow.
type compiler struct {
	wf       *Workflow
	limits   Limits
	problems Problems
	later    []func()
}

func (c *compiler) problem(pos Position, hint, format string, args ...any) {
	c.problems = append(c.problems, Problem{c.wf.file, pos.Line, pos.Column, fmt.Sprintf(format, args...), hint})
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

// document parses the one document of the source; nil if that fails.
func (c *compiler) document(source []byte) *yaml.Node {
	d := yaml.NewDecoder(bytes.NewReader(source))
	var doc, second yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		c.problem(Position{1, 1, 0}, "it needs at least one step", "parse error: definition is empty")
		return nil
	case err != nil:
		c.yamlProblem(err)
		return nil
	}
	if err := d.Decode(&second); err == nil {
		c.problem(Position{second.Line, 1, 0}, "one file holds one workflow", "a second YAML document")
	} else if !errors.Is(err, io.EOF) {
		c.yamlProblem(err)
	}
	return doc.Content[0]
}

func (c *compiler) yamlProblem(err error) {
	pos, text := Position{1, 1, 0}, err.Error()
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		pos.Line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	c.problem(pos, "text with \": \" or a leading special character needs quotes", "parse error: %s", strings.TrimPrefix(text, "yaml: "))
}

// workflow compiles the root: a list of steps or a map of routines.
func (c *compiler) workflow(root *yaml.Node) {
	switch root.Kind {
	case yaml.SequenceNode:
		r := &routine{name: "main"}
		c.wf.routines["main"] = r
		c.body(r, root)
	case yaml.MappingNode:
		entries := c.entries(root)
		for _, e := range entries {
			c.routine(e)
		}
		if c.wf.routines["main"] == nil {
			c.problem(at(root), "the execution starts there", "there is no main routine")
		}
	default:
		c.problem(at(root), "", "parse error: expected a map of workflows or a sequence of steps; got %s", nodeType(root))
	}
}

// routine compiles main or a subworkflow.
func (c *compiler) routine(e entry) {
	if !identifier.MatchString(e.name) {
		c.problem(at(e.key), "use letters, digits and _", "%q is no name for a subworkflow", e.name)
		return
	}
	if _, taken := functions[e.name]; taken {
		c.problem(at(e.key), "rename the subworkflow", "%q is the name of a standard function", e.name)
	}
	r := &routine{name: e.name}
	c.wf.routines[e.name] = r
	var steps *yaml.Node
	for _, part := range c.mapping(e.value, "a subworkflow with params and steps") {
		switch part.name {
		case "params":
			r.params = c.params(r, part.value)
		case "steps":
			steps = part.value
		default:
			c.unknown(part, "params", "steps")
		}
	}
	if steps == nil {
		c.problem(at(e.key), "", "subworkflow %q has no steps", e.name)
		return
	}
	c.body(r, steps)
}

// body compiles the steps of a routine.
func (c *compiler) body(r *routine, steps *yaml.Node) {
	names := &names{vars: map[string]bool{}}
	for _, p := range r.params {
		names.vars[p.Name] = true
	}
	b := &builder{compiler: c, routine: r.name, names: names, region: newRegion(), stepLines: map[string]int{}}
	r.body = b.block(steps, nil)
}

// params compiles "params: [a, b: default]".
func (c *compiler) params(r *routine, n *yaml.Node) []stdlib.Param {
	var params []stdlib.Param
	for _, item := range c.sequence(n, "a list of parameter names") {
		p, ok := c.param(item)
		if !ok {
			continue
		}
		if slices.ContainsFunc(params, func(q stdlib.Param) bool { return q.Name == p.Name }) {
			c.problem(at(item), "", "parameter %q is declared twice", p.Name)
		}
		if len(params) > 0 && params[len(params)-1].Optional && !p.Optional {
			c.problem(at(item), "put parameters with defaults last", "parameter %q without default follows one with a default", p.Name)
		}
		params = append(params, p)
	}
	if r.name == "main" && len(params) > 1 {
		c.problem(at(n), "the argument of the execution can be a map", "main takes at most one parameter")
	}
	return params
}

func (c *compiler) param(n *yaml.Node) (p stdlib.Param, ok bool) {
	name := n
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 {
		name = n.Content[0]
		t := (&builder{compiler: c, names: &names{}}).template(n.Content[1])
		if p.Default, ok = isConstant(t); !ok {
			c.problem(at(n.Content[1]), "assign it in the first step", "the default of a parameter must not be an expression")
		}
		p.Optional = true
	}
	if name.Kind != yaml.ScalarNode || !identifier.MatchString(name.Value) {
		c.problem(at(n), "write name or name: default", "a parameter must be a name")
		return p, false
	}
	p.Name = name.Value
	return p, true
}
