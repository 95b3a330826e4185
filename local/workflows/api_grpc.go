package workflows

import (
	"context"
	"encoding/json"

	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/workflows/aip"
)

// Page sizes of ListExecutions, by view.
const (
	defaultPage  = 100
	maxPageBasic = 1000
	maxPageFull  = 100
)

// api implements the Executions service; REST calls it as well.
type api struct {
	executionspb.UnimplementedExecutionsServer
	engine     *Engine
	operations *operations
}

// CreateExecution starts an execution and answers once it is kept.
func (a *api) CreateExecution(
	ctx context.Context, r *executionspb.CreateExecutionRequest,
) (*executionspb.Execution, error) {
	return a.create(ctx, r.GetParent(), r.GetExecution(), Settings{})
}

// create starts an execution with settings that its Go proto has not.
func (a *api) create(
	ctx context.Context, parent string, x *executionspb.Execution, s Settings,
) (*executionspb.Execution, error) {
	id, err := a.workflow(parent)
	if err != nil {
		return nil, err
	}
	if err := checkLabels(x.GetLabels()); err != nil {
		return nil, err
	}
	if x.GetCallLogLevel() != executionspb.Execution_CALL_LOG_LEVEL_UNSPECIFIED {
		s.CallLogLevel = x.GetCallLogLevel().String()
	}
	ex, err := a.engine.create(id, json.RawMessage(x.GetArgument()), given{id: childID(ctx), labels: x.GetLabels(), Settings: s})
	if err != nil {
		return nil, err
	}
	shown := ex.snapshot()
	return toProto(shown, executionspb.ExecutionView_FULL), a.engine.journal.kept(ctx)
}

// GetExecution shows an execution, in full unless the view says otherwise.
func (a *api) GetExecution(
	ctx context.Context, r *executionspb.GetExecutionRequest,
) (*executionspb.Execution, error) {
	ex, err := a.find(r.GetName())
	if err != nil {
		return nil, err
	}
	view := r.GetView()
	if view == executionspb.ExecutionView_EXECUTION_VIEW_UNSPECIFIED {
		view = executionspb.ExecutionView_FULL
	}
	shown := ex.snapshot()
	return toProto(shown, view), a.engine.journal.kept(ctx)
}

// CancelExecution asks an execution to end; it answers before it has.
func (a *api) CancelExecution(
	_ context.Context, r *executionspb.CancelExecutionRequest,
) (*executionspb.Execution, error) {
	ex, err := a.find(r.GetName())
	if err != nil {
		return nil, err
	}
	if s := ex.snapshot(); s.State.finished() {
		return nil, status.Errorf(codes.FailedPrecondition, "execution %s has ended already: %s", r.GetName(), s.State)
	}
	ex.cancel(errCancelled)
	return toProto(ex.snapshot(), executionspb.ExecutionView_FULL), nil
}

// ListExecutions lists executions, newest first unless the request has an order.
func (a *api) ListExecutions(
	ctx context.Context, r *executionspb.ListExecutionsRequest,
) (*executionspb.ListExecutionsResponse, error) {
	id, err := a.workflow(r.GetParent())
	if err != nil {
		return nil, err
	}
	if !a.engine.has(id) {
		return nil, a.engine.noWorkflow(id)
	}
	view, most := executionspb.ExecutionView_BASIC, maxPageBasic
	if r.GetView() == executionspb.ExecutionView_FULL {
		view, most = executionspb.ExecutionView_FULL, maxPageFull
	}
	var all []listed
	for _, ex := range a.engine.store.before(id, 0, -1) {
		all = append(all, listed{ex.snapshot(), ex.sequence})
	}
	p, err := page(executionList(most), all, aip.Request{
		Filter: r.GetFilter(), OrderBy: r.GetOrderBy(), Token: r.GetPageToken(), Size: int(r.GetPageSize()),
	})
	if err != nil {
		return nil, err
	}
	out := &executionspb.ListExecutionsResponse{NextPageToken: p.Next}
	for _, x := range p.Items {
		out.Executions = append(out.Executions, toProto(x.Execution, view))
	}
	return out, a.engine.journal.kept(ctx)
}
