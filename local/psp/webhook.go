package psp

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	// SignatureHeader carries the signature of a webhook, see Sign.
	SignatureHeader = "X-Provider-Signature"

	firstBackoff = 200 * time.Millisecond
	maxBackoff   = 10 * time.Second
	maxAttempts  = 20
)

// Sign returns the value of the signature header for a webhook body sent at t:
// "t=<unix seconds>,v1=<hex HMAC-SHA256(secret, "<t>." + body)>".
func Sign(secret []byte, t time.Time, body []byte) string {
	stamp := strconv.FormatInt(t.Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	return "t=" + stamp + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// webhooks settles pending charges later and delivers the events.
type webhooks struct {
	ctx    context.Context
	ledger *Ledger
	secret []byte
	delay  time.Duration
	client *http.Client

	mu     sync.Mutex
	url    string
	closed bool
	wg     sync.WaitGroup
}

func newWebhooks(ctx context.Context, o Options) *webhooks {
	if o.WebhookDelay == 0 {
		o.WebhookDelay = defaultWebhookDelay
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 10 * time.Second}
	}
	return &webhooks{
		ctx: ctx, ledger: o.Ledger, secret: o.WebhookSecret, delay: o.WebhookDelay,
		client: o.Client, url: o.WebhookURL,
	}
}

func (h *webhooks) setURL(url string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.url = url
}

func (h *webhooks) currentURL() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.url
}

// close waits for what was started; the context has ended before.
func (h *webhooks) close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.wg.Wait()
}

func (h *webhooks) settleLater(key string) {
	h.start(func() {
		if h.sleep(h.delay) != nil {
			return
		}
		if event, ok := h.ledger.Settle(key); ok {
			h.deliver(event)
		}
	})
}

func (h *webhooks) start(do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.wg.Go(do)
	}
}

// resume goes on with what an earlier process left.
func (h *webhooks) resume() {
	pending, owed := h.ledger.unfinished()
	for _, key := range pending {
		h.settleLater(key)
	}
	for _, event := range owed {
		h.start(func() { h.deliver(event) })
	}
}

// deliver sends the event until it is accepted, the attempts are used up or the
// server closes. The shop can still ask for the charge after that.
func (h *webhooks) deliver(event Event) {
	body, err := json.Marshal(event)
	if err != nil {
		panic(err) // an Event always marshals
	}
	backoff := firstBackoff
	for range maxAttempts {
		if h.send(body) == nil {
			break
		}
		if h.sleep(backoff) != nil {
			return // it stays owed
		}
		backoff = min(2*backoff, maxBackoff)
	}
	h.ledger.told(event)
}

// send makes one attempt; it signs anew because the time is part of the signature.
func (h *webhooks) send(body []byte) error {
	url := h.currentURL()
	if url == "" {
		return errors.New("no webhook URL yet")
	}
	req, err := http.NewRequestWithContext(h.ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("webhook to %s: %w", url, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(SignatureHeader, Sign(h.secret, h.ledger.now(), body))
	resp, err := h.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody)) // lets the connection be used again
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("webhook to %s: answered %s", url, resp.Status)
	}
	return nil
}

func (h *webhooks) sleep(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-h.ctx.Done():
		return h.ctx.Err()
	}
}
