package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"time"

	"orderflow.dev/local/psp"
)

// Provider comes between the payment service and its provider.
func (c *Chaos) Provider(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		label := r.Method + " " + path.Base(r.URL.Path)
		if r.Method == http.MethodGet {
			label = "GET charge"
		}
		if strings.HasPrefix(r.URL.Path, "/v1/ledger") { // who checks what came of it all
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler) // whoever asked is gone
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		switch {
		case c.fires(ProviderAway, label):
			http.Error(w, `{"error":"chaos: unavailable"}`, http.StatusServiceUnavailable)
			return
		case c.fires(ProviderNotCharged, label):
			c.hold(r)
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		c.answer(w, r, rec, label)
	})
}

// answer gives the provider's answer, or does not, or late.
func (c *Chaos) answer(w http.ResponseWriter, r *http.Request, rec *httptest.ResponseRecorder, label string) {
	var charge struct {
		Status string `json:"status"`
		Key    string `json:"idempotency_key"`
	}
	_ = json.Unmarshal(rec.Body.Bytes(), &charge) // a refusal has neither
	switch {
	case c.dies(KilledAfter, "payment", "payment: provider "+label):
		panic(http.ErrAbortHandler)
	case c.fires(ProviderCharged, label):
		c.hold(r)
	case charge.Status == string(psp.Pending) && c.fires(WebhookFirst, label):
		c.told.wait(r.Context(), charge.Key)
	case c.fires(ProviderSlow, label):
		c.pause(c.between(ProviderSlow, label, 100*time.Millisecond, 800*time.Millisecond))
	}
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes()) // whoever asked may be gone
}

// hold never answers: it waits until the caller has left.
func (c *Chaos) hold(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-c.end:
	}
	panic(http.ErrAbortHandler)
}

// Webhooks comes between the provider and the shop that it tells.
func (c *Chaos) Webhooks(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		copied, err := repeatable(r)
		if err != nil {
			return nil, err
		}
		event := read(copied())
		if c.fires(WebhookForged, "webhook") {
			c.forge(next, copied(), event)
		}
		if c.fires(WebhookStale, "webhook") {
			c.replayStale(next, copied())
		}
		if c.fires(WebhookTwice, "webhook") {
			c.later(next, copied(), c.between(WebhookTwice, "webhook", 0, 2*time.Second))
		}
		resp, err := next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		c.told.tell(event.IdempotencyKey)
		if c.fires(WebhookAnswerLost, "webhook") {
			return nil, lost(resp)
		}
		return resp, nil
	})
}

func read(r *http.Request) (e psp.Event) {
	_ = json.NewDecoder(r.Body).Decode(&e) // the provider's own
	return e
}

// forge says the contrary under a signature that is not the provider's. That must be refused.
func (c *Chaos) forge(next http.RoundTripper, r *http.Request, e psp.Event) {
	if e.Type == psp.EventApproved {
		e.Type = psp.EventDeclined
	} else {
		e.Type = psp.EventApproved
	}
	body, err := json.Marshal(e)
	if err != nil {
		return // it always marshals
	}
	r.Header.Set(psp.SignatureHeader, psp.Sign([]byte("guessed"), time.Now(), body))
	c.mustRefuse(next, r, body, "forged")
}

// replayStale sends what was signed rightly, long ago.
func (c *Chaos) replayStale(next http.RoundTripper, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // it is in memory
	}
	r.Header.Set(psp.SignatureHeader, psp.Sign(c.reach.WebhookSecret, time.Now().Add(-time.Hour), body))
	c.mustRefuse(next, r, body, "stale")
}

func (c *Chaos) mustRefuse(next http.RoundTripper, r *http.Request, body []byte, what string) {
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	resp, err := next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return // it met other trouble
	}
	if resp.StatusCode/100 == 2 {
		c.broken(fmt.Sprintf("a %s webhook was accepted: %s", what, body))
	}
	_ = lost(resp)
}

// broken notes what must not be.
func (c *Chaos) broken(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.violations = append(c.violations, why)
}

// Violations are what chaos itself saw that must not be.
func (c *Chaos) Violations() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.violations
}

// ProviderClock is the provider's clock: minutes off, now in one direction, now in the other, and within what is tolerated.
func (c *Chaos) ProviderClock() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.skew)
}

// told knows which charges the shop was told of by webhook.
type told struct {
	mu    sync.Mutex
	heard map[string]chan struct{}
}

func (t *told) of(key string) chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.heard[key] == nil {
		t.heard[key] = make(chan struct{})
	}
	return t.heard[key]
}

func (t *told) tell(key string) {
	heard := t.of(key)
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-heard:
	default:
		close(heard)
	}
}

func (t *told) wait(ctx context.Context, key string) {
	select {
	case <-t.of(key):
	case <-ctx.Done(): // the webhook met trouble; whoever asked has left
	}
}
