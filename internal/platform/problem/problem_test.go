package problem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
)

// wantCodes is every gRPC code on the wire. customer is what a person's client sees, rpc what Connect prescribes.
var wantCodes = map[codes.Code]struct {
	name          string
	customer, rpc int
	level         slog.Level
}{
	codes.OK:                 {"ok", 200, 200, slog.LevelInfo},
	codes.Canceled:           {"canceled", 499, 499, slog.LevelWarn},
	codes.Unknown:            {"unknown", 500, 500, slog.LevelError},
	codes.InvalidArgument:    {"invalid_argument", 400, 400, slog.LevelWarn},
	codes.DeadlineExceeded:   {"deadline_exceeded", 504, 504, slog.LevelWarn},
	codes.NotFound:           {"not_found", 404, 404, slog.LevelWarn},
	codes.AlreadyExists:      {"already_exists", 409, 409, slog.LevelWarn},
	codes.PermissionDenied:   {"permission_denied", 403, 403, slog.LevelWarn},
	codes.ResourceExhausted:  {"resource_exhausted", 429, 429, slog.LevelWarn},
	codes.FailedPrecondition: {"failed_precondition", 409, 400, slog.LevelWarn},
	codes.Aborted:            {"aborted", 409, 409, slog.LevelWarn},
	codes.OutOfRange:         {"out_of_range", 400, 400, slog.LevelWarn},
	codes.Unimplemented:      {"unimplemented", 501, 501, slog.LevelError},
	codes.Internal:           {"internal", 500, 500, slog.LevelError},
	codes.Unavailable:        {"unavailable", 503, 503, slog.LevelWarn},
	codes.DataLoss:           {"data_loss", 500, 500, slog.LevelError},
	codes.Unauthenticated:    {"unauthenticated", 401, 401, slog.LevelWarn},
}

func TestEveryCodeHasItsNameStatusAndLevel(t *testing.T) {
	t.Parallel()
	for c := codes.OK; c <= codes.Unauthenticated; c++ {
		want, ok := wantCodes[c]
		if !ok {
			t.Errorf("code %v is not in the table", c)
			continue
		}
		var err error
		if c != codes.OK {
			err = fault.New(c, "", "m")
			if got := Status(err); got != want.customer {
				t.Errorf("%v: customer status %d, want %d", c, got, want.customer)
			}
		}
		if got := RPCStatus(c); got != want.rpc {
			t.Errorf("%v: RPC status %d, want %d", c, got, want.rpc)
		}
		if got := CodeName(c); got != want.name {
			t.Errorf("%v: name %q, want %q", c, got, want.name)
		}
		if got := Level(err); got != want.level {
			t.Errorf("%v: level %v, want %v", c, got, want.level)
		}
	}
}

var wantReasons = map[string]struct {
	code codes.Code
	want int
}{
	"method_not_allowed":     {codes.InvalidArgument, 405},
	"body_too_large":         {codes.InvalidArgument, 413},
	"body_too_slow":          {codes.DeadlineExceeded, 408},
	"too_many_requests":      {codes.ResourceExhausted, 429},
	"unsupported_media_type": {codes.InvalidArgument, 415},
	"idempotency_key_reused": {codes.InvalidArgument, 422},
	"unknown_sku":            {codes.InvalidArgument, 422},
	"order_too_large":        {codes.InvalidArgument, 422},
	"invalid_request":        {codes.InvalidArgument, 400},
	"already_confirmed":      {codes.FailedPrecondition, 409},
	"order_not_found":        {codes.NotFound, 404},
	"catalogue_stale":        {codes.Unavailable, 503},
	"missing_scope":          {codes.PermissionDenied, 403},
}

func TestReasonMaySayMoreThanItsCode(t *testing.T) {
	t.Parallel()
	for reason, c := range wantReasons {
		if got := Status(fault.New(c.code, reason, "m")); got != c.want {
			t.Errorf("%s: status %d, want %d", reason, got, c.want)
		}
	}
	for reason := range customerStatus {
		if _, ok := wantReasons[reason]; !ok {
			t.Errorf("reason %s has a status of its own and is not in the table", reason)
		}
	}
}

func answer(t *testing.T, write func(http.ResponseWriter)) (*httptest.ResponseRecorder, map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	write(w)
	var body map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("body %q is not JSON: %v", w.Body, err)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q: an error must not be cached", got)
	}
	return w, body
}

func TestProblemIsAsRFC9457Says(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("while placing: %w", &fault.Error{
		Code: codes.InvalidArgument, Reason: "invalid_request", Message: "the request is not valid",
		Fields: []fault.Field{{Name: "lines[0].sku", Message: "is missing"}}, Cause: errors.New("secret"),
	})
	w, body := answer(t, func(w http.ResponseWriter) { Write(w, "r-1", err) })
	want := map[string]any{
		"type": "https://orderflow.dev/problems#invalid_request", "title": "Bad Request", "status": 400.0,
		"detail": "the request is not valid", "reason": "invalid_request", "request_id": "r-1",
		"errors": []any{map[string]any{"field": "lines[0].sku", "message": "is missing"}},
	}
	if diff := cmp.Diff(want, body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	if ct := w.Header().Get("Content-Type"); w.Code != 400 || ct != "application/problem+json" {
		t.Errorf("status %d, Content-Type %q", w.Code, ct)
	}
}

func TestEveryProblemHasTypeTitleStatusAndDetail(t *testing.T) {
	t.Parallel()
	for c := codes.Canceled; c <= codes.Unauthenticated; c++ {
		w, body := answer(t, func(w http.ResponseWriter) { Write(w, "", fault.New(c, "", "m")) })
		for _, member := range []string{"type", "title", "detail"} {
			if s, _ := body[member].(string); s == "" {
				t.Errorf("%v: the problem has no %s: %s", c, member, w.Body)
			}
		}
		if body["status"] != float64(w.Code) {
			t.Errorf("%v: body says status %v, answer %d", c, body["status"], w.Code)
		}
		if _, ok := body["request_id"]; ok {
			t.Errorf("%v: an empty request id is shown", c)
		}
	}
}

func TestHeadersThatAStatusNeeds(t *testing.T) {
	t.Parallel()
	for c, want := range map[codes.Code][2]string{
		codes.Unauthenticated: {"WWW-Authenticate", "Bearer"}, codes.Unavailable: {"Retry-After", "1"}, codes.ResourceExhausted: {"Retry-After", "1"},
	} {
		w, _ := answer(t, func(w http.ResponseWriter) { Write(w, "", fault.New(c, "", "m")) })
		if got := w.Header().Get(want[0]); got != want[1] {
			t.Errorf("%v: %s is %q, want %q", c, want[0], got, want[1])
		}
	}
	for reason, want := range map[string]string{"missing_scope": `Bearer error="insufficient_scope"`, "": ""} {
		w, _ := answer(t, func(w http.ResponseWriter) { Write(w, "", fault.New(codes.PermissionDenied, reason, "m")) })
		if got := w.Header().Get("WWW-Authenticate"); got != want {
			t.Errorf("%s: WWW-Authenticate is %q, want %q", reason, got, want)
		}
	}
}

// leaky are errors whose text is for the log only.
var leaky = map[string]error{
	"a bug":                     errors.New("secret"),
	"a panic":                   fmt.Errorf("panic: %v\n%s", "secret", "goroutine 1 [running]: secret"),
	"a cause":                   fault.Wrap(errors.New("secret"), codes.Unavailable, "catalogue_stale", "try again"),
	"a deadline":                fmt.Errorf("secret: %w", context.DeadlineExceeded),
	"two errors":                errors.Join(errors.New("secret"), errors.New("secret")),
	"the text of a cancelation": fmt.Errorf("secret: %w", context.Canceled),
}

func TestInternalsStayInTheLog(t *testing.T) {
	t.Parallel()
	for name, err := range leaky {
		for kind, write := range map[string]func(http.ResponseWriter){
			"problem": func(w http.ResponseWriter) { Write(w, "", err) },
			"rpc":     func(w http.ResponseWriter) { WriteRPC(w, err) },
		} {
			if w, _ := answer(t, write); strings.Contains(w.Body.String(), "secret") {
				t.Errorf("%s: the %s says %s", name, kind, w.Body)
			}
		}
	}
}

// TestMessageWithoutReasonIsNotForCustomers: only the domain's own refusals have a reason. The other messages name our
// databases, addresses and workflows, for the log and for callers inside.
func TestMessageWithoutReasonIsNotForCustomers(t *testing.T) {
	t.Parallel()
	for _, c := range []codes.Code{codes.Unavailable, codes.Internal, codes.PermissionDenied, codes.NotFound, codes.InvalidArgument} {
		err := fault.New(c, "", "dial tcp 10.0.0.1: read orders/o1 in database orders")
		if w, _ := answer(t, func(w http.ResponseWriter) { Write(w, "r", err) }); strings.Contains(w.Body.String(), "orders") {
			t.Errorf("%v: the problem says %s", c, w.Body)
		}
	}
}

func TestRPCErrorIsConnectsWithAReason(t *testing.T) {
	t.Parallel()
	err := fault.Wrap(errors.New("secret"), codes.FailedPrecondition, "out_of_stock", "order o1: not enough of TEA")
	w, body := answer(t, func(w http.ResponseWriter) { WriteRPC(w, err) })
	want := map[string]any{"code": "failed_precondition", "message": "order o1: not enough of TEA", "reason": "out_of_stock"}
	if diff := cmp.Diff(want, body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	if ct := w.Header().Get("Content-Type"); w.Code != 400 || ct != "application/json" {
		t.Errorf("status %d, Content-Type %q", w.Code, ct)
	}
	_, body = answer(t, func(w http.ResponseWriter) { WriteRPC(w, fault.Invalid([]fault.Field{{Name: "f", Message: "m"}})) })
	if diff := cmp.Diff([]any{map[string]any{"field": "f", "message": "m"}}, body["fields"]); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}
