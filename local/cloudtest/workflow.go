package cloudtest

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"slices"
	"testing"

	"orderflow.dev/internal/order"
	"orderflow.dev/local/workflows"
)

// recordingSaga stands where fulfil-order stands and does nothing: that it was started, and with what, is what the
// tests of those who start it want to know.
const recordingSaga = `
main:
  params: [order]
  steps:
    - record:
        return: ${order}
`

var engine *workflows.Engine

// Workflows is a Preparation: it starts the workflows engine with options and deploys a fulfil-order that only records
// its executions.
func Workflows(o workflows.Options) Preparation {
	return func(ctx context.Context) error {
		saga, err := workflows.Compile("fulfil-order", []byte(recordingSaga))
		if err != nil {
			return err
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		o.Project, o.Location = project, "test-location"
		engine = workflows.NewEngine(o)
		engine.Deploy("fulfil-order", saga)
		os.Setenv("WORKFLOWS_EMULATOR_HOST", l.Addr().String())
		os.Setenv("WORKFLOW_LOCATION", o.Location)
		go engine.Serve(ctx, l)
		return nil
	}
}

// Sagas are the arguments of the sagas that were started for an order, in the order of their starts.
func Sagas(t testing.TB, orderID string) []order.Fulfilment {
	t.Helper()
	var started []order.Fulfilment
	for _, x := range engine.Executions("fulfil-order") {
		var f order.Fulfilment
		if err := json.Unmarshal(x.Argument, &f); err != nil {
			t.Fatalf("argument of %s: %v", x.Name, err)
		}
		if f.OrderID == orderID {
			started = append(started, f)
		}
	}
	slices.Reverse(started) // the engine has the newest first
	return started
}
