package workflows

import (
	"context"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
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
	engine *Engine
}

// CreateExecution starts an execution and answers once it is kept.
func (a *api) CreateExecution(ctx context.Context, r *executionspb.CreateExecutionRequest) (*executionspb.Execution, error) {
	id, err := a.workflow(r.GetParent())
	if err != nil {
		return nil, err
	}
	if n := len(r.GetExecution().GetLabels()); n > 64 {
		return nil, status.Errorf(codes.InvalidArgument, "execution has %d labels, the limit is 64", n)
	}
	ex, err := a.engine.create(id, json.RawMessage(r.GetExecution().GetArgument()), r.GetExecution().GetLabels())
	if err != nil {
		return nil, err
	}
	shown := ex.snapshot()
	return toProto(shown, executionspb.ExecutionView_FULL), a.engine.journal.kept(ctx)
}

// GetExecution shows an execution, in full unless the view says otherwise.
func (a *api) GetExecution(ctx context.Context, r *executionspb.GetExecutionRequest) (*executionspb.Execution, error) {
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
func (a *api) CancelExecution(_ context.Context, r *executionspb.CancelExecutionRequest) (*executionspb.Execution, error) {
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

// ListExecutions lists executions newest first. The token of a page is the
// sequence number of its last execution.
func (a *api) ListExecutions(ctx context.Context, r *executionspb.ListExecutionsRequest) (*executionspb.ListExecutionsResponse, error) {
	id, err := a.workflow(r.GetParent())
	if err != nil {
		return nil, err
	}
	if !a.engine.has(id) {
		return nil, status.Errorf(codes.NotFound, "workflow %s does not exist", r.GetParent())
	}
	keep, err := stateFilter(r.GetFilter())
	if err != nil {
		return nil, err
	}
	if o := r.GetOrderBy(); o != "" {
		return nil, status.Errorf(codes.InvalidArgument, "orderBy %q is not supported by the local engine, the order is newest first", o)
	}
	before := int64(0)
	if t := r.GetPageToken(); t != "" {
		if before, err = strconv.ParseInt(t, 10, 64); err != nil || before <= 0 {
			return nil, status.Errorf(codes.InvalidArgument, "page token %q is not valid", t)
		}
	}
	view := r.GetView()
	if view == executionspb.ExecutionView_EXECUTION_VIEW_UNSPECIFIED {
		view = executionspb.ExecutionView_BASIC
	}
	page := a.page(id, before, pageSize(r.GetPageSize(), view), view, keep)
	return page, a.engine.journal.kept(ctx)
}

// page collects up to size executions older than a sequence number.
func (a *api) page(id string, before int64, size int, view executionspb.ExecutionView, keep func(State) bool) *executionspb.ListExecutionsResponse {
	out := &executionspb.ListExecutionsResponse{}
	last := int64(0)
	for _, ex := range a.engine.store.before(id, before, -1) {
		s := ex.snapshot()
		if !keep(s.State) {
			continue
		}
		if len(out.Executions) == size {
			out.NextPageToken = strconv.FormatInt(last, 10)
			break
		}
		out.Executions = append(out.Executions, toProto(s, view))
		last = ex.sequence
	}
	return out
}

func pageSize(n int32, view executionspb.ExecutionView) int {
	limit := maxPageBasic
	if view == executionspb.ExecutionView_FULL {
		limit = maxPageFull
	}
	if n <= 0 {
		return defaultPage
	}
	return min(int(n), limit)
}

var stateExpression = regexp.MustCompile(`^\s*state\s*=\s*"?([A-Z]+)"?\s*$`)

// stateFilter reads a filter; only state = "..." is known here.
func stateFilter(filter string) (func(State) bool, error) {
	if strings.TrimSpace(filter) == "" {
		return func(State) bool { return true }, nil
	}
	m := stateExpression.FindStringSubmatch(filter)
	if m == nil {
		return nil, status.Errorf(codes.InvalidArgument, `filter %q is not supported by the local engine, only state="..."`, filter)
	}
	if _, known := executionspb.Execution_State_value[m[1]]; !known {
		return nil, status.Errorf(codes.InvalidArgument, "filter: %q is not a state", m[1])
	}
	return func(s State) bool { return s == State(m[1]) }, nil
}

// workflow gives the id in a workflow's resource name, which must be of the
// engine's project (or "-") and location.
func (a *api) workflow(name string) (string, error) {
	p := strings.Split(name, "/")
	if len(p) != 6 || p[0] != "projects" || p[2] != "locations" || p[4] != "workflows" || p[5] == "" {
		return "", status.Errorf(codes.InvalidArgument, "%q is not projects/P/locations/L/workflows/W", name)
	}
	o := a.engine.options
	if p[1] != o.Project && p[1] != o.ProjectNumber && p[1] != "-" || p[3] != o.Location && p[3] != "-" {
		return "", status.Errorf(codes.NotFound, "workflow %s does not exist: the local engine serves projects/%s/locations/%s", name, o.Project, o.Location)
	}
	return p[5], nil
}

// find looks up an execution by its resource name.
func (a *api) find(name string) (*execution, error) {
	parent, id, ok := strings.Cut(name, "/executions/")
	if !ok || id == "" {
		return nil, status.Errorf(codes.InvalidArgument, "%q is not projects/P/locations/L/workflows/W/executions/E", name)
	}
	workflow, err := a.workflow(parent)
	if err != nil {
		return nil, err
	}
	if ex := a.engine.store.get(a.engine.workflowName(workflow) + "/executions/" + id); ex != nil {
		return ex, nil
	}
	return nil, status.Errorf(codes.NotFound, "execution %s does not exist", name)
}
