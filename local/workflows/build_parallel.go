package workflows

import (
	"go.yaml.in/yaml/v3"
)

// parallelStep compiles branches or a loop. Each thread has names and a region of its own: it may write variables of the
// routine that are shared, and must not jump out or return.
func (b *builder) parallelStep(s *step, n *yaml.Node) op {
	o := &parallelOp{}
	parts := map[string]*yaml.Node{}
	for _, e := range b.mapping(n, "branches or for, with shared, concurrency_limit and exception_policy") {
		switch e.name {
		case "branches", "for", "shared", "concurrency_limit", "exception_policy":
			parts[e.name] = e.value
		default:
			b.unknown(e, "branches", "for", "shared", "concurrency_limit", "exception_policy")
		}
	}
	if (parts["branches"] == nil) == (parts["for"] == nil) {
		b.problem(s.pos, "", "parallel needs either branches or for")
		return o
	}
	if policy := parts["exception_policy"]; policy != nil && policy.Value != "continueAll" {
		b.problem(at(policy), "leave it out", "exception_policy can only be continueAll, got %s", typeOrValue(policy))
	}
	if limit := parts["concurrency_limit"]; limit != nil {
		o.limit = b.concurrencyLimit(limit)
	}
	shared := b.shared(parts["shared"])
	if loop := parts["for"]; loop != nil {
		o.loop = b.within(shared).forStep(s, loop, true)
		return o
	}
	b.branches(o, s, parts["branches"], shared)
	return o
}

func (b *builder) concurrencyLimit(n *yaml.Node) template {
	t := b.template(n)
	if v, ok := isConstant(t); ok {
		if i, isInt := v.(int64); !isInt || i < 1 {
			b.problem(at(n), "", "concurrency_limit must be a positive integer, got %s", typeOrValue(n))
		}
	}
	return t
}

// shared are the variables that threads may write. They exist before the step.
func (b *builder) shared(n *yaml.Node) map[string]bool {
	shared := map[string]bool{}
	if n == nil {
		return shared
	}
	for _, item := range b.sequence(n, "a list of variables") {
		name, ok := b.scalar(item, "the name of a variable")
		switch {
		case !ok:
		case !b.names.has(name):
			b.problem(at(item), "assign it before the parallel step", "shared: there is no variable %q", name)
		case b.names.unshared(name):
			b.problem(at(item), "add it to shared of the enclosing parallel step, too", "shared: variable %q is not shared by the enclosing parallel step", name)
		default:
			shared[name] = true
		}
	}
	return shared
}

// within is a builder for what one thread does.
func (b *builder) within(shared map[string]bool) *builder {
	in := *b
	in.names = &names{vars: map[string]bool{}, parent: b.names, shared: shared}
	in.region, in.thread = newRegion(), true
	return &in
}

func (b *builder) branches(o *parallelOp, s *step, n *yaml.Node, shared map[string]bool) {
	items := b.sequence(n, "a list of branches")
	if limit := b.limits.Branches; len(items) > limit {
		b.problem(at(n), "run several parallel steps", "parallel has %d branches, the limit is %d", len(items), limit)
	}
	if n.Kind == yaml.SequenceNode && len(items) == 0 {
		b.problem(at(n), "", "parallel needs at least one branch")
	}
	for _, item := range items {
		entries := b.mapping(item, "a branch: a map with one key, its name")
		if len(entries) != 1 {
			if item.Kind == yaml.MappingNode {
				b.problem(at(item), "", "a branch must be a map with one key, its name; got %d keys", len(entries))
			}
			continue
		}
		e := entries[0]
		var steps *yaml.Node
		for _, part := range b.mapping(e.value, "the steps of branch "+e.name) {
			if part.name != "steps" {
				b.unknown(part, "steps")
				continue
			}
			steps = part.value
		}
		if steps == nil {
			b.problem(at(e.key), "", "branch %q has no steps", e.name)
			continue
		}
		o.branches = append(o.branches, branch{e.name, b.within(shared).block(steps, s)})
	}
}
