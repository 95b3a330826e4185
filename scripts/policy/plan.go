package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// plan is what terraform show -json says of a plan: the resources as they will be.
type plan struct {
	resources []*resource
	project   string
}

// resource is one that there will be. What only Google knows is missing from its values.
type resource struct {
	address, kind string
	values        map[string]any
}

func readPlan(file string) (*plan, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	p, err := parsePlan(data)
	if err != nil {
		return nil, fmt.Errorf("read %s, which should be what terraform show -json says of a plan: %w", file, err)
	}
	return p, nil
}

func parsePlan(data []byte) (*plan, error) {
	var said struct {
		Changes []struct {
			Address, Mode, Type string
			Change              struct{ After map[string]any }
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal(data, &said); err != nil {
		return nil, err
	}
	p := &plan{}
	for _, c := range said.Changes {
		if c.Mode != "managed" || c.Change.After == nil { // read only, or destroyed
			continue
		}
		r := &resource{c.Address, c.Type, c.Change.After}
		p.resources = append(p.resources, r)
		if p.project == "" {
			p.project = r.text("project")
		}
	}
	if len(p.resources) == 0 {
		return nil, fmt.Errorf("there is no resource in it")
	}
	return p, nil
}

// all are the resources of some types.
func (p *plan) all(kinds ...string) (out []*resource) {
	for _, r := range p.resources {
		for _, k := range kinds {
			if r.kind == k {
				out = append(out, r)
			}
		}
	}
	return out
}

// named is the resource of a type with a name; nil if there is none.
func (p *plan) named(kind, name string) *resource {
	for _, r := range p.all(kind) {
		if r.text("name") == name {
			return r
		}
	}
	return nil
}

// at is the value at a path, a.b.c; a block that may come once only is gone into. nil if there is none.
func (r *resource) at(path string) any {
	var v any = r.values
	for _, step := range strings.Split(path, ".") {
		if list, ok := v.([]any); ok {
			if len(list) == 0 {
				return nil
			}
			v = list[0]
		}
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[step]
	}
	return v
}

// has says that there is a block, or a value that is set.
func (r *resource) has(path string) bool {
	v := r.at(path)
	list, isList := v.([]any)
	return v != nil && (!isList || len(list) > 0)
}

func (r *resource) text(path string) string {
	s, _ := r.at(path).(string)
	return s
}

func (r *resource) number(path string) float64 {
	n, _ := r.at(path).(float64)
	return n
}

// set changes the value at a path, to see who complains.
func (r *resource) set(path string, value any) {
	block, last := r.values, path
	if i := strings.LastIndex(path, "."); i >= 0 {
		v := r.at(path[:i])
		if list, ok := v.([]any); ok {
			v = list[0]
		}
		block, last = v.(map[string]any), path[i+1:]
	}
	block[last] = value
}

// texts are all strings within a value.
func texts(v any) (out []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, e := range v {
			out = append(out, texts(e)...)
		}
	case map[string]any:
		for _, e := range v {
			out = append(out, texts(e)...)
		}
	}
	return out
}
