package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
)

func TestErrorTellsMessageFieldsAndCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	for want, err := range map[string]error{
		"order o1 is late":                 fault.New(codes.Aborted, "late", "order %s is late", "o1"),
		"order o1: cause":                  fault.Wrap(cause, codes.Aborted, "late", "order %s", "o1"),
		"bad: a is x; b is y":              &fault.Error{Message: "bad", Fields: []fault.Field{{Name: "a", Message: "is x"}, {Name: "b", Message: "is y"}}},
		"bad: a is x: cause":               &fault.Error{Message: "bad", Fields: []fault.Field{{Name: "a", Message: "is x"}}, Cause: cause},
		"the request is not valid: a is x": fault.Invalid([]fault.Field{{Name: "a", Message: "is x"}}),
	} {
		if err.Error() != want {
			t.Errorf("error %q, want %q", err, want)
		}
	}
}

func TestCodeAndReasonAreFoundThroughWrapping(t *testing.T) {
	t.Parallel()
	refusal := fault.New(codes.FailedPrecondition, "declined", "declined")
	for name, c := range map[string]struct {
		err    error
		code   codes.Code
		reason string
	}{
		"none":               {nil, codes.OK, ""},
		"ours":               {refusal, codes.FailedPrecondition, "declined"},
		"wrapped":            {fmt.Errorf("charge: %w", refusal), codes.FailedPrecondition, "declined"},
		"joined":             {errors.Join(errors.New("other"), refusal), codes.FailedPrecondition, "declined"},
		"known by another":   {fault.Wrap(refusal, codes.Unavailable, "unknown", "try again"), codes.Unavailable, "unknown"},
		"a deadline":         {fmt.Errorf("read: %w", context.DeadlineExceeded), codes.DeadlineExceeded, ""},
		"a caller gone":      {context.Canceled, codes.Canceled, ""},
		"anything":           {errors.New("anything"), codes.Unknown, ""},
		"a deadline of ours": {fault.Wrap(context.DeadlineExceeded, codes.Unavailable, "", "later"), codes.Unavailable, ""},
	} {
		if code, reason := fault.Code(c.err), fault.Reason(c.err); code != c.code || reason != c.reason {
			t.Errorf("%s: %s %q, want %s %q", name, code, reason, c.code, c.reason)
		}
		if c.err != nil && !errors.Is(fault.Of(c.err), c.err) && !errors.Is(c.err, fault.Of(c.err)) {
			t.Errorf("%s: its cause is lost in %v", name, fault.Of(c.err))
		}
	}
}

func TestNoBadFieldsAreNoError(t *testing.T) {
	t.Parallel()
	if err := fault.Invalid(nil); err != nil { // not a nil *Error in an error
		t.Errorf("error %v", err)
	}
	err := fault.Invalid([]fault.Field{{Name: "a", Message: "is missing"}})
	if f := fault.Of(err); f.Code != codes.InvalidArgument || f.Reason != "invalid_request" || len(f.Fields) != 1 {
		t.Errorf("error %+v", f)
	}
}

func TestOnlyTheRequestsOwnFaultIsPermanent(t *testing.T) {
	t.Parallel()
	permanent := map[codes.Code]bool{
		codes.InvalidArgument: true, codes.NotFound: true, codes.AlreadyExists: true, codes.PermissionDenied: true,
		codes.FailedPrecondition: true, codes.OutOfRange: true, codes.Unimplemented: true, codes.DataLoss: true,
	}
	for code := codes.OK; code <= codes.Unauthenticated; code++ {
		if got := fault.Permanent(fault.New(code, "", "")); got != permanent[code] {
			t.Errorf("%s: permanent is %v, want %v", code, got, permanent[code])
		}
	}
	if fault.Permanent(nil) || fault.Permanent(errors.New("anything")) || fault.Permanent(context.DeadlineExceeded) {
		t.Error("what may pass is permanent")
	}
}
