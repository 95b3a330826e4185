package bucket

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/object"
)

// statusCodes are what Cloud Storage's answers mean to us.
var statusCodes = map[int]codes.Code{
	http.StatusNotModified:                  codes.FailedPrecondition,
	http.StatusBadRequest:                   codes.InvalidArgument,
	http.StatusUnauthorized:                 codes.Unauthenticated,
	http.StatusForbidden:                    codes.PermissionDenied,
	http.StatusNotFound:                     codes.NotFound,
	http.StatusConflict:                     codes.Aborted,
	http.StatusPreconditionFailed:           codes.FailedPrecondition,
	http.StatusRequestedRangeNotSatisfiable: codes.OutOfRange,
	http.StatusNotImplemented:               codes.Unimplemented,
}

// fault is err as one of ours: what was being done, to what. Nil stays nil.
func (b *Bucket) fault(err error, doing, name string) error {
	if err == nil {
		return nil
	}
	return fault.Wrap(err, codeOf(err), "", "%s %s", doing, object.URL(b.name, name))
}

func codeOf(err error) codes.Code {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return codes.Canceled
	}
	if answer, ok := errors.AsType[*googleapi.Error](err); ok {
		if code, known := statusCodes[answer.Code]; known {
			return code
		}
		if mayPass(err) {
			return codes.Unavailable
		}
		return codes.Unknown
	}
	switch {
	case errors.Is(err, storage.ErrObjectNotExist), errors.Is(err, storage.ErrBucketNotExist):
		return codes.NotFound
	case wrongChecksum(err):
		return codes.DataLoss
	case storage.ShouldRetry(err):
		return codes.Unavailable
	}
	return codes.Unknown
}

// wrongChecksum knows by their text the client's errors for which it has no value.
func wrongChecksum(err error) bool {
	return strings.Contains(err.Error(), "bad CRC on read") || strings.Contains(err.Error(), "checksum mismatch")
}

// mayPass is the client's own opinion, but for what is not implemented: that would be tried without end.
func mayPass(err error) bool {
	answer, ok := errors.AsType[*googleapi.Error](err)
	return storage.ShouldRetry(err) && !(ok && answer.Code == http.StatusNotImplemented)
}

// exists says that an object must not be created because there is one.
func (b *Bucket) exists(cause error, name string) error {
	return fault.Wrap(cause, codes.AlreadyExists, "object_exists", "%s exists already", object.URL(b.name, name))
}
