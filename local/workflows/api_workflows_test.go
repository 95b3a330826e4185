package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	definitions "cloud.google.com/go/workflows/apiv1"
	"cloud.google.com/go/workflows/apiv1/workflowspb"
	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/genproto/googleapis/cloud/location"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"orderflow.dev/local/workflows"
)

const place = "projects/p/locations/l"

// transports gives Google's client of the Workflows API over gRPC and over REST.
var transports = map[string]func(t *testing.T, base string) *definitions.Client{
	"gRPC": func(t *testing.T, base string) *definitions.Client {
		return must(definitions.NewClient(t.Context(), option.WithEndpoint(strings.TrimPrefix(base, "http://")), option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials()))))(t)
	},
	"REST": func(t *testing.T, base string) *definitions.Client {
		return must(definitions.NewRESTClient(t.Context(), option.WithEndpoint(base), option.WithoutAuthentication()))(t)
	},
}

// must fails the test on an error.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// overBoth runs a test with each client against an engine of its own.
func overBoth(t *testing.T, o workflows.Options, test func(t *testing.T, c *definitions.Client, base string)) {
	for name, connect := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, base, _ := start(t, o)
			c := connect(t, base)
			t.Cleanup(func() { c.Close() })
			test(t, c, base)
		})
	}
}

func returning(value string) *workflowspb.Workflow {
	return &workflowspb.Workflow{SourceCode: sourceCode("- done: {return: " + value + "}\n")}
}

func sourceCode(text string) *workflowspb.Workflow_SourceContents {
	return &workflowspb.Workflow_SourceContents{SourceContents: text}
}

func createWorkflow(t *testing.T, c *definitions.Client, id string, w *workflowspb.Workflow) (*workflowspb.Workflow, error) {
	t.Helper()
	op, err := c.CreateWorkflow(t.Context(), &workflowspb.CreateWorkflowRequest{Parent: place, WorkflowId: id, Workflow: w})
	if err != nil {
		return nil, err
	}
	return op.Wait(t.Context())
}

func update(t *testing.T, c *definitions.Client, w *workflowspb.Workflow, paths ...string) (*workflowspb.Workflow, error) {
	t.Helper()
	r := &workflowspb.UpdateWorkflowRequest{Workflow: w}
	if len(paths) > 0 {
		r.UpdateMask = &fieldmaskpb.FieldMask{Paths: paths}
	}
	op, err := c.UpdateWorkflow(t.Context(), r)
	if err != nil {
		return nil, err
	}
	return op.Wait(t.Context())
}

// code is the status code of an error over either transport.
func code(err error) codes.Code {
	var s interface{ GRPCStatus() *status.Status }
	if errors.As(err, &s) {
		return s.GRPCStatus().Code()
	}
	return status.Code(err)
}

// collect reads an iterator to its end.
func collect[T any](t *testing.T, next func() (T, error)) (all []T) {
	t.Helper()
	for {
		v, err := next()
		if errors.Is(err, iterator.Done) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
}

func TestGooglesClientManagesAWorkflow(t *testing.T) {
	t.Parallel()
	overBoth(t, workflows.Options{}, func(t *testing.T, c *definitions.Client, _ string) {
		w := returning("1")
		w.Description, w.Labels, w.CallLogLevel = "first", map[string]string{"team": "x"}, workflowspb.Workflow_LOG_ERRORS_ONLY
		made := must(createWorkflow(t, c, "a-1", w))(t)
		if made.Name != place+"/workflows/a-1" || made.State != workflowspb.Workflow_ACTIVE || !strings.HasPrefix(made.RevisionId, "000001-") ||
			made.CreateTime == nil || made.GetSourceContents() != w.GetSourceContents() || made.CallLogLevel != w.CallLogLevel {
			t.Errorf("created: %v", made)
		}
		got := must(c.GetWorkflow(t.Context(), &workflowspb.GetWorkflowRequest{Name: made.Name}))(t)
		if got.String() != made.String() {
			t.Errorf("got %v, created %v", got, made)
		}

		same := must(update(t, c, &workflowspb.Workflow{Name: made.Name, Description: "second"}, "description"))(t)
		if same.RevisionId != made.RevisionId || same.Description != "second" || same.Labels["team"] != "x" {
			t.Errorf("after an update of the description: %v", same)
		}
		changed := returning("2")
		changed.Name, changed.UserEnvVars = made.Name, map[string]string{"A": "b"}
		second := must(update(t, c, changed, "source_contents"))(t)
		if !strings.HasPrefix(second.RevisionId, "000002-") || len(second.UserEnvVars) != 0 || second.Description != "second" {
			t.Errorf("after an update of the source: %v", second)
		}
		third := must(update(t, c, changed))(t) // without a mask
		if !strings.HasPrefix(third.RevisionId, "000003-") || third.UserEnvVars["A"] != "b" || third.Description != "" || len(third.Labels) != 0 {
			t.Errorf("after an update of all: %v", third)
		}

		var revisions []string
		for _, r := range collect(t, c.ListWorkflowRevisions(t.Context(), &workflowspb.ListWorkflowRevisionsRequest{Name: made.Name, PageSize: 2}).Next) {
			revisions = append(revisions, r.RevisionId)
		}
		if diff := cmp.Diff([]string{third.RevisionId, second.RevisionId, made.RevisionId}, revisions); diff != "" {
			t.Errorf("revisions (-want +got):\n%s", diff)
		}
		old := must(c.GetWorkflow(t.Context(), &workflowspb.GetWorkflowRequest{Name: made.Name, RevisionId: made.RevisionId}))(t)
		if old.GetSourceContents() != w.GetSourceContents() || old.RevisionId != made.RevisionId || old.Description != "" {
			t.Errorf("first revision: %v", old)
		}

		op := must(c.DeleteWorkflow(t.Context(), &workflowspb.DeleteWorkflowRequest{Name: made.Name}))(t)
		if err := op.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := c.GetWorkflow(t.Context(), &workflowspb.GetWorkflowRequest{Name: made.Name}); code(err) != codes.NotFound {
			t.Errorf("after the deletion: %v", err)
		}
	})
}

func TestOperationsHaveEndedAndAreKept(t *testing.T) {
	t.Parallel()
	overBoth(t, workflows.Options{}, func(t *testing.T, c *definitions.Client, _ string) {
		op := must(c.CreateWorkflow(t.Context(), &workflowspb.CreateWorkflowRequest{Parent: place, WorkflowId: "a", Workflow: returning("1")}))(t)
		m := must(op.Metadata())(t)
		if !op.Done() || m.Verb != "create" || m.Target != place+"/workflows/a" || m.ApiVersion != "v1" || m.CreateTime == nil || m.EndTime == nil {
			t.Errorf("done %v, metadata %v", op.Done(), m)
		}
		if !strings.HasPrefix(op.Name(), place+"/operations/operation-") {
			t.Errorf("name %q", op.Name())
		}
		again := must(c.GetOperation(t.Context(), &longrunningpb.GetOperationRequest{Name: op.Name()}))(t)
		all := collect(t, c.ListOperations(t.Context(), &longrunningpb.ListOperationsRequest{Name: place, Filter: "done=true"}).Next)
		if len(all) != 1 || all[0].String() != again.String() || !again.Done {
			t.Errorf("listed %v, got %v", all, again)
		}
		if err := c.DeleteOperation(t.Context(), &longrunningpb.DeleteOperationRequest{Name: op.Name()}); err != nil {
			t.Error(err)
		}
		if _, err := c.GetOperation(t.Context(), &longrunningpb.GetOperationRequest{Name: op.Name()}); code(err) != codes.NotFound {
			t.Errorf("after its deletion: %v", err)
		}
	})
}

func TestOperationsMayBeAwaitedAndCancelled(t *testing.T) {
	t.Parallel()
	_, base, _ := start(t, workflows.Options{})
	conn := must(grpc.NewClient(strings.TrimPrefix(base, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials())))(t)
	defer conn.Close()
	api, ctx := workflowspb.NewWorkflowsClient(conn), t.Context()
	op := must(api.CreateWorkflow(ctx, &workflowspb.CreateWorkflowRequest{Parent: place, WorkflowId: "a", Workflow: returning("1")}))(t)
	waits := longrunningpb.NewOperationsClient(conn)
	if got := must(waits.WaitOperation(ctx, &longrunningpb.WaitOperationRequest{Name: op.Name}))(t); !got.Done {
		t.Errorf("awaited: %v", got)
	}
	must(waits.CancelOperation(ctx, &longrunningpb.CancelOperationRequest{Name: op.Name}))(t)
	if _, err := waits.CancelOperation(ctx, &longrunningpb.CancelOperationRequest{Name: op.Name + "x"}); status.Code(err) != codes.NotFound {
		t.Errorf("another: %v", err)
	}
}

func TestTheLocationIsListed(t *testing.T) {
	t.Parallel()
	overBoth(t, workflows.Options{}, func(t *testing.T, c *definitions.Client, _ string) {
		all := collect(t, c.ListLocations(t.Context(), &location.ListLocationsRequest{Name: "projects/p"}).Next)
		one := must(c.GetLocation(t.Context(), &location.GetLocationRequest{Name: place}))(t)
		if len(all) != 1 || all[0].String() != one.String() || one.Name != place || one.LocationId != "l" {
			t.Errorf("listed %v, got %v", all, one)
		}
		if _, err := c.GetLocation(t.Context(), &location.GetLocationRequest{Name: "projects/p/locations/mars"}); code(err) != codes.NotFound {
			t.Errorf("another location: %v", err)
		}
	})
}

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
