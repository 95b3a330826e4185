package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"orderflow.dev/e2e"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/internal/backoff"
)

// checks are what a customer may rely on: the doors that must be shut, then each ending, then a retry.
func checks(c e2e.Customer, sku string, endings []e2e.Scenario) []*check {
	list := []*check{
		{name: "no token", run: func(ctx context.Context) (string, error) {
			nobody := c
			nobody.Token = ""
			_, err := nobody.List(ctx, nil)
			return refused(err, http.StatusUnauthorized)
		}},
		{name: "bad request", run: func(ctx context.Context) (string, error) {
			_, err := c.Place(ctx, rand.Text(), &orderv1.PlaceOrderRequest{PaymentMethod: "pm_approve"})
			note, wrong := refused(err, http.StatusBadRequest)
			if r, ok := errors.AsType[*e2e.Refused](err); wrong == nil && (!ok || len(r.Errors) == 0) {
				return note, errors.New("the answer does not say which fields are bad")
			}
			return note, wrong
		}},
	}
	for _, s := range endings {
		if s.SKU == "" {
			s.SKU = sku
		}
		list = append(list, &check{name: s.Name, run: func(ctx context.Context) (string, error) {
			o, err := s.Run(ctx, e2e.World{Customer: c})
			return "order " + o.GetOrderId(), stuck(o, err)
		}})
	}
	if len(endings) > 0 {
		list = append(list, &check{name: "same key again", run: func(ctx context.Context) (string, error) {
			return replay(ctx, c, &orderv1.PlaceOrderRequest{
				Lines: []*orderv1.RequestedLine{{Sku: sku, Quantity: 1}}, PaymentMethod: endings[0].Method,
			})
		}})
	}
	return list
}

func refused(err error, want int) (string, error) {
	if r, ok := errors.AsType[*e2e.Refused](err); ok && r.Status == want {
		return fmt.Sprint(want), nil
	}
	if err == nil {
		return "", fmt.Errorf("was let in, want %d", want)
	}
	return "", fmt.Errorf("%w; want %d", err, want)
}

// stuck says where to look if an order was not carried to its end.
func stuck(o *orderv1.Order, err error) error {
	if err != nil && o != nil && !e2e.Final(o.GetStatus()) {
		return fmt.Errorf("%w: nothing has carried it to its end; see docs/runbook.md", err)
	}
	return err
}

// replay places an order twice under one key, and follows it to its end.
func replay(ctx context.Context, c e2e.Customer, r *orderv1.PlaceOrderRequest) (string, error) {
	key := rand.Text()
	first, err := c.Place(ctx, key, r)
	if err != nil {
		return "", fmt.Errorf("place: %w", err)
	}
	note := "order " + first.Order.GetOrderId()
	again, err := c.Place(ctx, key, r)
	if err != nil {
		return note, fmt.Errorf("place again: %w", err)
	}
	if !again.Replayed || !bytes.Equal(first.Body, again.Body) {
		return note, fmt.Errorf("the second answer (replayed: %v) is not the first: %s", again.Replayed, again.Body)
	}
	if _, err = c.Await(ctx, first.Order.GetOrderId(), func(o *orderv1.Order) bool { return e2e.Final(o.GetStatus()) }); err != nil {
		return note, stuck(first.Order, err)
	}
	return note, nil
}

// door is how requests go out: not more than a gateway's quota has room for, and reads once more when an instance has to
// start first.
type door struct {
	pace *rate.Limiter
	key  string // of API Gateway, which wants one if consumers have quotas
}

// patience is how often a read is sent.
const patience = 4

func newDoor(key string) *door { return &door{pace: rate.NewLimiter(10, 5), key: key} }

func (d *door) RoundTrip(r *http.Request) (*http.Response, error) {
	if d.key != "" {
		r = r.Clone(r.Context())
		r.Header.Set("x-api-key", d.key)
	}
	for n := 0; ; n++ {
		if err := d.pace.Wait(r.Context()); err != nil {
			if cause := context.Cause(r.Context()); cause != nil {
				err = cause
			}
			return nil, fmt.Errorf("no time is left: %w", err) // which the limiter says before it is so
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		busy := err == nil && (resp.StatusCode == http.StatusServiceUnavailable || resp.StatusCode == http.StatusTooManyRequests)
		if !busy || r.Method != http.MethodGet || n+1 == patience {
			return resp, err
		}
		resp.Body.Close()
		if err := backoff.Wait(r.Context(), n, 500*time.Millisecond, 4*time.Second); err != nil {
			return nil, err
		}
	}
}
