package workflows_test

import (
	"fmt"
	"strings"
	"testing"

	definitions "cloud.google.com/go/workflows/apiv1"
	"cloud.google.com/go/workflows/apiv1/workflowspb"
	"google.golang.org/grpc/codes"

	"orderflow.dev/local/workflows"
)

func TestWhatIsWrongWithASourceIsHowItsOperationEnds(t *testing.T) {
	t.Parallel()
	overBoth(t, workflows.Options{}, func(t *testing.T, c *definitions.Client, _ string) {
		bad := returning("${1 +}")
		op := must(c.CreateWorkflow(t.Context(), &workflowspb.CreateWorkflowRequest{Parent: place, WorkflowId: "a", Workflow: bad}))(t)
		_, err := op.Wait(t.Context())
		if code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "main.yaml:1:") {
			t.Errorf("bad source: %v", err)
		}
		if _, err := c.GetWorkflow(t.Context(), &workflowspb.GetWorkflowRequest{Name: place + "/workflows/a"}); code(err) != codes.NotFound {
			t.Errorf("it is there: %v", err)
		}
		if _, err := createWorkflow(t, c, "w", returning("1")); code(err) != codes.AlreadyExists {
			t.Errorf("twice: %v", err)
		}
		bad.Name = parent
		if _, err := update(t, c, bad); code(err) != codes.InvalidArgument {
			t.Errorf("update by a bad source: %v", err)
		}
		w := must(c.GetWorkflow(t.Context(), &workflowspb.GetWorkflowRequest{Name: parent}))(t)
		if w.GetSourceContents() != blocker || !strings.HasPrefix(w.RevisionId, "000001-") {
			t.Errorf("after a failed update: %v", w)
		}
		bad.Name = parent + "x"
		if _, err := update(t, c, bad); code(err) != codes.NotFound {
			t.Errorf("update of none: %v", err)
		}
		gone := must(c.DeleteWorkflow(t.Context(), &workflowspb.DeleteWorkflowRequest{Name: bad.Name}))(t)
		if err := gone.Wait(t.Context()); code(err) != codes.NotFound {
			t.Errorf("deletion of none: %v", err)
		}
	})
}

func TestRequestsThatBreakTheRulesAreRefused(t *testing.T) {
	t.Parallel()
	with := func(change func(w *workflowspb.Workflow)) *workflowspb.Workflow {
		w := returning("1")
		change(w)
		return w
	}
	many := func(n int) map[string]string {
		m := map[string]string{}
		for i := range n {
			m[fmt.Sprint("k", i)] = "v"
		}
		return m
	}
	env := func(name, value string) *workflowspb.Workflow {
		return with(func(w *workflowspb.Workflow) { w.UserEnvVars = map[string]string{name: value} })
	}
	label := func(key, value string) *workflowspb.Workflow {
		return with(func(w *workflowspb.Workflow) { w.Labels = map[string]string{key: value} })
	}
	cases := map[string]struct {
		id string
		w  *workflowspb.Workflow
		ok bool
	}{
		"no id":                  {"", returning("1"), false},
		"id begins with a digit": {"1a", returning("1"), false},
		"id ends with a hyphen":  {"a-", returning("1"), false},
		"id of 65 characters":    {strings.Repeat("a", 65), returning("1"), false},
		"id of 64 characters":    {strings.Repeat("a", 64), returning("1"), true},
		"id of one letter":       {"A", returning("1"), true},
		"no source":              {"b", &workflowspb.Workflow{}, false},
		"long description":       {"c", with(func(w *workflowspb.Workflow) { w.Description = strings.Repeat("é", 1001) }), false},
		"description":            {"d", with(func(w *workflowspb.Workflow) { w.Description = strings.Repeat("é", 1000) }), true},
		"21 variables":           {"e", with(func(w *workflowspb.Workflow) { w.UserEnvVars = many(21) }), false},
		"20 variables":           {"f", with(func(w *workflowspb.Workflow) { w.UserEnvVars = many(20) }), true},
		"variable without name":  {"g", env("", "x"), false},
		"variable of Google":     {"h", env("GOOGLE_X", "x"), false},
		"variable of Workflows":  {"i", env("WORKFLOWS", "x"), false},
		"long variable":          {"j", env("A", strings.Repeat("x", 4097)), false},
		"variable":               {"k", env("A", strings.Repeat("x", 4096)), true},
		"65 labels":              {"l", with(func(w *workflowspb.Workflow) { w.Labels = many(65) }), false},
		"64 labels":              {"m", with(func(w *workflowspb.Workflow) { w.Labels = many(64) }), true},
		"label in upper case":    {"n", label("k", "V"), false},
		"label by a digit":       {"o", label("1", "v"), false},
		"label without key":      {"p", label("", "v"), false},
		"long label":             {"q", label("k", strings.Repeat("é", 64)), false},
		"label":                  {"r", label("ключ-1_", strings.Repeat("é", 63)), true},
	}
	overBoth(t, workflows.Options{}, func(t *testing.T, c *definitions.Client, _ string) {
		for name, tc := range cases {
			_, err := c.CreateWorkflow(t.Context(), &workflowspb.CreateWorkflowRequest{Parent: place, WorkflowId: tc.id, Workflow: tc.w})
			if tc.ok && err != nil || !tc.ok && code(err) != codes.InvalidArgument {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, path := range []string{"name", "revision_id", "labels.a"} {
			if _, err := update(t, c, &workflowspb.Workflow{Name: parent}, path); code(err) != codes.InvalidArgument {
				t.Errorf("update of %s: %v", path, err)
			}
		}
		if _, err := update(t, c, &workflowspb.Workflow{Name: parent}); code(err) != codes.InvalidArgument {
			t.Errorf("update of all to nothing: %v", err)
		}
		if _, err := c.GetWorkflow(t.Context(), &workflowspb.GetWorkflowRequest{Name: parent, RevisionId: "000009-abc"}); code(err) != codes.NotFound {
			t.Errorf("unknown revision: %v", err)
		}
		elsewhere := &workflowspb.CreateWorkflowRequest{Parent: "projects/p/locations/mars", WorkflowId: "a", Workflow: returning("1")}
		if _, err := c.CreateWorkflow(t.Context(), elsewhere); code(err) != codes.NotFound {
			t.Errorf("another location: %v", err)
		}
	})
}

func TestWorkflowsAreListed(t *testing.T) {
	t.Parallel()
	overBoth(t, workflows.Options{}, func(t *testing.T, c *definitions.Client, _ string) {
		for i := range 5 {
			w := returning("1")
			w.Labels = map[string]string{"odd": fmt.Sprint(i % 2)}
			must(createWorkflow(t, c, fmt.Sprint("n", i), w))(t)
		}
		for _, tc := range []struct {
			r    *workflowspb.ListWorkflowsRequest
			want string
		}{
			{&workflowspb.ListWorkflowsRequest{}, "n0 n1 n2 n3 n4 w"},
			{&workflowspb.ListWorkflowsRequest{PageSize: 2}, "n0 n1 n2 n3 n4 w"},
			{&workflowspb.ListWorkflowsRequest{PageSize: 2, OrderBy: "name desc"}, "w n4 n3 n2 n1 n0"},
			{&workflowspb.ListWorkflowsRequest{Filter: `labels.odd = "1"`}, "n1 n3"},
			{&workflowspb.ListWorkflowsRequest{Filter: `state="ACTIVE" AND NOT labels:odd`}, "w"},
			{&workflowspb.ListWorkflowsRequest{Filter: `createTime>"2100-01-01"`}, ""},
			{&workflowspb.ListWorkflowsRequest{OrderBy: "createTime desc", PageSize: 1}, "n4 n3 n2 n1 n0 w"},
		} {
			tc.r.Parent = "projects/-/locations/-"
			var got []string
			for _, w := range collect(t, c.ListWorkflows(t.Context(), tc.r).Next) {
				got = append(got, w.Name[strings.LastIndexByte(w.Name, '/')+1:])
			}
			if strings.Join(got, " ") != tc.want {
				t.Errorf("%v: %v, want %s", tc.r, got, tc.want)
			}
		}
	})
}
