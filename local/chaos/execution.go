package chaos

import (
	"context"
	"encoding/json"
	"time"

	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/protobuf/proto"

	"orderflow.dev/local/iam"
)

// patience bounds what chaos itself asks of the stack.
const patience = 5 * time.Second

// startAndLose starts an execution that ends before it has done much, and says that all is well.
func (c *Chaos) startAndLose(call iam.Call, pass func() error) error {
	order := orderOf(call.First)
	if err := pass(); err != nil {
		return err
	}
	c.spawn(func() {
		c.cancelExecutions(func(argument string) bool { return orderIn(argument) == order })
	})
	return nil
}

// startAgain starts what is to be started once more, before it is.
func (c *Chaos) startAgain(call iam.Call) {
	var r executionspb.CreateExecutionRequest
	if proto.Unmarshal(call.First, &r) != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, _ = c.reach.Executions.CreateExecution(ctx, &r) // throttled, perhaps: then it is started once
}

// cancelExecutions ends executions that run, of those that ran last.
func (c *Chaos) cancelExecutions(which func(argument string) bool) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	page, err := c.reach.Executions.ListExecutions(ctx, &executionspb.ListExecutionsRequest{
		Parent: c.reach.Workflow, PageSize: 100, View: executionspb.ExecutionView_FULL, Filter: `state="ACTIVE"`,
	})
	if err != nil {
		return // the engine has enough to do
	}
	for _, e := range page.GetExecutions() {
		if which(e.GetArgument()) {
			_, _ = c.reach.Executions.CancelExecution(ctx, &executionspb.CancelExecutionRequest{Name: e.GetName()}) // it may have ended
		}
	}
}

func orderOf(first []byte) string {
	var r executionspb.CreateExecutionRequest
	if proto.Unmarshal(first, &r) != nil {
		return ""
	}
	return orderIn(r.GetExecution().GetArgument())
}

func orderIn(argument string) string {
	var a struct {
		OrderID string `json:"order_id"`
	}
	_ = json.Unmarshal([]byte(argument), &a) // what is no order's has none
	return a.OrderID
}
