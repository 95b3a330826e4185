package function_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"google.golang.org/grpc/codes"

	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/local/cloudtest"
)

var logged *cloudtest.Log

func TestMain(m *testing.M) {
	if port := os.Getenv(wantServe); port != "" {
		fmt.Fprintln(os.Stderr, funcframework.StartHostPort("127.0.0.1", port))
		os.Exit(1)
	}
	if os.Getenv(wantFunctionTarget) != "" {
		os.Exit(0) // a child of TestFunctionTarget: what there is to see happened before main
	}
	logged = cloudtest.CaptureLog()
	cloudtest.Main(m, cloudtest.Issuer)
}

// The functions under test do what their input says, so that a table can ask for every ending.
func init() {
	function.API("test-api", http.MethodPost, func(context.Context, struct{}) (function.APIHandler, error) {
		return func(ctx context.Context, r *function.Request) (*function.Reply, error) {
			var body orderv1.PlaceOrderRequest
			if err := r.Decode(&body); err != nil {
				return nil, err
			}
			if err := end(ctx, body.GetNote()); err != nil {
				return nil, err
			}
			return &function.Reply{
				Status: http.StatusCreated, Header: map[string]string{"Location": "/v1/orders/o1"},
				Body: &orderv1.Order{OrderId: "o1", Note: r.CustomerID, Status: orderv1.OrderStatus_ORDER_STATUS_PLACED},
			}, nil
		}, nil
	})
	function.API("test-get", http.MethodGet, func(context.Context, struct{}) (function.APIHandler, error) {
		return func(_ context.Context, r *function.Request) (*function.Reply, error) {
			return &function.Reply{Body: &orderv1.Order{OrderId: r.URL.Query().Get("id")}}, nil
		}, nil
	})
	function.API("test-scoped", http.MethodGet, func(context.Context, struct{}) (function.APIHandler, error) {
		return func(context.Context, *function.Request) (*function.Reply, error) {
			return &function.Reply{Body: &orderv1.Order{OrderId: "o1"}}, nil
		}, nil
	}, "one", "two")
	function.Call("test-call", func(context.Context, struct{}) (func(context.Context, *orderv1.CancelOrderRequest) (*orderv1.CancelOrderResponse, error), error) {
		return func(ctx context.Context, req *orderv1.CancelOrderRequest) (*orderv1.CancelOrderResponse, error) {
			return &orderv1.CancelOrderResponse{Status: orderv1.OrderStatus_ORDER_STATUS_CANCELLING}, end(ctx, req.GetReason())
		}, nil
	})
	for _, name := range []string{"test-event", "test-event-without-dead-letters"} {
		function.Event(name, func(context.Context, struct{}) (function.EventHandler, error) {
			return func(ctx context.Context, e *event.Event) error { return end(ctx, e.Source) }, nil
		})
	}
	function.Schedule("test-schedule", func(context.Context, struct{}) (func(context.Context) (function.Summary, error), error) {
		return func(ctx context.Context) (function.Summary, error) {
			return function.Summary{"due": 3}, end(ctx, scheduled.Load().(string))
		}, nil
	})
	function.Webhook("test-webhook", 10, func(context.Context, struct{}) (function.WebhookHandler, error) {
		return func(ctx context.Context, r *http.Request) error {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return fault.Wrap(err, codes.InvalidArgument, "body_too_large", "the webhook could not be read")
			}
			return end(ctx, string(body))
		}, nil
	})
	function.Webhook("test-slow", 1000, func(context.Context, struct{}) (function.WebhookHandler, error) {
		return func(_ context.Context, r *http.Request) error {
			path, err := io.ReadAll(r.Body)
			fmt.Println("begun")
			for err == nil {
				if _, e := os.Stat(string(path)); e == nil {
					return nil
				}
				time.Sleep(5 * time.Millisecond)
			}
			return err
		}, nil
	})
	function.Schedule("test-configured", func(ctx context.Context, cfg struct {
		One string `env:"TEST_ONE, required"`
		Two string `env:"TEST_TWO, required"`
	}) (func(context.Context) (function.Summary, error), error) {
		telemetry.Annotate(ctx, "one", cfg.One)
		return func(context.Context) (function.Summary, error) { return nil, nil }, nil
	})
}

// scheduled is how the next run of test-schedule ends.
var scheduled atomic.Value

// end ends an invocation as asked.
func end(ctx context.Context, how string) error {
	telemetry.Annotate(ctx, "how", how)
	switch how {
	case "refused":
		return fault.New(codes.FailedPrecondition, "already_confirmed", "order o1 is confirmed")
	case "trouble":
		return fault.Wrap(errors.New("secret cause"), codes.Unavailable, "", "secret address")
	case "bug":
		return errors.New("secret bug")
	case "panic":
		panic("secret panic")
	}
	return nil
}
