package chaos

import (
	"context"
	"net/http"

	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/grpc"
)

// Reach is what chaos needs of the stack that it is let loose on.
type Reach struct {
	Units         []string                                                                        // that can be killed
	Kill          func(unit string)                                                               // SIGKILL; the platform starts another
	UnitAt        func(host string) string                                                        // the unit that serves at host:port
	Executions    executionspb.ExecutionsClient                                                   // of the workflow engine
	Workflow      string                                                                          // projects/P/locations/L/workflows/W
	Publish       func(ctx context.Context, topic string, data []byte, a map[string]string) error // to a topic, by its short name
	WebhookSecret []byte                                                                          // that the provider signs with
}

// Attach tells where everything is. Call it before Start.
func (c *Chaos) Attach(r Reach) { c.reach = r }

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// PubSub comes between Pub/Sub and who delivers its messages: an outage is one for both sides.
func (c *Chaos) PubSub(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, o ...grpc.CallOption) error {
	if c.away(PubSubOutage) {
		return errAway
	}
	return invoke(ctx, method, req, reply, conn, o...)
}
