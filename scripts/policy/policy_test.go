package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// The rules are proved against real plans (terraform/check runs policy -prove): here is what reads them.

func TestEveryRuleCanBeBroken(t *testing.T) {
	t.Parallel()
	for _, r := range rules {
		if len(r.breaks) == 0 || r.name == "" || len(r.kinds) == 0 {
			t.Errorf("the rule %q has nothing that breaks it, or is about nothing", r.name)
		}
	}
}

// TestAPlanOfNothingIsRefused: what is not there cannot be good.
func TestAPlanOfNothingIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ plan, want string }{
		"no JSON":       {"Plan: 3 to add", "should be what terraform show -json says"},
		"nothing in it": {`{"resource_changes": []}`, "no resource"},
		"all destroyed": {`{"resource_changes": [{"mode": "managed", "type": "t", "change": {"after": null}}]}`, "no resource"},
		"another's":     {`{"resource_changes": [{"mode": "managed", "type": "random_id", "change": {"after": {"a": 1}}}]}`, "rules do not hold"},
	} {
		file := filepath.Join(t.TempDir(), "plan.json")
		if err := os.WriteFile(file, []byte(c.plan), 0o600); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := run(&out, os.DirFS("../.."), file, false); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q\n%s", name, err, c.want, &out)
		}
	}
}

func TestValuesAreFoundThroughBlocks(t *testing.T) {
	t.Parallel()
	p, err := parsePlan([]byte(`{"resource_changes": [{"address": "a", "mode": "managed", "type": "t", "change": {"after":
		{"project": "p", "name": "n", "outer": [{"inner": [{"text": "x", "number": 3}], "none": []}]}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	r := p.named("t", "n")
	if r == nil || p.project != "p" || r.text("outer.inner.text") != "x" || r.number("outer.inner.number") != 3 || r.has("outer.none") || r.has("outer.x.y") {
		t.Errorf("read %+v of project %q", r, p.project)
	}
	r.set("outer.inner.text", "y")
	if r.text("outer.inner.text") != "y" {
		t.Errorf("set nothing: %+v", r)
	}
}

func TestHeadingsAreAnchors(t *testing.T) {
	t.Parallel()
	got, err := anchors(fstest.MapFS{"a.md": {Data: []byte("# Top\ntext\n## A unit's 5xx, again\n")}}, "a.md")
	if err != nil || len(got) != 2 || !got["top"] || !got["a-units-5xx-again"] {
		t.Errorf("anchors %v, error %v", got, err)
	}
}
