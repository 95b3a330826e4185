package workflows

import (
	"context"
	"maps"

	"cloud.google.com/go/workflows/apiv1/workflowspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// createDefinition adds a workflow, whose source is compiled. The error is a
// gRPC status.
func (e *Engine) createDefinition(
	ctx context.Context, id string, asked *workflowspb.Workflow,
) (*workflowspb.Workflow, error) {
	w, err := e.compileSource(asked)
	if err != nil {
		return nil, err
	}
	resource := &workflowspb.Workflow{}
	for path := range mutable {
		copyField(resource, asked, path)
	}
	return e.change(ctx, id, func(old *definition) (*Workflow, *workflowspb.Workflow, error) {
		if old != nil {
			return nil, nil, status.Errorf(codes.AlreadyExists, "workflow %s already exists", e.workflowName(id))
		}
		return w, resource, nil
	})
}

// updateDefinition sets the fields of a workflow that paths name. It makes a new
// revision if one of those that belong to a revision gets another value. The
// error is a gRPC status.
func (e *Engine) updateDefinition(
	ctx context.Context, id string, asked *workflowspb.Workflow, paths []string,
) (*workflowspb.Workflow, error) {
	return e.change(ctx, id, func(old *definition) (*Workflow, *workflowspb.Workflow, error) {
		if old == nil {
			return nil, nil, e.noWorkflow(id)
		}
		resource, revised := old.show(old.latest()), false
		before := proto.CloneOf(resource)
		for _, path := range paths {
			copyField(resource, asked, path)
			revised = revised || mutable[path] && !sameField(before, resource, path)
		}
		if err := checkWorkflow(resource); err != nil || !revised {
			return nil, resource, err
		}
		w, err := e.compileSource(resource)
		return w, resource, err
	})
}

// change replaces a workflow by what next makes of it, and returns once that is
// kept.
func (e *Engine) change(
	ctx context.Context, id string, next func(old *definition) (*Workflow, *workflowspb.Workflow, error),
) (*workflowspb.Workflow, error) {
	e.definitions.changing.Lock()
	defer e.definitions.changing.Unlock()
	e.mu.Lock()
	w, resource, err := next(e.definitions.byID[id])
	if err != nil {
		e.mu.Unlock()
		return nil, err
	}
	d := e.define(id, w, resource, false)
	shown := d.show(d.latest())
	at := e.definitions.note(id, d, d.latest())
	e.mu.Unlock()
	return shown, e.definitions.kept(ctx, at)
}

// deleteDefinition removes a workflow. It cancels its executions, waits for them
// and removes them as well, as the service does.
func (e *Engine) deleteDefinition(ctx context.Context, id string) error {
	e.definitions.changing.Lock()
	defer e.definitions.changing.Unlock()
	e.mu.Lock()
	known := e.definitions.byID[id] != nil
	delete(e.definitions.byID, id)
	e.mu.Unlock()
	if !known {
		return e.noWorkflow(id)
	}
	for _, ex := range e.store.before(id, 0, -1) {
		ex.cancel(errCancelled)
		if !ex.running() {
			continue
		}
		select {
		case <-ex.done:
		case <-ctx.Done(): // an execution may delete its own workflow
		}
	}
	e.store.drop(id)
	return e.definitions.kept(ctx, e.definitions.noteDeleted(id))
}

// running tells whether a goroutine runs the execution or did, which closes done.
func (ex *execution) running() bool {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	return ex.rev != nil
}

// drop forgets all executions of a workflow.
func (s *store) drop(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byFlow, id)
	var rest []*execution
	for i := range s.done {
		if ex := s.done[(s.oldest+i)%len(s.done)]; ex.state.Workflow != id {
			rest = append(rest, ex)
		}
	}
	s.done, s.oldest = rest, 0
	maps.DeleteFunc(s.byName, func(_ string, ex *execution) bool { return ex.state.Workflow == id })
}
