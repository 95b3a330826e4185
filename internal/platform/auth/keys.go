package auth

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// The issuer is asked for its keys whenever a token names one that is not known, or is signed wrongly: whoever sends such
// tokens would have us ask as often as he likes. So it is asked keyFetches times at once, and then once in keyEvery; between,
// the last answer counts. A key that the issuer has just made may be refused for that long, and only while somebody forges.
const (
	keyFetches = 5
	keyEvery   = 5 * time.Second
	maxKeys    = 1 << 20 // bytes of an issuer's answer
)

// keys is the transport by which an issuer's keys are fetched.
type keys struct {
	limit *rate.Limiter

	mu     sync.Mutex
	last   []byte // the answer of the last fetch
	status int
	err    error // or why there was none
}

func newKeys() *keys { return &keys{limit: rate.NewLimiter(rate.Every(keyEvery), keyFetches)} }

// RoundTrip implements http.RoundTripper. One at a time: who waited gets the answer that came meanwhile, if his turn to ask
// has not come.
func (k *keys) RoundTrip(r *http.Request) (*http.Response, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.limit.Allow() {
		k.last, k.status, k.err = fetch(r)
	}
	if k.err != nil {
		return nil, k.err
	}
	return &http.Response{
		StatusCode: k.status, Status: fmt.Sprintf("%d %s", k.status, http.StatusText(k.status)), Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(k.last)), ContentLength: int64(len(k.last)),
	}, nil
}

func fetch(r *http.Request) (body []byte, status int, err error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(http.MaxBytesReader(nil, resp.Body, maxKeys))
	if err != nil {
		return nil, 0, fmt.Errorf("read the keys of %s: %w", r.URL, err)
	}
	return body, resp.StatusCode, nil
}
