package main

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

// operation is what keeps it running, and tells when it does not.
var operation = []rule{
	{
		name:  "a function says who reaches it, how much it takes at once, and how far it grows",
		kinds: []string{function},
		check: each([]string{function}, func(_ *plan, t tree, r *resource) string {
			at := func(name string) float64 { return r.number("service_config." + name) }
			concurrency := at("max_instance_request_concurrency")
			switch {
			case r.text("service_config.ingress_settings") == "":
				return "does not say who reaches it"
			case at("max_instance_count") < 1:
				return "has no bound"
			case concurrency < 1:
				return "does not say how much it takes at once"
			case concurrency == 1 && !saysWhyOne(t, r.text("name")):
				return "takes one request at a time, and its file does not say why"
			case concurrency > 1 && r.text("service_config.available_cpu") < "1":
				return "has less than one CPU, which takes one request at a time"
			}
			return ""
		}),
		breaks: []breakage{
			set("ingress is not said", function, "service_config.ingress_settings", ""),
			set("it grows without bound", function, "service_config.max_instance_count", 0.0),
			set("it takes one at a time without a reason", function, "service_config.max_instance_request_concurrency", 1.0),
			set("it has half a CPU", function, "service_config.available_cpu", "0.5"),
		},
	},
	{
		name:  "what only Google calls is reached from inside alone",
		kinds: []string{function},
		check: func(p *plan, t tree) (bad []string) {
			for _, u := range t.units {
				if u.Service || u.Route() != nil || u.Trigger.Saga != "" {
					continue // the gateway and Workflows call from outside of any network of ours: IAM admits them
				}
				r := p.named(function, u.Name)
				if r == nil {
					bad = append(bad, u.Name+" is not planned")
				} else if got := r.text("service_config.ingress_settings"); got != "ALLOW_INTERNAL_ONLY" {
					bad = append(bad, fmt.Sprintf("%s is reached by %s", r.address, got))
				}
			}
			return bad
		},
		breaks: []breakage{
			{"one is reached from everywhere", func(p *plan) error {
				for _, r := range p.all(function) {
					r.set("service_config.ingress_settings", "ALLOW_ALL")
				}
				return nil
			}},
			remove("one is missing", function, func(r *resource) bool { return r.text("name") == "sweep-orders" }),
		},
	},
	{
		name:  "an alert says where in the runbook it is told what to do",
		kinds: []string{alert},
		check: func(p *plan, t tree) []string {
			headings, err := anchors(t.root, "docs/runbook.md")
			if err != nil {
				return []string{err.Error()}
			}
			return each([]string{alert}, func(_ *plan, _ tree, r *resource) string {
				_, anchor, ok := strings.Cut(r.text("documentation.links.url"), "docs/runbook.md#")
				if !ok || !headings[anchor] {
					return fmt.Sprintf("links to %q, which is no heading of docs/runbook.md", r.text("documentation.links.url"))
				}
				return ""
			})(p, t)
		},
		breaks: []breakage{
			set("one leads nowhere", alert, "documentation.links", []any{map[string]any{"url": "https://example.com/docs/runbook.md#nowhere"}}),
			set("one has no link", alert, "documentation", []any{}),
		},
	},
	{
		name:  "a unit has its databases, and runs its own code",
		kinds: []string{"google_firestore_database"},
		check: func(p *plan, t tree) (bad []string) {
			databases := map[string]bool{}
			for _, r := range p.all("google_firestore_database") {
				databases[r.text("name")] = true
			}
			for _, u := range t.units {
				for db := range u.Databases {
					if !databases[db] {
						bad = append(bad, fmt.Sprintf("%s uses the database %s, which is not planned", u.Name, db))
					}
				}
				r := p.named(function, u.Name)
				if r != nil && !strings.HasPrefix(r.text("build_config.source.storage_source.object"), u.Name+"-") {
					bad = append(bad, fmt.Sprintf("%s runs %s", u.Name, r.text("build_config.source.storage_source.object")))
				}
			}
			return bad
		},
		breaks: []breakage{
			remove("one is missing", "google_firestore_database", func(*resource) bool { return true }),
			set("a function runs another's code", function, "build_config.source.storage_source.object", "another-1.zip"),
		},
	},
}

// saysWhyOne says that a unit's file gives the reason of "concurrency: 1".
func saysWhyOne(t tree, name string) bool {
	for _, u := range t.units {
		if u.Name == name {
			text, err := fs.ReadFile(t.root, u.Dir+"/function.yaml")
			return err == nil && withReason.Match(text)
		}
	}
	return false
}

var withReason = regexp.MustCompile(`(?m)^concurrency: 1 +# .+`)

// anchors are the headings of a page as links name them.
func anchors(root fs.FS, page string) (map[string]bool, error) {
	text, err := fs.ReadFile(root, page)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, h := range heading.FindAllStringSubmatch(string(text), -1) {
		a := notInAnchor.ReplaceAllString(strings.ToLower(h[1]), "")
		out[strings.ReplaceAll(a, " ", "-")] = true
	}
	return out, nil
}

var (
	heading     = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notInAnchor = regexp.MustCompile(`[^a-z0-9 _-]`)
)
