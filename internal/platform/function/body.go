package function

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
)

// bodyTime is how long a caller may take to send a body. The functions framework sets no limit, and a caller who sends a byte
// a second holds a place on the instance meanwhile.
const bodyTime = 5 * time.Second

// body is a request's, of a size and a time. Its errors are those that the caller is to be told.
type body struct {
	io.ReadCloser
	deadline *http.ResponseController
}

// receive bounds the body of r, in bytes and in time. The bound also holds for a body that nobody reads: the server reads
// the rest before it answers.
func receive(w http.ResponseWriter, r *http.Request, most int64) {
	if r.ContentLength == 0 {
		return
	}
	b := body{http.MaxBytesReader(w, r.Body, most), http.NewResponseController(w)}
	_ = b.deadline.SetReadDeadline(time.Now().Add(bodyTime)) // not every server can: those of tests
	r.Body = b
}

// Read implements io.Reader. After the end there is no deadline: it would end the request's context.
func (b body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == nil {
		return n, nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return n, fault.Wrap(err, codes.DeadlineExceeded, "body_too_slow", "the body did not come within %s: send it faster, or less", bodyTime)
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return n, fault.Wrap(err, codes.InvalidArgument, "body_too_large", "the body is over %d bytes: send less", tooLarge.Limit)
	}
	_ = b.deadline.SetReadDeadline(time.Time{})
	if err == io.EOF {
		return n, io.EOF
	}
	return n, fault.Wrap(err, codes.Canceled, "", "the body could not be read")
}
