package psp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/psp"
)

const apiKey = "test-key"

var secret = []byte("webhook-secret")

type api struct {
	t   *testing.T
	url string
	srv *psp.Server
	l   *psp.Ledger
}

func serve(t *testing.T, o psp.Options) api {
	t.Helper()
	o.Ledger, o.APIKey, o.WebhookSecret = newLedger(), apiKey, secret
	if o.WebhookDelay == 0 {
		o.WebhookDelay = time.Millisecond
	}
	srv := psp.NewServer(o)
	ts := httptest.NewServer(srv.Handler())
	t.Cleanup(ts.Close)
	t.Cleanup(srv.Close)
	return api{t, ts.URL, srv, o.Ledger}
}

func (a api) do(method, path, body string) (int, string) {
	a.t.Helper()
	resp, err := a.send(a.t.Context(), method, path, body, "Bearer "+apiKey)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(answer))
}

func (a api) send(ctx context.Context, method, path, body, auth string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, a.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", auth)
	return http.DefaultClient.Do(req)
}

func body(key, method string) string {
	return `{"idempotency_key":"` + key + `","amount":1250,"currency":"EUR","payment_method":"` + method + `"}`
}

func TestConversation(t *testing.T) {
	t.Parallel()
	a := serve(t, psp.Options{})
	approved := `{"id":"ch_7fc922d1fffb60c824084c4c","idempotency_key":"o/1","status":"approved","amount":1250,"currency":"EUR","refunded":0}`
	steps := []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"charge", "POST", "/v1/charges", body("o/1", psp.MethodApprove), 200, approved},
		{"same key", "POST", "/v1/charges", body("o/1", psp.MethodApprove), 200, approved},
		{"get with an escaped key", "GET", "/v1/charges/o%2F1", "", 200, approved},
		{"other amount", "POST", "/v1/charges", strings.Replace(body("o/1", psp.MethodApprove), "1250", "1", 1), 409,
			`{"error":"conflict: key o/1 was used for 1250 EUR"}`},
		{"void of an approved one", "POST", "/v1/charges/o%2F1/void", "", 200, approved},
		{"refund of more", "POST", "/v1/charges/o%2F1/refund", `{"amount":1251}`, 422,
			`{"error":"refund of 1251, but 1250 was charged and only full refunds are possible"}`},
		{"refund", "POST", "/v1/charges/o%2F1/refund", `{"amount":1250}`, 200,
			strings.Replace(approved, `"refunded":0`, `"refunded":1250`, 1)},
		{"unknown", "GET", "/v1/charges/other", "", 404, `{"error":"unknown charge other"}`},
		{"unknown method", "POST", "/v1/charges", body("o2", "cash"), 422, `{"error":"unknown payment method \"cash\""}`},
		{"flaky", "POST", "/v1/charges", body("o3", psp.MethodFlaky), 503, `{"error":"provider unavailable for key o3"}`},
		{"not JSON", "POST", "/v1/charges", `{`, 400, `{"error":"body is not the expected JSON: unexpected end of JSON input"}`},
		{"summary", "GET", "/v1/ledger/summary", "", 200,
			`{"charged":1250,"refunded":1250,"net":0,"charges":1,"double_charges":0}`},
		{"ledger", "GET", "/v1/ledger", "", 200,
			`{"seq":1,"time":"2026-01-02T03:04:05Z","type":"charge","idempotency_key":"o/1","amount":1250,"currency":"EUR"}
{"seq":2,"time":"2026-01-02T03:04:05Z","type":"refund","idempotency_key":"o/1","amount":1250,"currency":"EUR"}`},
	}
	for _, s := range steps {
		status, got := a.do(s.method, s.path, s.body)
		if status != s.status {
			t.Errorf("%s: status %d, want %d", s.name, status, s.status)
		}
		if diff := cmp.Diff(s.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s.name, diff)
		}
	}
}

func TestEveryPathNeedsTheKey(t *testing.T) {
	t.Parallel()
	a := serve(t, psp.Options{})
	for _, auth := range []string{"", "Bearer ", "Bearer wrong", apiKey, "Basic " + apiKey} {
		for _, path := range []string{"/v1/charges/k", "/v1/ledger", "/v1/ledger/summary", "/other"} {
			resp, err := a.send(t.Context(), http.MethodGet, path, "", auth)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("GET %s with %q: %d, want 401", path, auth, resp.StatusCode)
			}
		}
	}
}

func TestServerWithoutKeyAdmitsNobody(t *testing.T) {
	t.Parallel()
	srv := psp.NewServer(psp.Options{})
	defer srv.Close()
	rec := httptest.NewRecorder()
	req := httptest.NewRequest(http.MethodGet, "/v1/ledger", nil)
	req.Header.Set("Authorization", "Bearer ")
	srv.Handler().ServeHTTP(rec, req)
	if rec.Code != http.StatusUnauthorized {
		t.Errorf("status %d, want 401", rec.Code)
	}
}

// TestNoAnswer gives up each request after a moment, as callers do, until one is
// answered. How many that takes is up to the machine; never the first.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	for method, recorded := range map[string]bool{psp.MethodTimeoutCharged: true, psp.MethodTimeoutNotCharged: false} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			a := serve(t, psp.Options{})
			if a.giveUpSoon(body("k", method)) {
				t.Fatal("the first request was answered")
			}
			if recorded {
				await(t, "the charge is recorded", func() bool { _, err := a.l.Get("k"); return err == nil })
			} else if status, _ := a.do(http.MethodGet, "/v1/charges/k", ""); status != http.StatusNotFound {
				t.Errorf("GET after the lost request: %d, want 404", status)
			}
			await(t, "a request is answered", func() bool { return a.giveUpSoon(body("k", method)) })
			if got := a.l.Summary().Charged; got != 1250 {
				t.Errorf("charged %d, want 1250", got)
			}
		})
	}
}

// giveUpSoon asks for a charge and reports whether it was approved in time.
func (a api) giveUpSoon(body string) bool {
	ctx, cancel := context.WithTimeout(a.t.Context(), 200*time.Millisecond)
	defer cancel()
	resp, err := a.send(ctx, http.MethodPost, "/v1/charges", body, "Bearer "+apiKey)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	var c psp.Charge
	return json.NewDecoder(resp.Body).Decode(&c) == nil && c.Status == psp.Approved
}

func TestCloseLetsHeldRequestsGo(t *testing.T) {
	t.Parallel()
	a := serve(t, psp.Options{})
	failed := make(chan error, 1)
	go func() {
		resp, err := a.send(t.Context(), http.MethodPost, "/v1/charges", body("k", psp.MethodTimeoutCharged), "Bearer "+apiKey)
		if err == nil {
			resp.Body.Close()
		}
		failed <- err
	}()
	await(t, "the charge is recorded", func() bool { _, err := a.l.Get("k"); return err == nil })
	a.srv.Close()
	if err := <-failed; err == nil {
		t.Error("the held request was answered")
	}
}

type received struct {
	signature string
	body      []byte
}

// receiver accepts webhooks after it has refused the first ones.
func receiver(t *testing.T, refuse int) (string, <-chan received) {
	t.Helper()
	got := make(chan received, 10)
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if len(got) < refuse {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		got <- received{r.Header.Get(psp.SignatureHeader), data}
	}))
	t.Cleanup(ts.Close)
	return ts.URL, got
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		psp.MethodPending:        psp.EventApproved,
		psp.MethodPendingDecline: psp.EventDeclined,
	}
	for method, want := range tests {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			url, got := receiver(t, 0)
			a := serve(t, psp.Options{WebhookURL: url})
			a.do(http.MethodPost, "/v1/charges", body("k", method))
			hook := <-got
			if diff := cmp.Diff(psp.Sign(secret, epoch, hook.body), hook.signature); diff != "" {
				t.Errorf("signature (-want +got):\n%s", diff)
			}
			var event psp.Event
			if err := json.Unmarshal(hook.body, &event); err != nil {
				t.Fatal(err)
			}
			c, err := a.l.Get("k")
			if err != nil {
				t.Fatal(err)
			}
			wantEvent := psp.Event{
				ID: event.ID, Type: want, IdempotencyKey: "k", ChargeID: c.ID,
				Amount: 1250, Currency: "EUR", Time: epoch,
			}
			if diff := cmp.Diff(wantEvent, event); diff != "" || !strings.HasPrefix(event.ID, "evt_") {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWebhookIsRetriedUnchanged(t *testing.T) {
	t.Parallel()
	url, got := receiver(t, 1)
	a := serve(t, psp.Options{})
	a.do(http.MethodPost, "/v1/charges", body("k", psp.MethodPending))
	await(t, "the charge settles without a URL", func() bool { c, _ := a.l.Get("k"); return c.Status == psp.Approved })
	a.srv.SetWebhookURL(url)
	first, second := <-got, <-got
	if !bytes.Equal(first.body, second.body) {
		t.Errorf("retry differs:\n%s\n%s", first.body, second.body)
	}
}

func TestSign(t *testing.T) {
	t.Parallel()
	// Computed with: printf '1767323045.{"a":1}' | openssl dgst -sha256 -hmac webhook-secret
	want := "t=" + strconv.FormatInt(epoch.Unix(), 10) + ",v1=308e36cabdc22e81184c2dedd8adabbea5ba646d0c67650b2d7ff19112c0a6ac"
	if diff := cmp.Diff(want, psp.Sign(secret, epoch, []byte(`{"a":1}`))); diff != "" {
		t.Errorf("Sign (-want +got):\n%s", diff)
	}
}

// await polls until the condition holds and fails after a generous deadline.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited 30 s until %s", what)
		}
	}
}
