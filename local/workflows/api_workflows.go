package workflows

import (
	"context"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"cloud.google.com/go/workflows/apiv1/workflowspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"orderflow.dev/local/workflows/aip"
)

// workflowsAPI implements the Workflows service. As in the service, what is wrong
// with a request is its answer, but what is wrong with the source, or with the
// workflow's being there or not, is how its operation ends.
type workflowsAPI struct {
	workflowspb.UnimplementedWorkflowsServer
	*api
}

// CreateWorkflow compiles and deploys a workflow.
func (a *workflowsAPI) CreateWorkflow(ctx context.Context, r *workflowspb.CreateWorkflowRequest) (*longrunningpb.Operation, error) {
	if err := a.location(r.GetParent()); err != nil {
		return nil, err
	}
	id := r.GetWorkflowId()
	if !workflowID.MatchString(id) {
		return nil, status.Errorf(codes.InvalidArgument, "workflow_id %q is not 1 to 64 letters, digits, _ and - that begin with a letter "+
			"and end with a letter or digit", id)
	}
	if err := checkWorkflow(r.GetWorkflow()); err != nil {
		return nil, err
	}
	return a.operate("create", a.engine.workflowName(id), func() (proto.Message, error) {
		return a.engine.createDefinition(ctx, id, r.GetWorkflow())
	})
}

// GetWorkflow shows a workflow, in a revision if one is named.
func (a *workflowsAPI) GetWorkflow(_ context.Context, r *workflowspb.GetWorkflowRequest) (*workflowspb.Workflow, error) {
	id, err := a.workflow(r.GetName())
	if err != nil {
		return nil, err
	}
	return a.engine.shownWorkflow(id, r.GetRevisionId())
}

// ListWorkflows lists the deployed workflows.
func (a *workflowsAPI) ListWorkflows(_ context.Context, r *workflowspb.ListWorkflowsRequest) (*workflowspb.ListWorkflowsResponse, error) {
	if err := a.location(r.GetParent()); err != nil {
		return nil, err
	}
	p, err := page(workflowList, a.engine.shownWorkflows(), aip.Request{
		Filter: r.GetFilter(), OrderBy: r.GetOrderBy(), Token: r.GetPageToken(), Size: int(r.GetPageSize()),
	})
	return &workflowspb.ListWorkflowsResponse{Workflows: p.Items, NextPageToken: p.Next}, err
}

// ListWorkflowRevisions lists the revisions of a workflow, newest first.
func (a *workflowsAPI) ListWorkflowRevisions(_ context.Context, r *workflowspb.ListWorkflowRevisionsRequest) (*workflowspb.ListWorkflowRevisionsResponse, error) {
	id, err := a.workflow(r.GetName())
	if err != nil {
		return nil, err
	}
	all, err := a.engine.shownRevisions(id)
	if err != nil {
		return nil, err
	}
	p, err := page(revisionList, all, aip.Request{Token: r.GetPageToken(), Size: int(r.GetPageSize())})
	return &workflowspb.ListWorkflowRevisionsResponse{Workflows: p.Items, NextPageToken: p.Next}, err
}

// UpdateWorkflow changes the fields that the mask names, or all without one.
// Executions that run keep their revision.
func (a *workflowsAPI) UpdateWorkflow(ctx context.Context, r *workflowspb.UpdateWorkflowRequest) (*longrunningpb.Operation, error) {
	id, err := a.workflow(r.GetWorkflow().GetName())
	if err != nil {
		return nil, err
	}
	paths, err := updatePaths(r.GetUpdateMask().GetPaths())
	if err != nil {
		return nil, err
	}
	return a.operate("update", a.engine.workflowName(id), func() (proto.Message, error) {
		return a.engine.updateDefinition(ctx, id, r.GetWorkflow(), paths)
	})
}

// DeleteWorkflow removes a workflow with all its executions, which it cancels if
// they run.
func (a *workflowsAPI) DeleteWorkflow(ctx context.Context, r *workflowspb.DeleteWorkflowRequest) (*longrunningpb.Operation, error) {
	id, err := a.workflow(r.GetName())
	if err != nil {
		return nil, err
	}
	return a.operate("delete", a.engine.workflowName(id), func() (proto.Message, error) {
		return &emptypb.Empty{}, a.engine.deleteDefinition(ctx, id)
	})
}
