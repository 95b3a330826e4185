package psp_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
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
			`{"error":"refund of 1251, but 1250 was charged: a part is refunded under a key of its own"}`},
		{"refund", "POST", "/v1/charges/o%2F1/refund", `{"amount":1250}`, 200,
			strings.Replace(approved, `"refunded":0`, `"refunded":1250`, 1)},
		{"unknown", "GET", "/v1/charges/other", "", 404, `{"error":"unknown charge other"}`},
		{"unknown method", "POST", "/v1/charges", body("o2", "cash"), 402, `{"error":"unknown payment method \"cash\""}`},
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
