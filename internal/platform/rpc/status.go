package rpc

import (
	"errors"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orderflow.dev/internal/fault"
)

// domain is ErrorInfo's domain (AIP-193).
const domain = "orderflow.dev"

// toStatus is the domain's error as a gRPC status: the reason as ErrorInfo, bad fields as BadRequest (AIP-193). What is
// not the domain's says nothing of its cause.
//
// A status in err is not asked for: it is what some cloud told a repository, with its own code and its own text, and
// the domain has said what that means here. Only the generated code's own word, that a method is not there, passes.
func toStatus(err error) error {
	if _, ours := errors.AsType[*fault.Error](err); !ours && status.Code(err) == codes.Unimplemented {
		return err
	}
	f := fault.Of(err)
	s := status.New(f.Code, f.Message)
	if f.Reason != "" {
		s = withDetails(s, f)
	}
	return s.Err()
}

func withDetails(s *status.Status, f *fault.Error) *status.Status {
	bad := &errdetails.BadRequest{}
	for _, field := range f.Fields {
		bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{Field: field.Name, Description: field.Message})
	}
	detailed, err := s.WithDetails(&errdetails.ErrorInfo{Reason: f.Reason, Domain: domain}, bad)
	if err != nil {
		return s // the details did not marshal: the code still says the most
	}
	return detailed
}

// fromStatus is a gRPC status as the domain's error.
func fromStatus(err error) error {
	s, ok := status.FromError(err)
	if !ok || s.Code() == codes.OK {
		return err
	}
	f := &fault.Error{Code: s.Code(), Message: s.Message()}
	for _, d := range s.Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			f.Reason = d.GetReason()
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				f.Fields = append(f.Fields, fault.Field{Name: v.GetField(), Message: v.GetDescription()})
			}
		}
	}
	return f
}
