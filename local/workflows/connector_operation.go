package workflows

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"orderflow.dev/local/workflows/expr"
)

// tagOperation marks the failure of a long-running operation.
const tagOperation = "OperationError"

// operation is what a method started, as it is now.
type operation struct {
	value   map[string]any
	done    bool
	failure any    // what the API says of a failure, null if there is none
	message string // of the failure
	url     string // where to ask again
}

// wait asks for an operation until it is done. Each question counts as a step, as the reference says.
func (c *connectorCall) wait(v any) (any, error) {
	for k := 1; ; k++ {
		op, err := c.readOperation(v)
		switch {
		case err != nil:
			return nil, err
		case op.failure != nil:
			return nil, op.raise()
		case op.done:
			return v, nil
		}
		if err := c.untilNext(op, k); err != nil {
			return nil, err
		}
		if err := c.f.ex.billInternal(); err != nil {
			return nil, err
		}
		if v, err = c.send(map[string]any{"method": http.MethodGet, "url": op.url}); err != nil {
			return nil, err
		}
	}
}

// raise is the error of an operation that failed: the reference names message, tags and operation, and elsewhere error.
func (op *operation) raise() error {
	return &expr.Error{Value: map[string]any{
		"message": op.message, "tags": []any{tagOperation}, "operation": op.value, "error": op.failure,
	}}
}

// untilNext waits before the question k, from 1. For a child in the same engine it waits until that has ended, and
// measures its time as that of an HTTP call is, so that a clock that tests advance does not outrun the child.
func (c *connectorCall) untilNext(op *operation, k int) error {
	if name, _ := op.value["name"].(string); c.remote.self {
		if child := c.f.ex.engine.store.get(name); child != nil {
			return c.untilEnd(child)
		}
	}
	return c.pause(c.settings.polling.delay(k))
}

func (c *connectorCall) untilEnd(child *execution) error {
	ctx, cancel := context.WithTimeoutCause(c.f.ctx, c.settings.timeout-time.Since(c.began), c.overtime())
	defer cancel()
	select {
	case <-child.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// readOperation understands the forms in which Google's APIs tell of an operation.
func (c *connectorCall) readOperation(v any) (*operation, error) {
	m, _ := v.(map[string]any)
	op := &operation{value: m, url: c.operationURL(m)}
	switch status := m["status"].(type) {
	case string: // Compute Engine, Kubernetes Engine, Cloud SQL
		op.done, op.failure = status == "DONE", m["error"]
	case map[string]any: // BigQuery, Cloud Run v1, Workflow Executions
		switch {
		case status["conditions"] != nil:
			op.readConditions(status["conditions"])
		case m["state"] == nil:
			op.done, op.failure = status["state"] == "DONE", status["errorResult"]
		}
	case nil: // google.longrunning.Operation
		op.done, op.failure = m["done"] == true, m["error"]
	}
	if state, ok := m["state"].(string); ok {
		op.readState(state)
	}
	if op.url == "" {
		return nil, expr.Errorf(expr.TagResponseType, "%s got no operation: %s", c.name, expr.Describe(v))
	}
	if op.failure != nil && op.message == "" {
		op.readMessage()
	}
	return op, nil
}

// readState reads the state of an execution. The message of a failed one is as recorded from the service.
func (op *operation) readState(state string) {
	op.done, op.failure = state != string(Active) && state != string(Queued), nil
	if op.done && state != string(Succeeded) {
		op.message = "Execution failed or cancelled."
		if op.failure = op.value["error"]; op.failure == nil {
			op.failure = state
		}
	}
}

// readConditions reads the condition Completed of a Cloud Run job's execution.
func (op *operation) readConditions(v any) {
	list, _ := v.([]any)
	i := slices.IndexFunc(list, func(v any) bool {
		m, _ := v.(map[string]any)
		return m["type"] == "Completed"
	})
	if i < 0 {
		return
	}
	completed := list[i].(map[string]any)
	op.done = completed["status"] != "Unknown"
	if completed["status"] == "False" {
		op.failure = completed
	}
}

// readMessage finds the text of a failure: that of a status, or the first of a list of errors.
func (op *operation) readMessage() {
	failure, _ := op.failure.(map[string]any)
	if list, _ := failure["errors"].([]any); len(list) > 0 {
		failure, _ = list[0].(map[string]any)
	}
	if op.message, _ = failure["message"].(string); op.message == "" {
		op.message = expr.Describe(op.failure)
	}
}

// operationURL is where an operation is asked for: where it says itself, or by its name.
func (c *connectorCall) operationURL(m map[string]any) string {
	link, _ := m["selfLink"].(string)
	if metadata, _ := m["metadata"].(map[string]any); link == "" {
		link, _ = metadata["selfLink"].(string)
	}
	root, err := c.regionalRoot()
	if err != nil {
		return ""
	}
	if u, err := url.Parse(link); err == nil && link != "" {
		base, _ := url.Parse(root)
		base.Path, base.RawPath, base.RawQuery = u.Path, u.RawPath, u.RawQuery
		return base.String()
	}
	if name, _ := m["name"].(string); name != "" {
		version, _, _ := strings.Cut(c.path, "/")
		return root + version + "/" + escapePath(name)
	}
	return ""
}
