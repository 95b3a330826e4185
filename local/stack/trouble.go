package stack

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"orderflow.dev/local/chaos"
	"orderflow.dev/local/eventarc"
	"orderflow.dev/local/iam"
	"orderflow.dev/local/skew"
	"orderflow.dev/local/workflows"
)

// Where chaos comes between, if there is any; without it each of these is what it would be.

func (s *Stack) between() func(iam.Call, func() error) error {
	if s.options.Chaos == nil {
		return nil
	}
	return s.options.Chaos.Between
}

func (s *Stack) troubled(provider http.Handler) http.Handler {
	if s.options.Chaos == nil {
		return provider
	}
	return s.options.Chaos.Provider(provider)
}

func (s *Stack) webhookClient() *http.Client {
	if s.options.Chaos == nil {
		return nil
	}
	return &http.Client{Transport: s.options.Chaos.Webhooks(http.DefaultTransport), Timeout: 10 * time.Second}
}

func (s *Stack) providerClock() func() time.Time {
	if s.options.Chaos == nil {
		return nil
	}
	return s.options.Chaos.ProviderClock
}

// program is what units run as in processes of their own.
func (s *Stack) program() (string, error) {
	if s.options.Chaos != nil && s.options.Chaos.Program() != "" {
		return s.options.Chaos.Program(), nil
	}
	return os.Executable()
}

// clock is the environment that sets the clock of a unit's next process.
func (s *Stack) clock(key string) string {
	var wrong time.Duration
	if s.options.Chaos != nil {
		wrong = s.options.Chaos.Clock(key)
	}
	return skew.Variable + "=" + wrong.String()
}

func (s *Stack) sagaClient() *http.Client {
	if s.options.Chaos == nil {
		return nil
	}
	return &http.Client{Transport: s.options.Chaos.Saga(workflows.Transport())}
}

func (s *Stack) deliveryOptions() eventarc.Options {
	o := eventarc.Options{OnDelivery: logDelivery}
	if s.options.Chaos != nil {
		o.HTTP = &http.Client{Transport: s.options.Chaos.Deliveries(eventarc.Transport())}
	}
	return o
}

func (s *Stack) pubsubOptions() []option.ClientOption {
	if s.options.Chaos == nil {
		return nil
	}
	return []option.ClientOption{option.WithGRPCDialOption(grpc.WithChainUnaryInterceptor(s.options.Chaos.PubSub))}
}

// attachChaos tells chaos where everything is.
func (s *Stack) attachChaos() error {
	if s.options.Chaos == nil {
		return nil
	}
	conn, err := grpc.NewClient(s.Workflows, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy())
	if err != nil {
		return err
	}
	s.onStop(func() { conn.Close() })
	at := map[string]string{}
	for name, address := range s.urls {
		if u, err := url.Parse(address); err == nil {
			at[u.Host] = name
		}
	}
	s.options.Chaos.Attach(chaos.Reach{
		Units: s.Processes(), Kill: s.strike, UnitAt: func(host string) string { return at[host] },
		Executions: executionspb.NewExecutionsClient(conn), Workflow: "projects/" + Project + "/locations/" + Location + "/workflows/fulfil-order",
		Publish: s.publish, WebhookSecret: []byte(s.kept.WebhookSecret),
	})
	return nil
}

// strike kills a unit's process and does not wait for the next.
func (s *Stack) strike(unit string) {
	s.mu.Lock()
	p := s.processes[unit]
	s.mu.Unlock()
	if p != nil {
		_ = p.signal(syscall.SIGKILL) // it may just have died
	}
}

// publish publishes a message as no unit would.
func (s *Stack) publish(ctx context.Context, topic string, data []byte, attributes map[string]string) error {
	p := s.publishes.Publisher(topic)
	defer p.Stop()
	_, err := p.Publish(ctx, &pubsub.Message{Data: data, Attributes: attributes}).Get(ctx)
	return err
}
