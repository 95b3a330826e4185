package rpc_test

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	paymentv1 "orderflow.dev/gen/orderflow/payment/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/rpc"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/local/cloudtest"
)

var logged *cloudtest.Log

func TestMain(m *testing.M) {
	if name := os.Getenv(wantService); name != "" {
		be(name)
	}
	logged = cloudtest.CaptureLog()
	os.Exit(m.Run()) // no cloud is needed here
}

// payments is a service whose calls end as their order says.
type payments struct {
	paymentv1.UnimplementedPaymentServiceServer
	calls    atomic.Int64
	entered  chan string   // gets the order of a call that waits
	released chan struct{} // lets calls that wait go on
}

func newPayments() *payments {
	return &payments{entered: make(chan string, 10), released: make(chan struct{})}
}

func (s *payments) GetPayment(ctx context.Context, req *paymentv1.GetPaymentRequest) (*paymentv1.GetPaymentResponse, error) {
	n := s.calls.Add(1)
	switch req.GetOrderId() {
	case "refused":
		return nil, fault.New(codes.FailedPrecondition, "declined", "order refused: the payment was declined")
	case "invalid":
		return nil, fault.Invalid([]fault.Field{{Name: "amount", Message: "is negative"}, {Name: "method", Message: "is missing"}})
	case "trouble":
		return nil, fault.Wrap(errors.New("secret cause"), codes.ResourceExhausted, "", "order trouble: too much to do")
	case "their trouble": // what a cloud client's error becomes on its way through a repository
		return nil, fault.Wrap(status.Error(codes.PermissionDenied, "secret cause"), codes.Unavailable, "outcome_unknown", "order: try again")
	case "bug":
		return nil, errors.New("secret bug")
	case "their bug":
		return nil, status.Error(codes.Internal, "secret bug")
	case "panic":
		panic("secret panic")
	case "flaky":
		if n < 3 {
			return nil, fault.New(codes.Unavailable, "", "try again")
		}
	case "waits":
		s.entered <- req.GetOrderId()
		<-s.released
	case "waits for ever":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	t := telemetry.TraceOf(ctx)
	return &paymentv1.GetPaymentResponse{Payment: &paymentv1.Payment{OrderId: req.GetOrderId(), ProviderChargeId: t.TraceID + " " + t.RequestID}}, nil
}

func (s *payments) register(r grpc.ServiceRegistrar) { paymentv1.RegisterPaymentServiceServer(r, s) }

var (
	starting sync.Mutex
	next     = make(chan *payments) // what the service that is starting serves
)

func init() {
	rpc.Service("test-payments", func(context.Context, struct{}) (rpc.Registration, error) { return (<-next).register, nil })
	rpc.Service("test-configured", func(context.Context, struct {
		Needed string `env:"TEST_NOWHERE_SET, required"`
	}) (rpc.Registration, error) {
		return nil, errors.New("wired without its configuration")
	})
}

// serve serves s on a port of its own until stop, which answers what Serve did.
func serve(t *testing.T, s *payments) (url string, stop func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := start(ctx, s, l)
	stop = func() error { cancel(); return <-ended }
	t.Cleanup(cancel)
	return "http://" + l.Addr().String(), stop
}

// start serves s on l, one at a time, so that each listener gets its own.
func start(ctx context.Context, s *payments, l net.Listener) (ended <-chan error) {
	starting.Lock()
	defer starting.Unlock()
	end := make(chan error, 1)
	go func() { end <- rpc.Serve(ctx, "test-payments", l) }()
	next <- s
	return end
}

func dial(t *testing.T, url string) paymentv1.PaymentServiceClient {
	t.Helper()
	conn, err := rpc.Dial(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return paymentv1.NewPaymentServiceClient(conn)
}
