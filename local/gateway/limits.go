package gateway

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// Limits of the deployed gateway (https://cloud.google.com/api-gateway/docs/quotas), in bytes. A time for bodies it does not
// document; without one, whoever sends a byte a second would hold a connection for good.
const (
	maxHeader = 60 << 10
	maxBody   = 32 << 20
	bodyTime  = 15 * time.Second
)

// bounded answers what is over a limit by what its header says, and bounds the body of what is not.
func bounded(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case headerSize(r) > maxHeader:
		problem(w, http.StatusRequestHeaderFieldsTooLarge, fmt.Sprintf("the headers are over %d bytes: send less", maxHeader))
		return false
	case r.ContentLength > maxBody:
		w.Header().Set("Connection", "close")
		problem(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is over %d bytes: send less", maxBody))
		return false
	case r.ContentLength != 0:
		b := body{http.MaxBytesReader(w, r.Body, maxBody), http.NewResponseController(w)}
		_ = b.deadline.SetReadDeadline(time.Now().Add(bodyTime)) // the recorder of a test has none
		r.Body = b
	}
	return true
}

// headerSize is about what the header takes on the wire.
func headerSize(r *http.Request) int {
	n := len(r.RequestURI)
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v) + len(": \r\n")
		}
	}
	return n
}

// body has a deadline until its end: later, it would end the request.
type body struct {
	io.ReadCloser
	deadline *http.ResponseController
}

// Read implements io.Reader.
func (b body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.deadline.SetReadDeadline(time.Time{})
	}
	return n, err
}

// unsent answers a request whose body was too large or did not come; false if that is not the trouble.
func unsent(w http.ResponseWriter, err error) bool {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		problem(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is over %d bytes: send less", maxBody))
		return true
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		problem(w, http.StatusRequestTimeout, fmt.Sprintf("the body did not come within %s: send it faster, or less", bodyTime))
		return true
	}
	return false
}
