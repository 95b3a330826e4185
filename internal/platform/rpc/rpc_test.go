package rpc_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	paymentv1 "orderflow.dev/gen/orderflow/payment/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/problem"
	"orderflow.dev/internal/platform/rpc"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/local/cloudtest"
)

const (
	method      = "/orderflow.payment.v1.PaymentService/GetPayment"
	traceID     = "4bf92f3577b34da6a3ce929d0e0e4736"
	traceparent = "00-" + traceID + "-00f067aa0ba902b7-01"
)

func get(ctx context.Context, c paymentv1.PaymentServiceClient, order string) (*paymentv1.Payment, error) {
	resp, err := c.GetPayment(ctx, &paymentv1.GetPaymentRequest{OrderId: order})
	return resp.GetPayment(), err
}

// wantEndings is how calls end, whichever way they come.
var wantEndings = map[string]*fault.Error{
	"ok":            nil,
	"refused":       {Code: codes.FailedPrecondition, Reason: "declined", Message: "order refused: the payment was declined"},
	"invalid":       {Code: codes.InvalidArgument, Reason: "invalid_request", Message: "the request is not valid", Fields: []fault.Field{{Name: "amount", Message: "is negative"}, {Name: "method", Message: "is missing"}}},
	"trouble":       {Code: codes.ResourceExhausted, Message: "order trouble: too much to do"},
	"their trouble": {Code: codes.Unavailable, Reason: "outcome_unknown", Message: "order: try again"},
	"bug":           {Code: codes.Unknown, Message: "an unexpected error"},
	"their bug":     {Code: codes.Unknown, Message: "an unexpected error"},
	"panic":         {Code: codes.Unknown, Message: "an unexpected error"},
}

func TestErrorsAreTheSameByGRPC(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, newPayments())
	client := dial(t, url)
	for order, want := range wantEndings {
		p, err := get(t.Context(), client, order)
		if want == nil {
			if err != nil || p.GetOrderId() != order {
				t.Errorf("%s: %v, error %v", order, p, err)
			}
			continue
		}
		got := fault.Of(err)
		if diff := cmp.Diff(want, &fault.Error{Code: got.Code, Reason: got.Reason, Message: got.Message, Fields: got.Fields}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", order, diff)
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: internals leak: %v", order, err)
		}
	}
}

func TestErrorsAreTheSameByJSON(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, newPayments())
	for proto, client := range map[string]*http.Client{"HTTP/1.1": http.DefaultClient, "h2c": h2c()} {
		for order, want := range wantEndings {
			a := post(t, client, url+method, `{"order_id":"`+order+`"}`)
			if a.proto[:6] != map[string]string{"HTTP/1.1": "HTTP/1", "h2c": "HTTP/2"}[proto] {
				t.Fatalf("%s was spoken, want %s", a.proto, proto)
			}
			if want == nil {
				if a.Status != 200 || !strings.Contains(a.Body, `"order_id"`) {
					t.Errorf("%s, %s: %d %s", proto, order, a.Status, a.Body)
				}
				continue
			}
			var got struct {
				Code, Message, Reason string
				Fields                []fault.Field
			}
			if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
				t.Fatalf("%s, %s: %s: %v", proto, order, a.Body, err)
			}
			if a.Status != problem.RPCStatus(want.Code) || got.Code != problem.CodeName(want.Code) || got.Reason != want.Reason ||
				got.Message != want.Message || !cmp.Equal(got.Fields, want.Fields) || a.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s, %s: %d %s, want %+v", proto, order, a.Status, a.Body, want)
			}
		}
	}
}

func h2c() *http.Client {
	p := &http.Protocols{}
	p.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: p}}
}

type answer struct {
	cloudtest.Answer
	proto string
}

func post(t *testing.T, client *http.Client, url, body string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw := new(strings.Builder)
	if err := resp.Write(raw); err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(raw.String(), "\r\n\r\n")
	return answer{cloudtest.Answer{Status: resp.StatusCode, Header: resp.Header, Body: text}, resp.Proto}
}

func TestJSONThatIsNoCallIsRefused(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, newPayments())
	json := cloudtest.Header{"Content-Type": "application/json"}
	for name, c := range map[string]struct {
		verb, path, body string
		header           cloudtest.Header
		status           int
		reason           string
	}{
		"no JSON":                  {"POST", method, "{", json, 400, "invalid_json"},
		"wrong type":               {"POST", method, `{"order_id":1}`, json, 400, "invalid_json"},
		"too large":                {"POST", method, `{"order_id":"` + strings.Repeat("a", 1<<20) + `"}`, json, 400, "body_unreadable"},
		"no content type":          {"POST", method, "{}", nil, 400, "unsupported_media_type"},
		"gRPC over HTTP/1.1":       {"POST", method, "{}", cloudtest.Header{"Content-Type": "application/grpc"}, 400, "unsupported_media_type"},
		"unknown field is ignored": {"POST", method, `{"order_id":"ok","new":1}`, json, 200, ""},
		"content type with more":   {"POST", method, `{"order_id":"ok"}`, cloudtest.Header{"Content-Type": "application/json; charset=utf-8"}, 200, ""},
		"GET":                      {"GET", method, "", json, 405, ""},
		"unknown method":           {"POST", method + "s", "{}", json, 404, ""},
		"not implemented":          {"POST", "/orderflow.payment.v1.PaymentService/RefundPayment", "{}", json, 501, ""},
	} {
		a := cloudtest.Send(t, c.verb, url+c.path, c.header, c.body)
		if a.Status != c.status || c.reason != "" && !strings.Contains(a.Body, `"reason":"`+c.reason+`"`) {
			t.Errorf("%s: %d %s, want %d %s", name, a.Status, a.Body, c.status, c.reason)
		}
	}
}

func TestTraceAndRequestIDAreCarried(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, newPayments())
	want := traceID + " r-1"
	ctx := telemetry.WithTrace(t.Context(), telemetry.Continue(traceparent, "r-1"))
	if p, err := get(ctx, dial(t, url), "ok"); err != nil || p.GetProviderChargeId() != want {
		t.Errorf("gRPC: %v, error %v, want %s", p, err, want)
	}
	a := cloudtest.Send(t, http.MethodPost, url+method,
		cloudtest.Header{"Content-Type": "application/json", "traceparent": traceparent, "X-Request-Id": "r-1"}, `{"order_id":"ok"}`)
	if !strings.Contains(a.Body, want) {
		t.Errorf("JSON: %s, want %s", a.Body, want)
	}
}

func TestOneLinePerCall(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, newPayments())
	for order, want := range map[string][2]string{"ok": {"INFO", "ok"}, "refused": {"WARNING", "declined"}, "trouble": {"WARNING", "resource_exhausted"}, "panic": {"ERROR", "unknown"}} {
		id := cloudtest.NewID()
		ctx := telemetry.WithTrace(t.Context(), telemetry.Continue("", id))
		_, _ = get(ctx, dial(t, url), order)
		lines := logged.Lines(t, "request_id", id)
		if len(lines) != 1 || lines[0]["severity"] != want[0] || lines[0]["outcome"] != want[1] || lines[0]["order_id"] != order || lines[0]["method"] != "GetPayment" {
			t.Errorf("%s: lines %v, want one of %v", order, lines, want)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, newPayments())
	conn, err := grpc.NewClient(strings.TrimPrefix(url, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	resp, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{}, grpc.WaitForReady(true))
	if err != nil || resp.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		t.Errorf("health %v, error %v", resp, err)
	}
}

func TestDeadlineEndsACallOnBothSides(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, newPayments())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := get(ctx, dial(t, url), "waits for ever"); fault.Code(err) != codes.DeadlineExceeded {
		t.Errorf("error %v, want DEADLINE_EXCEEDED", err)
	}
}

func TestUnavailableIsTriedAgainAndOtherTroubleIsNot(t *testing.T) {
	t.Parallel()
	for order, want := range map[string]int64{"flaky": 3, "trouble": 1, "refused": 1} {
		s := newPayments()
		url, _ := serve(t, s)
		_, err := get(t.Context(), dial(t, url), order)
		if got := s.calls.Load(); got != want || (order == "flaky") != (err == nil) {
			t.Errorf("%s: %d calls and error %v, want %d calls", order, got, err, want)
		}
	}
}

func TestUnreachableServiceIsUnavailable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := get(t.Context(), dial(t, "http://"+l.Addr().String()), "ok"); fault.Code(err) != codes.Unavailable {
		t.Errorf("error %v, want UNAVAILABLE", err)
	}
}

func TestDialSendsNothingInTheClear(t *testing.T) {
	t.Parallel()
	for url, ok := range map[string]bool{
		"http://127.0.0.1:1": true, "http://localhost:1": true, "http://[::1]:1": true,
		"http://inventory.example": false, "http://10.0.0.1:1": false, "http://localhost.example:1": false, "http://127.0.0.1.example": false,
		"http://localhost@example.com": false, "ftp://localhost": false, "localhost:1": false, "": false, "http://%zz": false,
	} {
		conn, err := rpc.Dial(t.Context(), url)
		if (err == nil) != ok {
			t.Errorf("%q: error %v, want accepted %v", url, err, ok)
		}
		if err == nil {
			conn.Close()
		}
	}
}

func TestStatusOfUnknownMethodIsUnimplemented(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, newPayments())
	_, err := dial(t, url).RefundPayment(t.Context(), &paymentv1.RefundPaymentRequest{})
	if fault.Code(err) != codes.Unimplemented || status.Code(err) == codes.OK {
		t.Errorf("error %v, want UNIMPLEMENTED", err)
	}
}
