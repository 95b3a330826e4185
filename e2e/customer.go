// Package e2e is Orderflow as its customers see it: a client of the public API, and scenarios that cover every ending
// an order can have. `orderflow demo` shows them, the tests here hold them, and they run against any deployed URL.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	importingv1 "orderflow.dev/gen/orderflow/importing/v1"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/internal/backoff"
	"orderflow.dev/internal/platform/problem"
)

// Customer is one customer, speaking HTTP to a gateway.
type Customer struct {
	Gateway string
	Token   string
	HTTP    *http.Client // http.DefaultClient if nil
}

// Refused is an answer that is no 2xx.
type Refused struct {
	problem.Problem
	Header http.Header
}

func (r *Refused) Error() string {
	text := fmt.Sprintf("%d %s: %s", r.Status, r.Title, r.Detail)
	for _, f := range r.Errors {
		text += "; " + f.Name + " " + f.Message
	}
	if r.Status >= http.StatusInternalServerError && r.RequestID != "" {
		text += " (request id " + r.RequestID + ")" // the log has it
	}
	return text
}

// Placed is an accepted order.
type Placed struct {
	Order    *orderv1.Order
	Replayed bool   // the key had made it before
	Body     []byte // as it came
}

// placeAttempts is how often an order is sent while the intake is in trouble.
const placeAttempts = 5

// Place places an order under an idempotency key: under one key it may be sent again, and is, after trouble.
func (c Customer) Place(ctx context.Context, key string, r *orderv1.PlaceOrderRequest) (*Placed, error) {
	body, err := protojson.Marshal(r)
	if err != nil {
		return nil, err
	}
	var (
		header http.Header
		raw    []byte
	)
	for n := range placeAttempts {
		header, raw, err = c.do(ctx, http.MethodPost, "/v1/orders", body, map[string]string{"Idempotency-Key": key})
		if !Trouble(err) || n == placeAttempts-1 || backoff.Wait(ctx, n, 100*time.Millisecond, 2*time.Second) != nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	p := &Placed{Order: &orderv1.Order{}}
	p.Replayed, p.Body = header.Get("Idempotent-Replayed") == "true", raw
	return p, protojson.Unmarshal(raw, p.Order)
}

// Trouble says that the same request may succeed later.
func Trouble(err error) bool {
	if err == nil {
		return false
	}
	r, ok := errors.AsType[*Refused](err)
	return !ok || r.Status >= 500 || r.Status == http.StatusTooManyRequests
}

// Get reads an order.
func (c Customer) Get(ctx context.Context, id string) (*orderv1.Order, error) {
	o := &orderv1.Order{}
	return o, c.call(ctx, http.MethodGet, "/v1/orders/"+url.PathEscape(id), nil, o)
}

// Cancel cancels an order.
func (c Customer) Cancel(ctx context.Context, id string) (*orderv1.Order, error) {
	o := &orderv1.Order{}
	return o, c.call(ctx, http.MethodPost, "/v1/orders/"+url.PathEscape(id)+"/cancellation", []byte("{}"), o)
}

// List reads a page of orders; query is page_size, page_token, status.
func (c Customer) List(ctx context.Context, query url.Values) (*orderv1.ListOrdersResponse, error) {
	page := &orderv1.ListOrdersResponse{}
	return page, c.call(ctx, http.MethodGet, "/v1/orders?"+query.Encode(), nil, page)
}

// Import reads an import, for which the token needs the scope imports.read.
func (c Customer) Import(ctx context.Context, id string) (*importingv1.Import, error) {
	im := &importingv1.Import{}
	return im, c.call(ctx, http.MethodGet, "/v1/imports/"+url.PathEscape(id), nil, im)
}

// Final says that nothing happens to an order any more.
func Final(s orderv1.OrderStatus) bool {
	return s == orderv1.OrderStatus_ORDER_STATUS_CONFIRMED || s == orderv1.OrderStatus_ORDER_STATUS_CANCELLED
}

// Await reads an order until done says so, or ctx ends.
func (c Customer) Await(ctx context.Context, id string, done func(*orderv1.Order) bool) (*orderv1.Order, error) {
	for {
		o, err := c.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		if done(o) {
			return o, nil
		}
		select {
		case <-ctx.Done():
			return o, fmt.Errorf("order %s is still %s: %w", id, o.GetStatus(), ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (c Customer) call(ctx context.Context, method, path string, body []byte, answer proto.Message) error {
	_, raw, err := c.do(ctx, method, path, body, nil)
	if err != nil {
		return err
	}
	return protojson.Unmarshal(raw, answer)
}

func (c Customer) do(ctx context.Context, method, path string, body []byte, header map[string]string) (http.Header, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.Gateway+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, nil, err
	}
	if resp.StatusCode/100 != 2 {
		return nil, nil, refused(resp, raw)
	}
	return resp.Header, raw, nil
}

func refused(resp *http.Response, raw []byte) error {
	r := &Refused{Header: resp.Header}
	if err := json.Unmarshal(raw, &r.Problem); err != nil || r.Status == 0 {
		r.Problem = problem.Problem{Status: resp.StatusCode, Title: http.StatusText(resp.StatusCode), Detail: string(raw)}
	}
	return r
}
