package workflows_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/workflows/apiv1/workflowspb"
	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/grpc/codes"

	"orderflow.dev/local/workflows"
)

func TestExecutionsKeepTheirRevisionAndSeeItsEnvironment(t *testing.T) {
	t.Parallel()
	x, base, _ := start(t, workflows.Options{ServiceAccount: "default", Env: map[string]string{"A": "program", "B": "program"}})
	c := transports["gRPC"](t, base)
	source := `- wait: {call: sys.sleep, args: {seconds: %s}}
- done: {return: '${[sys.get_env("A"), sys.get_env("B"), sys.get_env("GOOGLE_CLOUD_SERVICE_ACCOUNT_NAME"), sys.get_env("GOOGLE_CLOUD_WORKFLOW_REVISION_ID")]}'}
`
	w := returning("")
	w.SourceCode = sourceCode(fmt.Sprintf(source, "1"))
	w.UserEnvVars, w.ServiceAccount, w.Labels = map[string]string{"A": "1"}, "me", map[string]string{"a": "1", "b": "1"}
	first := must(createWorkflow(t, c, "env", w))(t)
	old := must(x.CreateExecution(t.Context(), &executionspb.CreateExecutionRequest{
		Parent: first.Name, Execution: &executionspb.Execution{Labels: map[string]string{"b": "2"}, CallLogLevel: executionspb.Execution_LOG_NONE},
	}))(t)
	if old.Labels["a"] != "1" || old.Labels["b"] != "2" || old.CallLogLevel != executionspb.Execution_LOG_NONE {
		t.Errorf("created: %v", old)
	}
	second := must(update(t, c, &workflowspb.Workflow{Name: first.Name}, "user_env_vars", "service_account", "labels"))(t)
	later := must(x.CreateExecution(t.Context(), &executionspb.CreateExecutionRequest{Parent: first.Name}))(t)
	if len(later.Labels) != 0 {
		t.Errorf("labels %v", later.Labels)
	}
	for name, want := range map[string]string{
		old.Name:   `["1","program","me","` + first.RevisionId + `"]`,
		later.Name: `["program","program","default","` + second.RevisionId + `"]`,
	} {
		if got := awaitEnd(t, x, name); got.Result != want {
			t.Errorf("result %s, want %s (%v)", got.Result, want, got)
		}
	}
}

func TestADeletedWorkflowTakesItsExecutionsAlong(t *testing.T) {
	t.Parallel()
	x, base, _ := start(t, workflows.Options{})
	c := transports["gRPC"](t, base)
	ended, runs := create(t, x, "0"), create(t, x, "3600")
	awaitEnd(t, x, ended.Name)
	must(createWorkflow(t, c, "other", returning("1")))(t)
	other := must(x.CreateExecution(t.Context(), &executionspb.CreateExecutionRequest{Parent: place + "/workflows/other"}))(t)
	awaitEnd(t, x, other.Name)
	for range 2 { // the second time it was made anew
		op := must(c.DeleteWorkflow(t.Context(), &workflowspb.DeleteWorkflowRequest{Name: parent}))(t)
		if err := op.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{ended.Name, runs.Name} {
			if _, err := x.GetExecution(t.Context(), &executionspb.GetExecutionRequest{Name: name}); code(err) != codes.NotFound {
				t.Errorf("execution of a deleted workflow: %v", err)
			}
		}
		if _, err := x.CreateExecution(t.Context(), &executionspb.CreateExecutionRequest{Parent: parent}); code(err) != codes.NotFound {
			t.Errorf("an execution of a deleted workflow begins: %v", err)
		}
		anew := must(createWorkflow(t, c, "w", returning("2")))(t)
		if !strings.HasPrefix(anew.RevisionId, "000001-") {
			t.Errorf("anew: %v", anew)
		}
		if all := collect(t, x.ListExecutions(t.Context(), &executionspb.ListExecutionsRequest{Parent: parent}).Next); len(all) != 0 {
			t.Errorf("anew it has executions: %v", all)
		}
		if got := awaitEnd(t, x, create(t, x, "").Name); got.Result != "2" {
			t.Errorf("anew: %v", got)
		}
	}
	awaitEnd(t, x, other.Name)
}

func TestManyChangeOneWorkflowAtATime(t *testing.T) {
	t.Parallel()
	_, base, _ := start(t, workflows.Options{})
	c := transports["gRPC"](t, base)
	const n = 20
	failed := make(chan error, n)
	for i := range n {
		go func() {
			w := returning(fmt.Sprint(i))
			w.Name = parent
			op, err := c.UpdateWorkflow(context.WithoutCancel(t.Context()), &workflowspb.UpdateWorkflowRequest{Workflow: w})
			if err == nil {
				_, err = op.Wait(context.WithoutCancel(t.Context()))
			}
			failed <- err
		}()
	}
	for range n {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	all := collect(t, c.ListWorkflowRevisions(t.Context(), &workflowspb.ListWorkflowRevisionsRequest{Name: parent}).Next)
	var numbers []string
	for _, r := range all {
		numbers = append(numbers, r.RevisionId[:6])
	}
	if len(all) != n+1 || !slices.IsSortedFunc(numbers, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Errorf("revisions %v", numbers)
	}
}
