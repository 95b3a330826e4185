package workflows

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestEveryConnectorCanBeCalled reads the whole table.
func TestEveryConnectorCanBeCalled(t *testing.T) {
	t.Parallel()
	if n := len(connectorLines()); n < 3000 {
		t.Errorf("%d connectors, want 3,000 or more", n)
	}
	for name := range connectorLines() {
		c, ok := lookupConnector(name)
		if !ok || !strings.HasPrefix(c.root, "https://") || !strings.HasSuffix(c.root, "/") || strings.HasPrefix(c.path, "/") ||
			!slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, c.verb) || strings.Contains(c.service, ".") {
			t.Fatalf("%s: %+v", name, c)
		}
		if strings.Count(c.path, "{") != len(c.inPath) || c.verb == "GET" && (c.operation || c.body) {
			t.Errorf("%s: %+v", name, c)
		}
		seen := map[string]bool{}
		for _, p := range c.params() {
			if p.Name == "" || seen[p.Name] {
				t.Errorf("%s has the parameter %q twice", name, p.Name)
			}
			seen[p.Name] = true
		}
	}
}

func TestTheTableKnowsWhatWaits(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"googleapis.compute.v1.instances.insert":                      true,
		"googleapis.run.v2.projects.locations.jobs.run":               true,
		"googleapis.cloudbuild.v1.projects.builds.create":             true,
		"googleapis.bigquery.v2.jobs.insert":                          true,
		createExecution:                                               true,
		"googleapis.bigquery.v2.jobs.query":                           false,
		"googleapis.pubsub.v1.projects.topics.publish":                false,
		"googleapis.compute.v1.zoneOperations.get":                    false,
		"googleapis.workflows.v1.projects.locations.workflows.create": true,
	} {
		if c, ok := lookupConnector(name); !ok || c.operation != want {
			t.Errorf("%s waits: %v, want %v", name, c, want)
		}
	}
}

func FuzzEscapePath(f *testing.F) {
	for _, s := range []string{"a/b c", "%", "%2", "%2F", "a?b#c", "\x00\xff", "é", "../..", "//h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := url.Parse("http://host/v1/" + escapePath(s))
		if err != nil || u.Host != "host" || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery {
			t.Fatalf("%q became %v, %v", s, u, err)
		}
		if !strings.Contains(s, "%") && u.Path != "/v1/"+s {
			t.Errorf("%q became %q", s, u.Path)
		}
	})
}

func FuzzRequestOverGRPC(f *testing.F) {
	f.Add("POST", "/v1/projects/p/topics/t:publish", "publish", "alt=json", `{"messages":[{"data":"aGk="}]}`)
	f.Add("GET", "/v1/projects/p/databases/d/documents/c/x", "get", "mask.fieldPaths=a&mask.fieldPaths=b&readTime=2026-01-01T00:00:00Z", "")
	f.Add("PATCH", "/v1/projects/p/databases/d/documents/c/x", "", "currentDocument.exists=true&updateMask.fieldPaths=%60a%60", `{"fields":{"n":{"integerValue":1}}}`)
	f.Add("GET", "/v1/projects/p/topics", "list", "pageSize=x&project.y=1&=2", "")
	f.Fuzz(func(t *testing.T, verb, path, name, query, body string) {
		rule, values, ok := findRule(verb, path, name)
		if !ok {
			return
		}
		q, _ := url.ParseQuery(query)
		if m, err := rule.request(values, q, []byte(body)); err == nil && m.ProtoReflect().Descriptor() != rule.method.Input() {
			t.Errorf("%s made a %s", rule.name, m.ProtoReflect().Descriptor().FullName())
		}
	})
}

// TestRulesFindTheirOwnPaths: a path made from a rule's template is matched by the template, with the same values.
func TestRulesFindTheirOwnPaths(t *testing.T) {
	t.Parallel()
	id := rapid.StringMatching(`[a-z][a-z0-9_-]{0,8}`)
	for template, fields := range map[string][]string{
		"/v1/{name=projects/*/topics/*}:publish":                        {"name"},
		"/v1/{parent=projects/*/databases/*/documents/**}/{collection}": {"parent", "collection"},
		"/v1/projects/{project}/zones/{zone}":                           {"project", "zone"},
		"/v1/{document.name=projects/*/documents/*/**}":                 {"document.name"},
	} {
		path, names := compileTemplate(template)
		if !slices.Equal(names, fields) {
			t.Errorf("%s: fields %v, want %v", template, names, fields)
		}
		rapid.Check(t, func(t *rapid.T) {
			var want []string
			text := templateVariable.ReplaceAllStringFunc(template, func(part string) string {
				if part[0] != '{' {
					return part
				}
				_, pattern, ok := strings.Cut(strings.Trim(part, "{}"), "=")
				if !ok {
					pattern = "*"
				}
				var segments []string
				for s := range strings.SplitSeq(pattern, "/") {
					switch s {
					case "*":
						s = id.Draw(t, "segment")
					case "**":
						s = id.Draw(t, "first") + "/" + id.Draw(t, "second")
					}
					segments = append(segments, s)
				}
				want = append(want, strings.Join(segments, "/"))
				return want[len(want)-1]
			})
			if got := path.FindStringSubmatch(text); got == nil || !slices.Equal(got[1:], want) {
				t.Errorf("%s of %s: %v, want %v", text, template, got, want)
			}
		})
	}
}
