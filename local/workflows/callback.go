package workflows

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/workflows/expr"
)

// maxPayloads bounds the requests that wait at one callback. The service answers 429 as well; its number is not
// documented.
const maxPayloads = 100

// errArrived ends the wait for a callback whose request came.
var errArrived = errors.New("the callback was called")

// callbacks is the state of an execution's callback endpoints. Requests that no step waits for are kept in the order
// they came. To keep them across restarts, every request is noted and restored later, each endpoint that had been
// created is opened again, and what a step had taken is dropped.
type callbacks struct {
	note func(record []byte) // called in the order of requests before they count; may be nil

	mu   sync.Mutex
	byID map[string]*callback
}

// callback is one endpoint.
type callback struct {
	id, method string // the method is empty while only requests of it are restored
	payloads   []*received
	waiters    []*waiter
}

// waiter is a step that waits for a request.
type waiter struct {
	got    *received
	cancel context.CancelCauseFunc
}

// received is a request to a callback. It marshals to JSON, and back.
type received struct {
	Callback    string // id
	Method, URL string
	Header      http.Header
	Body        []byte
	Time        time.Time
}

// open adds an endpoint, with the requests to it that were restored.
func (c *callbacks) open(id, method string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at(id).method = method
}

// at finds or adds an endpoint; c.mu is held.
func (c *callbacks) at(id string) *callback {
	cb := c.byID[id]
	if cb == nil {
		if c.byID == nil {
			c.byID = map[string]*callback{}
		}
		cb = &callback{id: id}
		c.byID[id] = cb
	}
	return cb
}

// receive hands a request to the step that waits longest, or keeps it. The error is a gRPC status.
func (c *callbacks) receive(r *received) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	cb := c.byID[r.Callback]
	switch {
	case cb == nil || cb.method != r.Method:
		return status.Errorf(codes.NotFound, "callback %s does not exist for method %s", r.Callback, r.Method)
	case len(cb.payloads) >= maxPayloads:
		return status.Errorf(codes.ResourceExhausted, "callback %s has %d requests that no step has taken", r.Callback, maxPayloads)
	}
	if c.note != nil {
		c.note(r.encode())
	}
	if len(cb.waiters) == 0 {
		cb.payloads = append(cb.payloads, r)
		return nil
	}
	w := cb.waiters[0]
	cb.waiters = cb.waiters[1:]
	w.got = r
	w.cancel(errArrived)
	return nil
}

// take gives the oldest request to an endpoint, once there is one. sleep waits for as long as the step may wait, or until
// its context ends; after that there is no request and no error.
func (c *callbacks) take(ctx context.Context, id string, sleep func(context.Context) error) (*received, error) {
	c.mu.Lock()
	cb := c.byID[id]
	if cb == nil || cb.method == "" {
		c.mu.Unlock()
		return nil, expr.Errorf(expr.TagValue, "callback %q is none of this execution", id)
	}
	if len(cb.payloads) > 0 {
		defer c.mu.Unlock()
		r := cb.payloads[0]
		cb.payloads = cb.payloads[1:]
		return r, nil
	}
	w := &waiter{}
	ctx, w.cancel = context.WithCancelCause(ctx)
	defer w.cancel(nil)
	cb.waiters = append(cb.waiters, w)
	c.mu.Unlock()

	err := sleep(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	cb.waiters = slices.DeleteFunc(cb.waiters, func(x *waiter) bool { return x == w })
	if w.got != nil {
		return w.got, nil
	}
	return nil, err
}

// list gives the endpoints in the order of their ids, with the requests that wait and the number of steps that do.
func (c *callbacks) list() []callbackView {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]callbackView, 0, len(c.byID))
	for _, cb := range c.byID {
		if cb.method == "" {
			continue
		}
		view := callbackView{Name: cb.id, Method: cb.method, Waiters: int64(len(cb.waiters))}
		for _, r := range cb.payloads {
			view.AvailablePayloads = append(view.AvailablePayloads, expr.Describe(r.value()))
		}
		out = append(out, view)
	}
	slices.SortFunc(out, func(a, b callbackView) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// close forgets everything: the execution has ended.
func (c *callbacks) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byID = nil
}

// dropTaken removes the restored requests that recorded calls had taken.
func (c *callbacks) dropTaken(calls map[callID]*call) {
	for _, made := range calls {
		if made.Name != awaitName || made.failure != nil {
			continue
		}
		request, _ := made.value.(map[string]any)["http_request"].(map[string]any)
		link, _ := request["url"].(string)
		path, _, _ := strings.Cut(link, "?")
		c.drop(path[strings.LastIndexByte(path, '/')+1:], made.value)
	}
}

// encode writes a request for restore.
func (r *received) encode() []byte {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // it holds nothing that does not marshal
	}
	return text
}

// restore takes back a request that an earlier engine noted. Its endpoint may be opened later.
func (c *callbacks) restore(record []byte) error {
	r := &received{}
	if err := json.Unmarshal(record, r); err != nil {
		return fmt.Errorf("a request to a callback: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	cb := c.at(r.Callback)
	cb.payloads = append(cb.payloads, r)
	return nil
}

// drop removes a restored request that a step had taken already: the oldest one with that value.
func (c *callbacks) drop(id string, taken any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cb := c.at(id)
	i := slices.IndexFunc(cb.payloads, func(r *received) bool { return expr.Equal(r.value(), taken) })
	if i >= 0 {
		cb.payloads = slices.Delete(cb.payloads, i, i+1)
	}
}

// value is what events.await_callback gives for the request. The documentation names the fields and not their form: here
// url is path and query, and of what occurs several times in headers or query the values are joined by commas.
func (r *received) value() any {
	headers := map[string]any{}
	for k, values := range r.Header {
		headers[k] = strings.Join(values, ",")
	}
	query := map[string]any{}
	if u, err := url.Parse(r.URL); err == nil {
		for k, values := range u.Query() {
			query[k] = strings.Join(values, ",")
		}
	}
	return map[string]any{
		"type": "HTTP", "received_time": r.Time.UTC().Format(time.RFC3339Nano),
		"http_request": map[string]any{"body": r.body(), "headers": headers, "method": r.Method, "query": query, "url": r.URL},
	}
}

// body types the body as that of an HTTP response; what is not the JSON it says it is stays text.
func (r *received) body() any {
	if len(r.Body) == 0 {
		return nil
	}
	v, err := decodeBody(r.Header.Get("Content-Type"), r.Body)
	if err != nil {
		return string(r.Body)
	}
	return v
}
