package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"orderflow.dev/local/workflows/expr"
	"orderflow.dev/local/workflows/stdlib"
)

// createExecution is the connector that the functions below are made of.
const createExecution = "googleapis.workflowexecutions.v1.projects.locations.workflows.executions.create"

// childKey is the key in a context of what names a child execution.
type childKey struct{}

// bearing is a frame whose calls start a child by a name that follows from its parent and from the call: made again after a
// restart, the call finds the child that it started before.
func (f *frame) bearing(n int) *frame {
	in := *f
	name := fmt.Sprintf("%s %s %d %d", f.ex.state.Name, f.thread.id, f.thread.calls, n)
	in.ctx = context.WithValue(f.ctx, childKey{}, uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String())
	return &in
}

// childID is the id of the execution that a request of a parent starts; empty if nobody's child is.
func childID(ctx context.Context) string {
	id, _ := ctx.Value(childKey{}).(string)
	return id
}

// tagExecution marks the failure of a child of experimental.executions.
const tagExecution = "ExecutionError"

// executionOptions are the fields of an Execution that run takes as arguments.
var executionOptions = []string{
	"callLogLevel", "disableConcurrencyQuotaOverflowBuffering", "executionHistoryLevel", "labels",
}

// registerExecutions adds the functions that run a workflow and give its result.
func registerExecutions() {
	optional := func(params []stdlib.Param, names ...string) []stdlib.Param {
		for _, n := range names {
			params = stdlib.With(params, n, nil)
		}
		return params
	}
	add := func(name string, params []stdlib.Param, run func(f *frame, args map[string]any) (any, error)) {
		functions[name] = &callee{name, params, true, func(f *frame, args []any) (any, error) {
			named := map[string]any{}
			for i, p := range params {
				named[p.Name] = args[i]
			}
			return run(f, named)
		}}
	}
	child := slices.Clip(optional(stdlib.Params("workflow_id"), "location", "project_id")) // two lists go on from it
	add("googleapis.workflowexecutions.v1.projects.locations.workflows.executions.run",
		optional(optional(child, "argument", "connector_params"), executionOptions...), runExecution)
	add("experimental.executions.run", optional(child, "argument"), runExperimental)
	all := optional(stdlib.Params("workflow_id", "arguments"), "timeout", "location", "project_id")
	add("experimental.executions.map", all, mapExecutions)
}

// runExecution starts an execution and gives its result, or null with skip_polling.
func runExecution(f *frame, args map[string]any) (any, error) {
	call, x, err := startExecution(f, args, 0)
	if err != nil || call.settings.skipPolling {
		return nil, err
	}
	return call.result(x)
}

// runExperimental is the older form, with an error of its own.
func runExperimental(f *frame, args map[string]any) (any, error) {
	v, err := runExecution(f, args)
	return v, executionError(err)
}

// mapExecutions starts an execution for each argument and gives their results in order.
func mapExecutions(f *frame, args map[string]any) (any, error) {
	list, ok := args["arguments"].([]any)
	if !ok {
		return nil, expr.Errorf(expr.TagType, "argument arguments of experimental.executions.map must be a list, got %s",
			expr.TypeName(args["arguments"]))
	}
	if args["timeout"] != nil {
		args["connector_params"] = map[string]any{"timeout": args["timeout"]}
	}
	calls, started := make([]*connectorCall, len(list)), make([]any, len(list))
	for i, argument := range list {
		one := maps.Clone(args)
		one["argument"] = argument
		var err error
		if calls[i], started[i], err = startExecution(f, one, i); err != nil {
			return nil, executionError(err)
		}
	}
	results := make([]any, len(list))
	for i, call := range calls {
		var err error
		if results[i], err = call.result(started[i]); err != nil {
			return nil, executionError(err)
		}
	}
	return results, nil
}

// startExecution creates an execution, the nth of a call; workflow, location and project are those of the caller unless named.
func startExecution(f *frame, args map[string]any, n int) (*connectorCall, any, error) {
	id, ok := args["workflow_id"].(string)
	if !ok {
		return nil, nil, expr.Errorf(expr.TagType, "argument workflow_id must be a string, got %s",
			expr.TypeName(args["workflow_id"]))
	}
	o := f.ex.engine.options
	place := map[string]string{"project_id": o.Project, "location": o.Location}
	for name := range place {
		if v := args[name]; v != nil {
			if place[name], ok = v.(string); !ok {
				return nil, nil, expr.Errorf(expr.TagType, "argument %s must be a string, got %s", name, expr.TypeName(v))
			}
		}
	}
	body, err := executionBody(args)
	if err != nil {
		return nil, nil, err
	}
	create, _ := lookupConnector(createExecution)
	call, err := create.prepareNth(f, map[string]any{
		"parent": "projects/" + place["project_id"] + "/locations/" + place["location"] + "/workflows/" + id,
		"body":   body, "connector_params": args["connector_params"],
	}, n)
	if err != nil {
		return nil, nil, err
	}
	x, err := call.start()
	return call, x, err
}

// executionBody is the Execution to create. The reference says that run does not wait for a place in the queue.
func executionBody(args map[string]any) (map[string]any, error) {
	body := map[string]any{"disableConcurrencyQuotaOverflowBuffering": true}
	for _, name := range executionOptions {
		if args[name] != nil {
			body[name] = args[name]
		}
	}
	if args["argument"] != nil {
		text, err := expr.EncodeJSON(args["argument"])
		if err != nil {
			return nil, err
		}
		body["argument"] = string(text)
	}
	return body, nil
}

// result waits for the end of an execution and decodes its result.
func (c *connectorCall) result(x any) (any, error) {
	done, err := c.wait(x)
	if err != nil {
		return nil, err
	}
	text, ok := done.(map[string]any)["result"].(string)
	if !ok {
		return nil, nil
	}
	v, err := expr.DecodeJSON(json.RawMessage(text))
	if err != nil {
		return nil, expr.Errorf(expr.TagResponseType, "result of %s is not JSON: %v", done.(map[string]any)["name"], err)
	}
	return v, nil
}

// executionError gives the failure of a child the tag that experimental.executions has for it.
func executionError(err error) error {
	var e *expr.Error
	if !errors.As(err, &e) || !expr.HasTag(e.Value, tagOperation) {
		return err
	}
	value := maps.Clone(e.Value.(map[string]any))
	value["tags"] = []any{tagExecution}
	return &expr.Error{Value: value}
}
