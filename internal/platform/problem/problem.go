// Package problem puts errors on the wire: RFC 9457 problems for customers, Connect's JSON errors for the saga.
package problem

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
)

// Problem is the body of an error answer to a customer (RFC 9457, application/problem+json).
type Problem struct {
	Type      string        `json:"type"`
	Title     string        `json:"title"`
	Status    int           `json:"status"`
	Detail    string        `json:"detail"`
	Reason    string        `json:"reason,omitempty"`
	Errors    []fault.Field `json:"errors,omitempty"`
	RequestID string        `json:"request_id,omitempty"`
}

// customerStatus is what a customer gets where the reason says more than the code.
var customerStatus = map[string]int{
	"method_not_allowed":     http.StatusMethodNotAllowed,
	"body_too_large":         http.StatusRequestEntityTooLarge,
	"body_too_slow":          http.StatusRequestTimeout,
	"unsupported_media_type": http.StatusUnsupportedMediaType,
	"idempotency_key_reused": http.StatusUnprocessableEntity,
	"unknown_sku":            http.StatusUnprocessableEntity,
	"order_too_large":        http.StatusUnprocessableEntity,
}

// Status is the HTTP status a customer gets for err.
func Status(err error) int {
	e := fault.Of(err)
	if s, ok := customerStatus[e.Reason]; ok {
		return s
	}
	switch e.Code {
	case codes.FailedPrecondition, codes.AlreadyExists, codes.Aborted:
		return http.StatusConflict
	case codes.Canceled:
		return 499 // nginx's "client closed request": nobody reads it
	}
	return RPCStatus(e.Code)
}

// RPCStatus is the HTTP status of a code in the Connect protocol (https://connectrpc.com/docs/protocol#error-codes).
func RPCStatus(c codes.Code) int {
	switch c {
	case codes.OK:
		return http.StatusOK
	case codes.InvalidArgument, codes.FailedPrecondition, codes.OutOfRange:
		return http.StatusBadRequest
	case codes.Unauthenticated:
		return http.StatusUnauthorized
	case codes.PermissionDenied:
		return http.StatusForbidden
	case codes.NotFound:
		return http.StatusNotFound
	case codes.AlreadyExists, codes.Aborted:
		return http.StatusConflict
	case codes.ResourceExhausted:
		return http.StatusTooManyRequests
	case codes.Canceled:
		return 499
	case codes.Unimplemented:
		return http.StatusNotImplemented
	case codes.Unavailable:
		return http.StatusServiceUnavailable
	case codes.DeadlineExceeded:
		return http.StatusGatewayTimeout
	}
	return http.StatusInternalServerError
}

// Write answers a customer with err as a problem. Internal causes stay in the log.
func Write(w http.ResponseWriter, requestID string, err error) {
	e := fault.Of(err)
	status := Status(err)
	p := Problem{
		Type: "about:blank", Title: title(status), Status: status,
		Detail: detail(e, status), Reason: e.Reason, Errors: e.Fields, RequestID: requestID,
	}
	if e.Reason != "" {
		p.Type = "https://orderflow.dev/problems#" + e.Reason
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer") // RFC 6750, section 3
	}
	if e.Reason == "missing_scope" {
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope"`) // section 3.1
	}
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, "application/problem+json", status, p)
}

func title(status int) string {
	if t := http.StatusText(status); t != "" {
		return t
	}
	return "Client Closed Request" // 499 is nginx's
}

// detail is the domain's own sentence, which has a reason. Any other message names our databases and addresses: it is
// for the log and for callers inside.
func detail(e *fault.Error, status int) string {
	switch {
	case e.Reason != "":
		return e.Message
	case status < http.StatusInternalServerError:
		return "the request was not carried out"
	}
	return "something went wrong on our side: try again, and tell us the request id if it stays so"
}

// rpcError is Connect's error body with the reason added, so that a workflow can tell a refusal from trouble.
type rpcError struct {
	Code    string        `json:"code"`
	Message string        `json:"message"`
	Reason  string        `json:"reason,omitempty"`
	Fields  []fault.Field `json:"fields,omitempty"`
}

// WriteRPC answers the saga, or any JSON caller of a gRPC method, with err.
func WriteRPC(w http.ResponseWriter, err error) {
	e := fault.Of(err)
	status := RPCStatus(e.Code)
	if e.Reason == "method_not_allowed" {
		status = http.StatusMethodNotAllowed
	}
	writeJSON(w, "application/json", status, rpcError{
		Code: CodeName(e.Code), Message: e.Message, Reason: e.Reason, Fields: e.Fields,
	})
}

// CodeName is a code as Connect and the logs write it: failed_precondition.
func CodeName(c codes.Code) string {
	var b strings.Builder
	for i, r := range c.String() {
		if r >= 'A' && r <= 'Z' {
			if i > 0 && c != codes.OK {
				b.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Level is how loud an error is: what the caller can mend or try again is a warning, the rest needs a person.
func Level(err error) slog.Level {
	switch fault.Code(err) {
	case codes.OK:
		return slog.LevelInfo
	case codes.Unknown, codes.Internal, codes.DataLoss, codes.Unimplemented:
		return slog.LevelError
	}
	return slog.LevelWarn
}

func writeJSON(w http.ResponseWriter, contentType string, status int, body any) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller is gone if this fails
}
