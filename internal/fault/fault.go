// Package fault is the one error the domain raises: a gRPC code for machines, a reason for programs, a sentence for
// people. The doors turn it into HTTP problems, gRPC statuses, or an ack.
package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
)

// Error says what was refused or went wrong.
type Error struct {
	Code    codes.Code
	Reason  string  // snake_case, for programs: out_of_stock; empty if the code says enough
	Message string  // for people: what was being done, to what, what to do next
	Fields  []Field // every bad field of an InvalidArgument
	Cause   error   // kept for logs, never shown to callers
}

// Field is one thing wrong with a request.
type Field struct {
	Name    string `json:"field"`   // path in the request: lines[2].sku
	Message string `json:"message"` // what is wrong and what would be right
}

// Error is the message, the bad fields and the cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	for i, f := range e.Fields {
		b.WriteString([]string{": ", "; "}[min(i, 1)])
		b.WriteString(f.Name + " " + f.Message)
	}
	if e.Cause != nil {
		b.WriteString(": " + e.Cause.Error())
	}
	return b.String()
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New is an error of a code and a reason.
func New(code codes.Code, reason, format string, args ...any) *Error {
	return &Error{Code: code, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// Wrap gives a cause the code and reason under which it is to be known.
func Wrap(cause error, code codes.Code, reason, format string, args ...any) *Error {
	e := New(code, reason, format, args...)
	e.Cause = cause
	return e
}

// Invalid is a bad request with all its bad fields; nil if there are none.
func Invalid(fields []Field) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{Code: codes.InvalidArgument, Reason: "invalid_request", Message: "the request is not valid", Fields: fields}
}

// Of is err as an Error. Context errors keep their codes; anything else is Unknown, its text for logs only.
func Of(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return Wrap(err, codes.DeadlineExceeded, "", "it took too long")
	case errors.Is(err, context.Canceled):
		return Wrap(err, codes.Canceled, "", "the caller went away")
	}
	return Wrap(err, codes.Unknown, "", "an unexpected error")
}

// Code is the code of err; OK for nil.
func Code(err error) codes.Code {
	if err == nil {
		return codes.OK
	}
	return Of(err).Code
}

// Reason is the reason of err; empty for nil.
func Reason(err error) string {
	if err == nil {
		return ""
	}
	return Of(err).Reason
}

// Permanent says that trying again changes nothing: the request itself is at fault.
func Permanent(err error) bool {
	switch Code(err) {
	case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied,
		codes.FailedPrecondition, codes.OutOfRange, codes.Unimplemented, codes.DataLoss:
		return true
	}
	return false
}
