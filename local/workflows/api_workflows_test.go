package workflows_test

import (
	"errors"
	"strings"
	"testing"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	definitions "cloud.google.com/go/workflows/apiv1"
	"cloud.google.com/go/workflows/apiv1/workflowspb"
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
